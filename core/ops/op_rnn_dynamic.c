/* SPDX-License-Identifier: MIT */
/* Recurrent layers with dynamically quantized weights as one node (rnn_dynamic.h has the
 * arithmetic). Input that is not finite gives NaN. It has no ONNX form: models
 * have LSTM, GRU and RNN nodes (recurrent_dynamic.c). */
#include "core/ops/op_rnn_dynamic.h"

#include "core/ops/op_help.h"

#include <stdio.h>

enum { FIRST_WEIGHT = 3, PER_DIRECTION = 4 };

static int64_t dirs_of(const qns_rnn_dynamic_attr *a)
{
    return a->bidirectional ? 2 : 1;
}

static bool given(const qns_node *n, const qns_tensor *in, uint32_t i)
{
    return i < n->n_in && in[i].dtype != QNS_DTYPE_COUNT;
}

static qns_status expect(const qns_tensor *t, const char *what, uint32_t i, const qns_shape *want,
                         qns_err *err)
{
    if (!qns_shape_equal(&t->shape, want))
        QNS_FAIL(err, SHAPE, "%s (input %u) has shape %s, must be %s", what, i,
                 qns_shape_str(&t->shape).s, qns_shape_str(want).s);
    return QNS_OK;
}

static qns_status check_weights(const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_rnn_dynamic_attr *a = n->attr;
    const int64_t dirs = dirs_of(a), rows = (int64_t)qns_rnn_n_gates(a->kind) * a->hidden;

    for (int64_t d = 0; d < a->layers * dirs; d++) {
        const uint32_t at = FIRST_WEIGHT + PER_DIRECTION * (uint32_t)d;
        const int64_t k = d < dirs ? in[0].shape.dim[2] : dirs * a->hidden;
        const qns_shape ih = {2, {rows, k}}, hh = {2, {rows, a->hidden}}, bias = {1, {rows}};

        QNS_TRY(expect(&in[at], "a weight", at, &ih, err));
        QNS_TRY(expect(&in[at + 1], "a weight", at + 1, &hh, err));
        for (uint32_t i = at + 2; i < at + 4; i++)
            if (given(n, in, i))
                QNS_TRY(expect(&in[i], "a bias", i, &bias, err));
    }
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_rnn_dynamic_attr *a = n->attr;
    const qns_shape *x = &in[0].shape;

    if (a->kind > QNS_RNN_RELU || a->hidden < 1 || a->hidden > INT32_MAX / 4 || a->layers < 1 ||
        a->layers > QNS_RNN_MAX_DIRECTIONS / dirs_of(a))
        QNS_FAIL(err, SHAPE, "%lld layers of %lld units are not supported", (long long)a->layers,
                 (long long)a->hidden);
    const int64_t n_dir = a->layers * dirs_of(a);
    if (n->n_in != FIRST_WEIGHT + PER_DIRECTION * (uint32_t)n_dir)
        QNS_FAIL(err, SHAPE, "%u inputs; %lld layers and directions need %lld", n->n_in,
                 (long long)n_dir, (long long)(FIRST_WEIGHT + PER_DIRECTION * n_dir));
    if (x->rank != 3 || x->dim[2] < 1)
        QNS_FAIL(err, SHAPE, "the input has shape %s, must be [steps, batch, features]",
                 qns_shape_str(x).s);
    const qns_shape state = {3, {n_dir, x->dim[1], a->hidden}};
    for (uint32_t i = 1; i < FIRST_WEIGHT; i++)
        if (given(n, in, i))
            QNS_TRY(expect(&in[i], "a first state", i, &state, err));
    QNS_TRY(check_weights(n, in, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        out[i].dtype = QNS_F32;
        out[i].shape = state;
    }
    out[0].shape = (qns_shape){3, {x->dim[0], x->dim[1], dirs_of(a) * a->hidden}};
    return QNS_OK;
}

static const char *reject_weight(const qns_call *c, const qns_tensor *w)
{
    if (!w->data)
        return "a weight is not constant";
    if (w->dtype == QNS_F16)
        return c->be->requant == QNS_REQUANT_FBGEMM ? NULL : "the backend has no float16 weights";
    if (w->dtype != QNS_I8 || !w->qp)
        return "a weight is neither int8 codes nor float16";
    return w->qp->axis > 0 ? "a weight has scales along another axis than its rows" : NULL;
}

static const char *reject(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        const bool weight = i >= FIRST_WEIGHT && (i - FIRST_WEIGHT) % PER_DIRECTION < 2;

        if (weight && reject_weight(c, &c->in[i]))
            return reject_weight(c, &c->in[i]);
        if (weight || !qns_call_has(c, i))
            continue;
        if (c->in[i].dtype != QNS_F32)
            return "an input, state or bias is not float32";
        if (i >= FIRST_WEIGHT && !c->in[i].data)
            return "a bias is not constant";
    }
    return NULL;
}

