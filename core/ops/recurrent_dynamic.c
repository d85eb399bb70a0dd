/* SPDX-License-Identifier: MIT */
/* LSTM, GRU and RNN with weights of codes or float16: the gates are put into PyTorch's order, then
 * rnn_dynamic.h computes. Only what PyTorch's layers can be: its activations, no clip, no
 * peepholes, all sequences of one length, no layer that only runs backwards. */
#include "core/ops/op_help.h"
#include "core/ops/recurrent.h"
#include "core/ops/rnn_dynamic.h"

#include <string.h>

typedef struct dynamic {
    qns_rnn *rnn;
    size_t steps, batch, hidden, dirs;
} dynamic;

static const char *reject_attr(const qns_call *c, const qns_recurrent *r)
{
    const qns_recurrent_attr *a = c->node->attr;
    const size_t dirs = a->direction == QNS_BIDIRECTIONAL ? 2 : 1;
    for (size_t i = 0; i < dirs * r->activations; i++)
        if (a->act[i] != (int64_t)r->def[i % r->activations] &&
            !(r->gates == 1 && a->act[i] == QNS_ACT_RELU && a->act[0] == QNS_ACT_RELU))
            return "dynamic layers have the usual activations only";
    if (a->clip > 0 || a->input_forget || a->batch_first)
        return "dynamic layers have no clip, no coupled gates, and time before batch";
    if (a->direction == QNS_REVERSE)
        return "dynamic layers do not run backwards only";
    return r->gates == 3 && !a->linear_before_reset
               ? "a dynamic GRU multiplies before it resets (linear_before_reset 1)"
               : NULL;
}

static const char *reject_weight(const qns_call *c, const qns_tensor *w)
{
    if (!w->data)
        return "a weight is not constant";
    if (w->dtype == QNS_F16)
        return c->be->requant == QNS_REQUANT_FBGEMM ? NULL : "the backend has no float16 weights";
    if (w->dtype != QNS_I8 || !w->qp)
        return "a weight is neither int8 codes nor float16";
    if (c->be->requant == QNS_REQUANT_ONNX)
        return "the backend has no dynamic recurrent layers";
    return w->qp->axis > 1 || (w->qp->axis == 1 && w->shape.dim[0] != 1)
               ? "a weight has scales for other axes than its directions"
               : NULL;
}

const char *qns_recurrent_reject_dynamic(const qns_call *c)
{
    const char *why = reject_weight(c, &c->in[1]);
    if (!why)
        why = reject_weight(c, &c->in[2]);
    if (!why)
        why = reject_attr(c, c->node->op->family);
    if (why)
        return why;
    if (c->in[0].dtype != QNS_F32 || c->out[0].dtype != QNS_F32)
        return "input and output must be float32";
    if (qns_call_has(c, 4) || qns_call_has(c, 7))
        return "dynamic layers have neither sequence lengths nor peepholes";
    return qns_call_has(c, 3) && !c->in[3].data ? "the bias is not constant" : NULL;
}

/* The rows of one direction with the gates in PyTorch's order; `size` bytes in a row. */
static qns_status reorder(void **out, qns_arena *a, const void *rows, size_t size, size_t hidden,
                          const qns_recurrent *r, qns_err *err)
{
    char *to;
    QNS_TRY(qns_arena_new((void **)&to, a, r->gates * hidden, size, err));
    for (size_t g = 0; g < r->gates; g++)
        memcpy(to + g * hidden * size, (const char *)rows + r->torch_gate[g] * hidden * size,
               hidden * size);
    *out = to;
    return QNS_OK;
}

static qns_status scales_of(const qns_qparams **out, qns_arena *a, const qns_qparams *qp, size_t d,
                            size_t hidden, const qns_recurrent *r, qns_err *err)
{
    if (qp->axis < 1)
        return qns_qparams_new(out, a, QNS_I8, -1, 1, &qp->scale[qp->n == 1 ? 0 : d],
                               &qp->zero[qp->n == 1 ? 0 : d], err);
    void *scale, *zero;
    QNS_TRY(reorder(&scale, a, qp->scale, sizeof *qp->scale, hidden, r, err));
    QNS_TRY(reorder(&zero, a, qp->zero, sizeof *qp->zero, hidden, r, err));
    return qns_qparams_new(out, a, QNS_I8, 0, qp->n, scale, zero, err);
}

