/* SPDX-License-Identifier: MIT */
/* The plain recurrent layer: h = f(W x + Wb + R h + Rb). */
#include "core/ops/recurrent.h"

static void step(const qns_cell *c)
{
    for (size_t i = 0; i < c->hidden; i++)
        c->h[i] = qns_cell_act(c, 0, c->x[i] + c->r[i]);
}

static const qns_impl f32 = {.name = "rnn.f32",
                             .reject = qns_recurrent_reject,
                             .scratch_size = qns_recurrent_scratch,
                             .run = qns_recurrent_run};
static const qns_impl dynamic = {.name = "rnn.dynamic",
                                 .reject = qns_recurrent_reject_dynamic,
                                 .prepare = qns_recurrent_prepare_dynamic,
                                 .scratch_size = qns_recurrent_scratch_dynamic,
                                 .run = qns_recurrent_run_dynamic};
static const qns_impl *const impls[] = {&dynamic, &f32, NULL};

static const qns_onnx_rule rules[] = {{"RNN", 7, qns_recurrent_read}, {NULL, 0, NULL}};

static const qns_recurrent recurrent = {.type = "RNN",
                                        .gates = 1,
                                        .activations = 1,
                                        .def = {QNS_ACT_TANH},
                                        .has_c = false,
                                        .step = step,
                                        .torch_gate = {0}};

const qns_op qns_op_rnn = {
    .name = "rnn",
    .min_in = 3,
    .max_in = 6,
    .n_out = 2,
    .attr_size = sizeof(qns_recurrent_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_recurrent_infer,
    .onnx = rules,
    .onnx_write = qns_recurrent_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = 1, .bias = -1, .dynamic = QNS_DYNAMIC_RECURRENT},
    .macs = qns_recurrent_macs,
    .describe = qns_recurrent_describe,
    .impls = impls,
    .family = &recurrent,
};
