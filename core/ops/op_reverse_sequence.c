/* SPDX-License-Identifier: MIT */
/* Turns the first len[b] entries of each sequence round; the others stay. Axes 0 and 1 are time and
 * batch, one way or the other. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct reverse_attr {
    int64_t time; /* 0 or 1; the other one is the batch */
} reverse_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const int64_t time = ((const reverse_attr *)n->attr)->time;
    const qns_shape *s = &in[0].shape;
    if (s->rank < 2 || in[0].dtype == QNS_F16 || in[1].dtype != QNS_I64 || in[1].shape.rank != 1 ||
        in[1].shape.dim[0] != s->dim[1 - time])
        QNS_FAIL(err, SHAPE, "lengths are %s %s, must be one int64 for each sequence of %s",
                 qns_dtype_name(in[1].dtype), qns_shape_str(&in[1].shape).s, qns_shape_str(s).s);
    for (size_t i = 0; in[1].data && i < qns_tensor_count(&in[1]); i++) {
        const int64_t len = ((const int64_t *)in[1].data)[i];
        if (len < 0 || len > s->dim[time])
            QNS_FAIL(err, SHAPE, "length %" PRId64 " of sequence %zu; there are %" PRId64 " steps",
                     len, i, s->dim[time]);
    }
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t batch;
    reverse_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->time, n->attrs, "time_axis", 0, err));
    QNS_TRY(qns_attrs_int(&batch, n->attrs, "batch_axis", 1, err));
    if ((a->time != 0 && a->time != 1) || batch != 1 - a->time)
        QNS_FAIL(err, FORMAT, "time axis %" PRId64 " and batch axis %" PRId64 "; must be 0 and 1",
                 a->time, batch);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const int64_t time = ((const reverse_attr *)n->attr)->time;
    w->type = "ReverseSequence";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "time_axis", time, err));
    return qns_attrs_add_int(&w->attrs, "batch_axis", 1 - time, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "time on axis %d", (int)((const reverse_attr *)n->attr)->time);
}

static void run(const qns_call *c)
{
    const qns_shape *s = &c->in[0].shape;
    const bool time_first = ((const reverse_attr *)c->node->attr)->time == 0;
    const size_t entry = qns_shape_span(s, 2, s->rank) * qns_dtype_size(c->in[0].dtype);
    const int64_t steps = s->dim[time_first ? 0 : 1], *len = c->in[1].data;
    for (int64_t i = 0; entry && i < s->dim[0]; i++)
        for (int64_t j = 0; j < s->dim[1]; j++) {
            const int64_t t = time_first ? i : j, b = time_first ? j : i;
            /* A length computed at run time may be anything; a run cannot fail. */
            const int64_t n = len[b] < 0 ? 0 : len[b] > steps ? steps : len[b];
            const int64_t from = t < n ? n - 1 - t : t;
            const int64_t at = time_first ? from * s->dim[1] + b : b * s->dim[1] + from;
            memcpy((char *)c->out[0].data + (size_t)(i * s->dim[1] + j) * entry,
                   (const char *)c->in[0].data + (size_t)at * entry, entry);
        }
}

static const qns_impl any = {
    .name = "reverse_sequence", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"ReverseSequence", 10, read}, {NULL, 0, NULL}};

const qns_op qns_op_reverse_sequence = {
    .name = "reverse_sequence",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(reverse_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
