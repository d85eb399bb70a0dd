/* SPDX-License-Identifier: MIT */
/* And, Or, Xor, Not, IsNaN, IsInf: what gives a truth value of truth values or of one float. */
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AND, OR, XOR, NOT, ISNAN, ISINF };
static const char *const types[] = {"And", "Or", "Xor", "Not", "IsNaN", "IsInf"};

typedef struct logic_attr {
    int64_t kind;
    int64_t negative, positive; /* which infinities IsInf finds */
} logic_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const int64_t kind = ((const logic_attr *)n->attr)->kind;
    const qns_dtype want = kind >= ISNAN ? QNS_F32 : QNS_BOOL;
    if (n->n_in != (kind <= XOR ? 2u : 1u))
        QNS_FAIL(err, SHAPE, "%s has %u inputs", types[kind], n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++)
        if (in[i].dtype != want)
            QNS_FAIL(err, SHAPE, "needs %s, has %s", qns_dtype_name(want),
                     qns_dtype_name(in[i].dtype));
    out[0].dtype = QNS_BOOL;
    if (kind <= XOR)
        return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    logic_attr *a = attr;
    while (a->kind < ISINF && strcmp(types[a->kind], n->type) != 0)
        a->kind++;
    if (a->kind != ISINF)
        return QNS_OK;
    QNS_TRY(qns_attrs_int(&a->negative, n->attrs, "detect_negative", 1, err));
    return qns_attrs_int(&a->positive, n->attrs, "detect_positive", 1, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const logic_attr *a = n->attr;
    w->type = types[a->kind];
    if (a->kind != ISINF)
        return QNS_OK;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "detect_negative", a->negative, err));
    return qns_attrs_add_int(&w->attrs, "detect_positive", a->positive, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const logic_attr *a = n->attr;
    snprintf(out, size, "%s%s%s", types[a->kind],
             a->kind == ISINF && !a->negative ? ", positive only" : "",
             a->kind == ISINF && !a->positive ? ", negative only" : "");
}

static bool of_float(const logic_attr *a, float x)
{
    if (a->kind == ISNAN)
        return isnan(x);
    return isinf(x) && (x > 0 ? a->positive != 0 : a->negative != 0);
}

static void run(const qns_call *c)
{
    const logic_attr *a = c->node->attr;
    const size_t n = qns_tensor_count(&c->out[0]);
    uint8_t *y = c->out[0].data;
    const uint8_t *p = c->in[0].data;
    if (a->kind >= NOT) {
        for (size_t i = 0; i < n; i++)
            y[i] = a->kind == NOT ? !p[i] : of_float(a, ((const float *)c->in[0].data)[i]);
        return;
    }
    const uint8_t *q = c->in[1].data;
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    qns_walk_broadcast(&w, 0, &c->in[0].shape);
    qns_walk_broadcast(&w, 1, &c->in[1].shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w)) {
        const bool l = p[w.pos[0]] != 0, r = q[w.pos[1]] != 0;
        y[i] = a->kind == AND ? l && r : a->kind == OR ? l || r : l != r;
    }
}

static const qns_impl any = {.name = "logic", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"And", 7, read}, {"Or", 7, read},    {"Xor", 7, read},
                                      {"Not", 1, read}, {"IsNaN", 9, read}, {"IsInf", 10, read},
                                      {NULL, 0, NULL}};

const qns_op qns_op_logic = {
    .name = "logic",
    .min_in = 1,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(logic_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
