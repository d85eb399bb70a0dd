/* SPDX-License-Identifier: MIT */
/* The upper or lower triangle of matrices; the rest becomes 0. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct trilu_attr {
    int64_t upper, k; /* k: the diagonal up to or from which numbers stay */
} trilu_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].shape.rank < 2)
        QNS_FAIL(err, SHAPE, "%s is no matrix", qns_shape_str(&in[0].shape).s);
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    trilu_attr *a = attr;
    size_t count = 1;
    QNS_TRY(qns_attrs_int(&a->upper, n->attrs, "upper", 1, err));
    if (qns_onnx_given(n, 1))
        QNS_TRY(qns_onnx_ints(&a->k, &count, 1, n, 1, "k", err));
    if (count != 1)
        QNS_FAIL(err, SHAPE, "input 'k' is empty");
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const trilu_attr *a = n->attr;
    const qns_tensor k = {.dtype = QNS_I64, .data = (void *)(uintptr_t)&a->k};
    w->type = "Trilu";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "upper", a->upper != 0, err));
    return qns_onnx_add_tensor(w, "k", &k, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const trilu_attr *a = n->attr;
    snprintf(out, size, "%s, diagonal %" PRId64, a->upper ? "upper" : "lower", a->k);
}

static void run(const qns_call *c)
{
    const trilu_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0];
    const int32_t r = x->shape.rank;
    const size_t cols = (size_t)x->shape.dim[r - 1], rows = (size_t)x->shape.dim[r - 2];
    const size_t size = qns_dtype_size(x->dtype);
    char *y = c->out[0].data;
    for (size_t i = 0; i < qns_tensor_count(x); i++) {
        const int64_t row = (int64_t)(i / cols % rows), col = (int64_t)(i % cols);
        /* col - row is small; k may be anything. */
        const bool stays = a->upper ? col - row >= a->k : col - row <= a->k;
        if (stays)
            memcpy(y + i * size, (const char *)x->data + i * size, size);
        else
            memset(y + i * size, 0, size);
    }
}

static const qns_impl any = {.name = "trilu", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Trilu", 14, read}, {NULL, 0, NULL}};

const qns_op qns_op_trilu = {
    .name = "trilu",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(trilu_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
