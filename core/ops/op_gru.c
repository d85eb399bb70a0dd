/* SPDX-License-Identifier: MIT */
/* The gated recurrent unit. Gates in the order update z, reset r, new h:
 *   h' = (1 - z) n + z h,  n = g(x_n + R_n (r h) + b)  or, linear before reset,
 *                              g(x_n + r (R_n h + b)). */
#include "core/ops/recurrent.h"

#include <string.h>

static void step(const qns_cell *c)
{
    const size_t n = c->hidden;
    float *reset = c->tmp, *part = c->tmp + n;
    for (size_t i = 0; i < n; i++)
        reset[i] = qns_cell_act(c, 0, c->x[n + i] + c->r[n + i]);
    if (c->a->linear_before_reset) {
        for (size_t i = 0; i < n; i++)
            part[i] = reset[i] * c->r[2 * n + i];
    } else {
        for (size_t i = 0; i < n; i++)
            reset[i] *= c->h[i];
        memcpy(part, c->b_r + 2 * n, n * sizeof *part);
        qns_cell_product(part, reset, c->w_r + 2 * n, n, 3 * n, n);
    }
    for (size_t i = 0; i < n; i++) {
        const float z = qns_cell_act(c, 0, c->x[i] + c->r[i]);
        const float fresh = qns_cell_act(c, 1, c->x[2 * n + i] + part[i]);
        c->h[i] = (1.0f - z) * fresh + z * c->h[i];
    }
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_recurrent_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->linear_before_reset, n->attrs, "linear_before_reset", 0, err));
    return qns_recurrent_read(a, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const int64_t linear = ((const qns_recurrent_attr *)n->attr)->linear_before_reset;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "linear_before_reset", linear, err));
    return qns_recurrent_write(w, g, n, err);
}

static const qns_impl f32 = {.name = "gru.f32",
                             .reject = qns_recurrent_reject,
                             .scratch_size = qns_recurrent_scratch,
                             .run = qns_recurrent_run};
static const qns_impl dynamic = {.name = "gru.dynamic",
                                 .reject = qns_recurrent_reject_dynamic,
                                 .prepare = qns_recurrent_prepare_dynamic,
                                 .scratch_size = qns_recurrent_scratch_dynamic,
                                 .run = qns_recurrent_run_dynamic};
static const qns_impl *const impls[] = {&dynamic, &f32, NULL};

static const qns_onnx_rule rules[] = {{"GRU", 7, read}, {NULL, 0, NULL}};

static const qns_recurrent recurrent = {.type = "GRU",
                                        .gates = 3,
                                        .activations = 2,
                                        .def = {QNS_ACT_SIGMOID, QNS_ACT_TANH},
                                        .has_c = false,
                                        .step = step,
                                        .torch_gate = {1, 0, 2}};

const qns_op qns_op_gru = {
    .name = "gru",
    .min_in = 3,
    .max_in = 6,
    .n_out = 2,
    .attr_size = sizeof(qns_recurrent_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_recurrent_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = 1, .bias = -1, .dynamic = QNS_DYNAMIC_RECURRENT},
    .macs = qns_recurrent_macs,
    .describe = qns_recurrent_describe,
    .impls = impls,
    .family = &recurrent,
};