static qns_status matrix_of(qns_rnn_matrix *out, const qns_call *c, uint32_t slot, size_t d,
                            const qns_recurrent *r, qns_arena *a, qns_err *err)
{
    const qns_tensor *w = &c->in[slot];
    const size_t hidden = (size_t)((const qns_recurrent_attr *)c->node->attr)->hidden;
    const size_t row = (size_t)w->shape.dim[2] * qns_dtype_size(w->dtype);
    const size_t rows = r->gates * hidden;
    void *codes, *bias;
    *out = (qns_rnn_matrix){0};
    QNS_TRY(reorder(&codes, a, (const char *)w->data + d * rows * row, row, hidden, r, err));
    if (w->dtype == QNS_F16)
        out->half = codes;
    else {
        out->w = codes;
        QNS_TRY(scales_of(&out->qp, a, w->qp, d, hidden, r, err));
    }
    if (!qns_call_has(c, 3))
        return QNS_OK;
    const float *b = qns_cf32(&c->in[3]) + (2 * d + (slot == 2)) * rows;
    QNS_TRY(reorder(&bias, a, b, sizeof *b, hidden, r, err));
    out->bias = bias;
    return QNS_OK;
}

qns_status qns_recurrent_prepare_dynamic(void **packed, const qns_call *c, qns_arena *a,
                                         qns_err *err)
{
    const qns_recurrent *r = c->node->op->family;
    const qns_recurrent_attr *attr = c->node->attr;
    const int64_t *x = c->in[0].shape.dim;
    qns_rnn_weights w[2];
    dynamic *d;
    QNS_TRY(qns_arena_new((void **)&d, a, 1, sizeof *d, err));
    *d = (dynamic){.steps = (size_t)x[0],
                   .batch = (size_t)x[1],
                   .hidden = (size_t)attr->hidden,
                   .dirs = attr->direction == QNS_BIDIRECTIONAL ? 2 : 1};
    const qns_rnn_spec spec = {.kind = r->gates == 4                  ? QNS_RNN_LSTM
                                       : r->gates == 3                ? QNS_RNN_GRU
                                       : attr->act[0] == QNS_ACT_RELU ? QNS_RNN_RELU
                                                                      : QNS_RNN_TANH,
                               .rule = {c->be->requant, false, false},
                               .input = (size_t)x[2],
                               .hidden = d->hidden,
                               .layers = 1,
                               .bidirectional = d->dirs == 2,
                               .w = w};
    for (size_t i = 0; i < d->dirs; i++) {
        QNS_TRY(matrix_of(&w[i].ih, c, 1, i, r, a, err));
        QNS_TRY(matrix_of(&w[i].hh, c, 2, i, r, a, err));
    }
    *packed = d;
    return qns_rnn_create(&d->rnn, a, &spec, err);
}

static size_t y_size(const dynamic *d)
{
    const size_t n = d->steps * d->batch * d->dirs * d->hidden * sizeof(float);
    return (n + 63) / 64 * 64;
}

size_t qns_recurrent_scratch_dynamic(const qns_call *c)
{
    const dynamic *d = c->packed;
    return y_size(d) + qns_rnn_scratch(d->rnn, d->steps, d->batch);
}

void qns_recurrent_run_dynamic(const qns_call *c)
{
    const dynamic *d = c->packed;
    float *y = c->scratch, *to = qns_f32(&c->out[0]);
    const qns_rnn_io io = {.steps = d->steps,
                           .batch = d->batch,
                           .x = qns_cf32(&c->in[0]),
                           .h0 = qns_call_has(c, 5) ? qns_cf32(&c->in[5]) : NULL,
                           .c0 = qns_call_has(c, 6) ? qns_cf32(&c->in[6]) : NULL,
                           .y = y,
                           .hn = c->node->n_out > 1 ? qns_f32(&c->out[1]) : NULL,
                           .cn = c->node->n_out > 2 ? qns_f32(&c->out[2]) : NULL};
    /* A failure has made the outputs NaN, which is how numbers report themselves. */
    qns_rnn_run(&io, d->rnn, c->k, (char *)c->scratch + y_size(d), NULL);
    /* [step][batch][direction] to [step][direction][batch] */
    for (size_t t = 0; t < d->steps; t++)
        for (size_t k = 0; k < d->dirs; k++)
            for (size_t b = 0; b < d->batch; b++)
                memcpy(to + ((t * d->dirs + k) * d->batch + b) * d->hidden,
                       y + ((t * d->batch + b) * d->dirs + k) * d->hidden, d->hidden * sizeof *to);
}
