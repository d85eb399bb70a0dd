/* SPDX-License-Identifier: MIT */
/* Equal, Less, Greater and their kin: truth values, with broadcasting. NaN equals nothing. */
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <stdio.h>
#include <string.h>

enum { EQUAL, LESS, GREATER, LESS_EQUAL, GREATER_EQUAL };
static const char *const types[] = {"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"};

typedef struct compare_attr {
    int64_t kind;
} compare_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != in[1].dtype || in[0].dtype == QNS_F16)
        QNS_FAIL(err, SHAPE, "cannot compare %s and %s", qns_dtype_name(in[0].dtype),
                 qns_dtype_name(in[1].dtype));
    out[0].dtype = QNS_BOOL;
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    compare_attr *a = attr;
    while (a->kind < GREATER_EQUAL && strcmp(types[a->kind], n->type) != 0)
        a->kind++;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = types[((const compare_attr *)n->attr)->kind];
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%s", types[((const compare_attr *)n->attr)->kind]);
}

static bool holds(int64_t kind, bool less, bool equal, bool greater)
{
    switch (kind) {
    case EQUAL:
        return equal;
    case LESS:
        return less;
    case GREATER:
        return greater;
    case LESS_EQUAL:
        return less || equal;
    default:
        return greater || equal;
    }
}

static void run(const qns_call *c)
{
    const int64_t kind = ((const compare_attr *)c->node->attr)->kind;
    const qns_tensor *p = &c->in[0], *q = &c->in[1];
    uint8_t *y = c->out[0].data;
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    qns_walk_broadcast(&w, 0, &p->shape);
    qns_walk_broadcast(&w, 1, &q->shape);
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++, qns_walk_next(&w)) {
        const size_t a = (size_t)w.pos[0], b = (size_t)w.pos[1];
        if (p->dtype == QNS_F32) {
            const float x = qns_cf32(p)[a], z = qns_cf32(q)[b];
            y[i] = holds(kind, x<z, x == z, x> z);
        } else {
            const int64_t x = qns_int_rank(p->dtype, qns_int_at(p, a));
            const int64_t z = qns_int_rank(p->dtype, qns_int_at(q, b));
            y[i] = holds(kind, x<z, x == z, x> z);
        }
    }
}

static const qns_impl any = {.name = "compare", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Equal", 7, read},           {"Less", 7, read},
                                      {"Greater", 7, read},         {"LessOrEqual", 12, read},
                                      {"GreaterOrEqual", 12, read}, {NULL, 0, NULL}};

const qns_op qns_op_compare = {
    .name = "compare",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(compare_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
