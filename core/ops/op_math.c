/* SPDX-License-Identifier: MIT */
/* Functions of one number that have no form on codes. One more is one line in MATH_LIST: ONNX type,
 * first opset, what it does to x (double precision; a and b are the attributes), and the names and
 * defaults of these attributes. */
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* X(type, since, expression, attribute a, its default, attribute b, its default) */
#define MATH_LIST(X)                                                                               \
    X(Sqrt, 6, sqrt(x), NULL, 0, NULL, 0)                                                          \
    X(Reciprocal, 6, 1.0 / x, NULL, 0, NULL, 0)                                                    \
    X(Exp, 6, exp(x), NULL, 0, NULL, 0)                                                            \
    X(Log, 6, log(x), NULL, 0, NULL, 0)                                                            \
    X(Neg, 6, -x, NULL, 0, NULL, 0)                                                                \
    X(Abs, 6, fabs(x), NULL, 0, NULL, 0)                                                           \
    X(Sign, 9, x > 0 ? 1.0 : x < 0 ? -1.0 : x, NULL, 0, NULL, 0)                                   \
    X(Floor, 6, floor(x), NULL, 0, NULL, 0)                                                        \
    X(Ceil, 6, ceil(x), NULL, 0, NULL, 0)                                                          \
    X(Round, 11, rint(x), NULL, 0, NULL, 0)                                                        \
    X(Sin, 7, sin(x), NULL, 0, NULL, 0)                                                            \
    X(Cos, 7, cos(x), NULL, 0, NULL, 0)                                                            \
    X(Tan, 7, tan(x), NULL, 0, NULL, 0)                                                            \
    X(Asin, 7, asin(x), NULL, 0, NULL, 0)                                                          \
    X(Acos, 7, acos(x), NULL, 0, NULL, 0)                                                          \
    X(Atan, 7, atan(x), NULL, 0, NULL, 0)                                                          \
    X(Sinh, 9, sinh(x), NULL, 0, NULL, 0)                                                          \
    X(Cosh, 9, cosh(x), NULL, 0, NULL, 0)                                                          \
    X(Asinh, 9, asinh(x), NULL, 0, NULL, 0)                                                        \
    X(Acosh, 9, acosh(x), NULL, 0, NULL, 0)                                                        \
    X(Atanh, 9, atanh(x), NULL, 0, NULL, 0)                                                        \
    X(Softplus, 1, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)), NULL, 0, NULL, 0)                   \
    X(Softsign, 1, x / (1.0 + fabs(x)), NULL, 0, NULL, 0)                                          \
    X(Mish, 18, x *tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))), NULL, 0, NULL, 0)             \
    X(ThresholdedRelu, 10, x > a || isnan(x) ? x : 0.0, "alpha", 1.0f, NULL, 0)                    \
    X(Shrink, 9, x<-b ? x + a : x> b ? x - a : 0.0, "bias", 0.0f, "lambd", 0.5f)                   \
    X(Selu, 6, b *(x > 0 ? x : a * expm1(x)), "alpha", 1.67326319217681884765625f, "gamma",        \
      1.05070102214813232421875f)

typedef struct math_attr {
    int64_t kind;
    float a, b;
} math_attr;

#define FUNCTION(type, since, expr, na, da, nb, db)                                                \
    static float value_##type(float v, const void *attr)                                           \
    {                                                                                              \
        const math_attr *m = attr;                                                                 \
        const double x = v, a = m->a, b = m->b;                                                    \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        return (float)(expr);                                                                      \
    }
MATH_LIST(FUNCTION)

#define KIND(type, since, expr, na, da, nb, db) MATH_##type,
enum { MATH_LIST(KIND) MATH_COUNT };

#define ROW(type, since, expr, na, da, nb, db) {#type, value_##type, na, nb, da, db},
static const struct {
    const char *type;
    qns_unary_fn *f;
    const char *name_a, *name_b;
    float a, b;
} math[] = {MATH_LIST(ROW)};

/* Where integers stay integers. */
static bool takes_int(int64_t kind)
{
    return kind == MATH_Neg || kind == MATH_Abs || kind == MATH_Sign;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const math_attr *m = n->attr;
    if (qns_is_int(in[0].dtype) && !in[0].qp && takes_int(m->kind))
        return qns_infer_same(out, n, in, err);
    return qns_unary_infer(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    math_attr *m = attr;
    while (m->kind < MATH_COUNT - 1 && strcmp(math[m->kind].type, n->type) != 0)
        m->kind++;
    if (math[m->kind].name_a)
        QNS_TRY(qns_attrs_float(&m->a, n->attrs, math[m->kind].name_a, math[m->kind].a, err));
    if (math[m->kind].name_b)
        QNS_TRY(qns_attrs_float(&m->b, n->attrs, math[m->kind].name_b, math[m->kind].b, err));
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const math_attr *m = n->attr;
    w->type = math[m->kind].type;
    if (math[m->kind].name_a)
        QNS_TRY(qns_attrs_add_float(&w->attrs, math[m->kind].name_a, m->a, err));
    if (math[m->kind].name_b)
        QNS_TRY(qns_attrs_add_float(&w->attrs, math[m->kind].name_b, m->b, err));
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const math_attr *m = n->attr;
    const size_t len = (size_t)snprintf(out, size, "%s", math[m->kind].type);
    if (math[m->kind].name_a && len < size)
        snprintf(out + len, size - len, " %s %g", math[m->kind].name_a, (double)m->a);
}

static void run_f32(const qns_call *c)
{
    qns_unary_apply_f32(c, math[((const math_attr *)c->node->attr)->kind].f);
}

static const char *reject_int(const qns_call *c)
{
    if (!qns_is_int(c->in[0].dtype) || c->in[0].qp || c->out[0].qp)
        return "the input has no plain integers";
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static void run_int(const qns_call *c)
{
    const int64_t kind = ((const math_attr *)c->node->attr)->kind;
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++) {
        const int64_t x = qns_int_at(&c->in[0], i);
        const int64_t minus = (int64_t)(0 - (uint64_t)x);
        const bool below = x < 0 && c->in[0].dtype != QNS_U64;
        qns_int_put(&c->out[0], i,
                    kind == MATH_Sign           ? (x != 0) - 2 * below
                    : kind == MATH_Neg || below ? minus
                                                : x);
    }
}

static const qns_impl f32 = {
    .name = "math.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl ints = {
    .name = "math.int", .reject = reject_int, .run = run_int, .in_place = true};
static const qns_impl *const impls[] = {&ints, &f32, NULL};

#define RULE(type, since, expr, na, da, nb, db) {#type, since, read},
static const qns_onnx_rule rules[] = {MATH_LIST(RULE){NULL, 0, NULL}};

const qns_op qns_op_math = {
    .name = "math",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(math_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