static qns_rnn_matrix matrix_of(const qns_call *c, uint32_t weight, uint32_t bias)
{
    const qns_tensor *w = &c->in[weight];

    return (qns_rnn_matrix){.w = w->dtype == QNS_I8 ? w->data : NULL,
                            .qp = w->qp,
                            .half = w->dtype == QNS_F16 ? w->data : NULL,
                            .bias = qns_call_has(c, bias) ? qns_cf32(&c->in[bias]) : NULL};
}

static qns_status prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_rnn_dynamic_attr *attr = c->node->attr;
    qns_rnn_weights w[QNS_RNN_MAX_DIRECTIONS];
    const qns_rnn_spec spec = {
        .kind = attr->kind,
        .rule = {c->be->requant, attr->full_range, attr->fb8},
        .input = (size_t)c->in[0].shape.dim[2],
        .hidden = (size_t)attr->hidden,
        .layers = (size_t)attr->layers,
        .bidirectional = attr->bidirectional,
        .w = w,
    };

    for (uint32_t d = 0; d < (uint32_t)(attr->layers * dirs_of(attr)); d++) {
        const uint32_t at = FIRST_WEIGHT + PER_DIRECTION * d;

        w[d] = (qns_rnn_weights){matrix_of(c, at, at + 2), matrix_of(c, at + 1, at + 3)};
    }
    return qns_rnn_create((qns_rnn **)packed, a, &spec, err);
}

static size_t scratch_size(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape;

    return qns_rnn_scratch(c->packed, (size_t)x->dim[0], (size_t)x->dim[1]);
}

static void run(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape;
    const qns_rnn_io io = {
        .steps = (size_t)x->dim[0],
        .batch = (size_t)x->dim[1],
        .x = qns_cf32(&c->in[0]),
        .h0 = qns_call_has(c, 1) ? qns_cf32(&c->in[1]) : NULL,
        .c0 = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL,
        .y = qns_f32(&c->out[0]),
        .hn = c->node->n_out > 1 ? qns_f32(&c->out[1]) : NULL,
        .cn = c->node->n_out > 2 ? qns_f32(&c->out[2]) : NULL,
    };

    /* A failure has made the outputs NaN, which is how numbers report themselves. */
    qns_rnn_run(&io, c->packed, c->k, c->scratch, NULL);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const uint64_t times = (uint64_t)in[0].shape.dim[0] * (uint64_t)in[0].shape.dim[1];
    uint64_t sum = 0;

    for (uint32_t i = FIRST_WEIGHT; i < n->n_in; i++)
        if ((i - FIRST_WEIGHT) % PER_DIRECTION < 2)
            sum += times * qns_tensor_count(&in[i]);
    return sum;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    static const char *const names[] = {"lstm", "gru", "tanh", "relu"};
    const qns_rnn_dynamic_attr *a = n->attr;

    snprintf(out, size, "%s, %lld units, %lld layers%s", names[a->kind], (long long)a->hidden,
             (long long)a->layers, a->bidirectional ? ", both directions" : "");
}

static const qns_impl dynamic = {
    .name = "rnn_dynamic",
    .reject = reject,
    .prepare = prepare,
    .scratch_size = scratch_size,
    .run = run,
};

static const qns_impl *const impls[] = {&dynamic, NULL};

const qns_op qns_op_rnn_dynamic = {
    .name = "rnn_dynamic",
    .min_in = 7,
    .max_in = FIRST_WEIGHT + PER_DIRECTION * QNS_RNN_MAX_DIRECTIONS,
    .n_out = 3,
    .attr_size = sizeof(qns_rnn_dynamic_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
