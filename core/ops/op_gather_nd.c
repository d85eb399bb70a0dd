/* SPDX-License-Identifier: MIT */
/* Picks blocks by index: the last axis of the indices names a block, the first batch_dims axes run
 * along with those of the data. A constant index outside is an error; one that is computed at run
 * time is moved to the nearest entry, because a run cannot fail. */
#include "core/ops/op_help.h"
#include "core/ops/scatter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct gather_nd_attr {
    int64_t batch;
} gather_nd_attr;

static qns_status check(const gather_nd_attr *a, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *at = &in[1].shape;
    const int64_t k = at->rank ? at->dim[at->rank - 1] : 0;
    bool fits = in[1].dtype == QNS_I64 && at->rank >= 1 && a->batch < at->rank && k >= 1 &&
                a->batch + k <= x->rank;
    for (int64_t i = 0; fits && i < a->batch; i++)
        fits = x->dim[i] == at->dim[i];
    for (int64_t i = 0; fits && i < k; i++)
        fits = x->dim[a->batch + i] > 0;
    if (!fits)
        QNS_FAIL(err, SHAPE, "indices %s %s do not fit to data %s", qns_dtype_name(in[1].dtype),
                 qns_shape_str(at).s, qns_shape_str(x).s);
    for (size_t i = 0; in[1].data && i < qns_tensor_count(&in[1]); i++) {
        const int64_t v = ((const int64_t *)in[1].data)[i];
        const int64_t d = x->dim[a->batch + (int64_t)(i % (size_t)k)];
        if (v < -d || v >= d)
            QNS_FAIL(err, SHAPE, "index %" PRId64 " is outside %s", v, qns_shape_str(x).s);
    }
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const gather_nd_attr *a = n->attr;
    QNS_TRY(check(a, in, err));
    const qns_shape *x = &in[0].shape, *at = &in[1].shape;
    const int32_t from = (int32_t)(a->batch + at->dim[at->rank - 1]);
    qns_shape s = {.rank = at->rank - 1 + x->rank - from};
    if (s.rank > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "the result has more than %d dimensions", QNS_MAX_RANK);
    for (int32_t i = 0; i < s.rank; i++)
        s.dim[i] = i < at->rank - 1 ? at->dim[i] : x->dim[from + i - (at->rank - 1)];
    QNS_TRY(qns_infer_same(out, n, in, err));
    out[0].shape = s;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    gather_nd_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->batch, n->attrs, "batch_dims", 0, err));
    if (a->batch < 0)
        QNS_FAIL(err, FORMAT, "attribute 'batch_dims' is %" PRId64, a->batch);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "GatherND";
    return qns_attrs_add_int(&w->attrs, "batch_dims", ((const gather_nd_attr *)n->attr)->batch,
                             err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%" PRId64 " batch axes", ((const gather_nd_attr *)n->attr)->batch);
}

static void run(const qns_call *c)
{
    const int32_t batch = (int32_t)((const gather_nd_attr *)c->node->attr)->batch;
    const qns_shape *x = &c->in[0].shape, *at = &c->in[1].shape;
    const int32_t k = (int32_t)at->dim[at->rank - 1];
    const size_t block = qns_shape_span(x, batch + k, x->rank) * qns_dtype_size(c->in[0].dtype);
    const size_t n = qns_shape_span(at, 0, at->rank - 1);
    const size_t per_batch = qns_shape_span(at, batch, at->rank - 1);
    const int64_t *index = c->in[1].data;
    for (size_t i = 0; i < n; i++, index += k) {
        size_t from = i / per_batch;
        for (int32_t a = 0; a < k; a++) {
            const int64_t d = x->dim[batch + a];
            from = from * (size_t)d + (size_t)qns_index_within(index[a], d);
        }
        memcpy((char *)c->out[0].data + i * block, (const char *)c->in[0].data + from * block,
               block);
    }
}

static const qns_impl any = {.name = "gather_nd", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"GatherND", 11, read}, {NULL, 0, NULL}};

const qns_op qns_op_gather_nd = {
    .name = "gather_nd",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(gather_nd_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
