/* SPDX-License-Identifier: MIT */
/* A copy of a tensor in which some blocks are replaced by, or combined with, updates. The last axis
 * of the indices names a block. A constant index outside is an error; one that is computed at run
 * time is moved to the nearest entry, because a run cannot fail. Of two updates of one block the
 * later one counts. */
#include "core/ops/op_help.h"
#include "core/ops/scatter.h"

#include <inttypes.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *at = &in[1].shape, *u = &in[2].shape;
    if (in[1].dtype != QNS_I64)
        QNS_FAIL(err, SHAPE, "indices are %s, must be int64", qns_dtype_name(in[1].dtype));
    if (in[2].dtype != in[0].dtype)
        QNS_FAIL(err, SHAPE, "updates are %s, must be %s", qns_dtype_name(in[2].dtype),
                 qns_dtype_name(in[0].dtype));
    const int64_t k = at->rank ? at->dim[at->rank - 1] : 0;
    if (at->rank < 1 || k < 0 || k > x->rank)
        QNS_FAIL(err, SHAPE, "indices %s do not fit to data %s", qns_shape_str(at).s,
                 qns_shape_str(x).s);
    qns_shape want = {.rank = at->rank - 1 + x->rank - (int32_t)k};
    if (want.rank > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "the updates have more than %d dimensions", QNS_MAX_RANK);
    for (int32_t i = 0; i < want.rank; i++)
        want.dim[i] = i < at->rank - 1 ? at->dim[i] : x->dim[i - (at->rank - 1) + (int32_t)k];
    if (!qns_shape_equal(&want, u))
        QNS_FAIL(err, SHAPE, "updates are %s, must be %s", qns_shape_str(u).s,
                 qns_shape_str(&want).s);
    for (size_t i = 0; in[1].data && i < qns_tensor_count(&in[1]); i++) {
        const int64_t v = ((const int64_t *)in[1].data)[i], d = x->dim[i % (size_t)k];
        if (v < -d || v >= d)
            QNS_FAIL(err, SHAPE, "index %" PRId64 " is outside axis %d of %s", v,
                     (int)(i % (size_t)k), qns_shape_str(x).s);
    }
    return qns_infer_same(out, n, in, err);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *at = &c->in[1];
    const int32_t k = (int32_t)at->shape.dim[at->shape.rank - 1];
    const size_t n = qns_shape_span(&at->shape, 0, at->shape.rank - 1);
    const size_t block = qns_shape_span(&x->shape, k, x->shape.rank);
    const int64_t *index = at->data;
    const int64_t how = ((const qns_scatter_attr *)c->node->attr)->how;
    if (qns_tensor_bytes(x) && c->out[0].data != x->data)
        memcpy(c->out[0].data, x->data, qns_tensor_bytes(x));
    if (qns_tensor_count(x) == 0)
        return;
    for (size_t i = 0; i < n; i++, index += k) {
        size_t to = 0;
        for (int32_t a = 0; a < k; a++) {
            const int64_t d = x->shape.dim[a];
            to = to * (size_t)d + (size_t)qns_index_within(index[a], d);
        }
        for (size_t e = 0; e < block; e++)
            qns_scatter_put(&c->out[0], to * block + e, &c->in[2], i * block + e, how);
    }
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    return qns_scatter_write(w, "ScatterND", n, err);
}

static const qns_impl any = {
    .name = "scatter_nd", .reject = qns_reject_not_plain, .run = run, .in_place = true};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"ScatterND", 11, qns_scatter_read}, {NULL, 0, NULL}};

const qns_op qns_op_scatter_nd = {
    .name = "scatter_nd",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_scatter_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
