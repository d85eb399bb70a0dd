/* SPDX-License-Identifier: MIT */
/* Repeats a tensor along its axes. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct tile_attr {
    int64_t n, times[QNS_MAX_RANK];
} tile_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const tile_attr *a = n->attr;
    QNS_TRY(qns_infer_same(out, n, in, err));
    if (a->n != in[0].shape.rank)
        QNS_FAIL(err, SHAPE, "%" PRId64 " repeats for %s", a->n, qns_shape_str(&in[0].shape).s);
    for (int64_t i = 0; i < a->n; i++)
        if (__builtin_mul_overflow(in[0].shape.dim[i], a->times[i], &out[0].shape.dim[i]))
            QNS_FAIL(err, SHAPE, "axis %" PRId64 " is too large", i);
    return qns_shape_check(&out[0].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    tile_attr *a = attr;
    size_t count;
    QNS_TRY(qns_onnx_ints(a->times, &count, QNS_MAX_RANK, n, 1, "repeats", err));
    for (size_t i = 0; i < count; i++)
        if (a->times[i] < 0)
            QNS_FAIL(err, DATA, "axis %zu is repeated %" PRId64 " times", i, a->times[i]);
    a->n = (int64_t)count;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const tile_attr *a = n->attr;
    w->type = "Tile";
    return qns_onnx_add_ints(w, "repeats", a->times, (size_t)a->n, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const tile_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, "times");
    for (int64_t i = 0; i < a->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRId64, i ? "," : " ", a->times[i]);
}

static void run(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape, *y = &c->out[0].shape;
    const size_t size = qns_dtype_size(c->in[0].dtype);
    qns_walk w;
    qns_walk_init(&w, y);
    for (size_t i = 0; i < qns_shape_count(y); i++, qns_walk_next(&w)) {
        int64_t from = 0;
        for (int32_t k = 0; k < y->rank; k++)
            from = from * x->dim[k] + w.at[k] % x->dim[k];
        memcpy((char *)c->out[0].data + i * size, (const char *)c->in[0].data + (size_t)from * size,
               size);
    }
}

static const qns_impl any = {.name = "tile", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Tile", 6, read}, {NULL, 0, NULL}};

const qns_op qns_op_tile = {
    .name = "tile",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(tile_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
