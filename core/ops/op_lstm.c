/* SPDX-License-Identifier: MIT */
/* Long short-term memory. Gates in the order input i, output o, forget f, cell g:
 *   c' = f c + i g,  h' = o tanh(c');  peepholes add P c to i and f, and P c' to o. */
#include "core/ops/recurrent.h"

static void step(const qns_cell *c)
{
    const size_t n = c->hidden;
    const float *x = c->x, *r = c->r, *p = c->peephole;
    for (size_t k = 0; k < n; k++) {
        const float old = c->c[k];
        const float pi = p ? p[k] * old : 0.0f, pf = p ? p[2 * n + k] * old : 0.0f;
        const float i = qns_cell_act(c, 0, x[k] + r[k] + pi);
        const float f =
            c->a->input_forget ? 1.0f - i : qns_cell_act(c, 0, x[2 * n + k] + r[2 * n + k] + pf);
        const float g = qns_cell_act(c, 1, x[3 * n + k] + r[3 * n + k]);
        const float now = f * old + i * g;
        const float po = p ? p[n + k] * now : 0.0f;
        c->c[k] = now;
        c->h[k] = qns_cell_act(c, 0, x[n + k] + r[n + k] + po) * qns_cell_act(c, 2, now);
    }
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_recurrent_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->input_forget, n->attrs, "input_forget", 0, err));
    return qns_recurrent_read(a, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const int64_t coupled = ((const qns_recurrent_attr *)n->attr)->input_forget;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "input_forget", coupled, err));
    return qns_recurrent_write(w, g, n, err);
}

static const qns_impl f32 = {.name = "lstm.f32",
                             .reject = qns_recurrent_reject,
                             .scratch_size = qns_recurrent_scratch,
                             .run = qns_recurrent_run};
static const qns_impl dynamic = {.name = "lstm.dynamic",
                                 .reject = qns_recurrent_reject_dynamic,
                                 .prepare = qns_recurrent_prepare_dynamic,
                                 .scratch_size = qns_recurrent_scratch_dynamic,
                                 .run = qns_recurrent_run_dynamic};
static const qns_impl *const impls[] = {&dynamic, &f32, NULL};

static const qns_onnx_rule rules[] = {{"LSTM", 7, read}, {NULL, 0, NULL}};

static const qns_recurrent recurrent = {.type = "LSTM",
                                        .gates = 4,
                                        .activations = 3,
                                        .def = {QNS_ACT_SIGMOID, QNS_ACT_TANH, QNS_ACT_TANH},
                                        .has_c = true,
                                        .step = step,
                                        .torch_gate = {0, 2, 3, 1}};

const qns_op qns_op_lstm = {
    .name = "lstm",
    .min_in = 3,
    .max_in = 8,
    .n_out = 3,
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
