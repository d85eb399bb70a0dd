/* SPDX-License-Identifier: MIT */
/* Sums of rows of a quantized table (embedding.h has layout and arithmetic). Inputs: the table, a
 * constant [rows, row size] of bytes; indices; offsets of the bags, which may be left out; a float
 * factor for each index, which may be left out, too. Without offsets each index is a bag: the plain
 * embedding, with the shape of the indices and dim behind it. Indices and offsets are int64; one
 * out of range makes the whole output NaN. It has no ONNX form. */
#include "core/ops/op_embedding_bag.h"

#include "core/ops/embedding.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>

static bool given(const qns_node *n, const qns_tensor *in, uint32_t i)
{
    return i < n->n_in && in[i].dtype != QNS_DTYPE_COUNT;
}

static qns_status check_table(const qns_embedding_bag_attr *a, const qns_tensor *t, qns_err *err)
{
    if (t->dtype != QNS_U8 || t->shape.rank != 2)
        QNS_FAIL(err, SHAPE, "the table is %s %s, must be rows of bytes", qns_dtype_name(t->dtype),
                 qns_shape_str(&t->shape).s);
    if (a->dim < 1 || a->dim > INT32_MAX || (a->bits != 8 && a->bits != 4))
        QNS_FAIL(err, SHAPE, "rows of %lld numbers of %lld bits are not supported",
                 (long long)a->dim, (long long)a->bits);
    const qns_embedding e = {(int)a->bits, (size_t)t->shape.dim[0], (size_t)a->dim, NULL};
    return qns_embedding_check(&e, qns_tensor_count(t), err);
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_embedding_bag_attr *a = n->attr;
    const qns_shape *index = &in[1].shape;

    QNS_TRY(check_table(a, &in[0], err));
    if (in[1].dtype != QNS_I64 || index->rank < 1 || index->rank >= QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "the indices are %s %s, must be int64 with an axis",
                 qns_dtype_name(in[1].dtype), qns_shape_str(index).s);
    if (given(n, in, 3) &&
        (in[3].dtype != QNS_F32 || qns_tensor_count(&in[3]) != qns_tensor_count(&in[1])))
        QNS_FAIL(err, SHAPE, "the factors are %s %s, must be one float32 for each index",
                 qns_dtype_name(in[3].dtype), qns_shape_str(&in[3].shape).s);
    out[0].dtype = QNS_F32;
    out[0].shape = *index;
    if (given(n, in, 2)) {
        const qns_shape *offset = &in[2].shape;

        if (in[2].dtype != QNS_I64 || offset->rank != 1 || (a->with_last && offset->dim[0] < 1))
            QNS_FAIL(err, SHAPE, "the offsets are %s %s, must be int64 with one axis",
                     qns_dtype_name(in[2].dtype), qns_shape_str(offset).s);
        out[0].shape = *offset;
        out[0].shape.dim[0] -= a->with_last;
    }
    out[0].shape.dim[out[0].shape.rank++] = a->dim;
    return qns_shape_check(&out[0].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_embedding_bag_attr *a = attr;
    int64_t with_last;

    QNS_TRY(qns_attrs_int(&a->bits, n->attrs, "bits", 8, err));
    QNS_TRY(qns_attrs_int(&a->dim, n->attrs, "dim", 0, err));
    QNS_TRY(qns_attrs_int(&with_last, n->attrs, "include_last_offset", 0, err));
    a->with_last = with_last != 0;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_embedding_bag_attr *a = n->attr;

    w->type = "qns.EmbeddingBag";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "bits", a->bits, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "dim", a->dim, err));
    return qns_attrs_add_int(&w->attrs, "include_last_offset", a->with_last, err);
}

static const char *reject(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++)
        if (qns_call_has(c, i) && c->in[i].layout != QNS_ROW &&
            !qns_layout_trivial(&c->in[i].shape))
            return "an input is not row-major";
    return c->in[0].data ? NULL : "the table is not constant";
}

static void run(const qns_call *c)
{
    const qns_embedding_bag_attr *a = c->node->attr;
    const size_t dim = (size_t)a->dim, n_out = qns_tensor_count(&c->out[0]);
    const qns_embedding e = {(int)a->bits, (size_t)c->in[0].shape.dim[0], dim, c->in[0].data};
    const qns_bags b = {.n = n_out / dim,
                        .index = c->in[1].data,
                        .n_index = qns_tensor_count(&c->in[1]),
                        .offset = qns_call_has(c, 2) ? c->in[2].data : NULL,
                        .with_last = qns_call_has(c, 2) && a->with_last,
                        .weight = qns_call_has(c, 3) ? qns_cf32(&c->in[3]) : NULL};
    float *out = qns_f32(&c->out[0]);

    if (qns_embedding_sum(out, &e, &b, NULL) != QNS_OK)
        for (size_t i = 0; i < n_out; i++)
            out[i] = NAN;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_embedding_bag_attr *a = n->attr;

    snprintf(out, size, "%lld bits, rows of %lld", (long long)a->bits, (long long)a->dim);
}

static const qns_impl packed = {.name = "embedding_bag.packed", .reject = reject, .run = run};
static const qns_impl *const impls[] = {&packed, NULL};

static const qns_onnx_rule rules[] = {{"qns.EmbeddingBag", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_embedding_bag = {
    .name = "embedding_bag",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .attr_size = sizeof(qns_embedding_bag_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
