/* SPDX-License-Identifier: MIT */
/* Product of two tensors, with broadcasting. On codes the product is taken of integers and scaled
 * once (spec section 5.2, "mul"). */
#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "core/ops/scalar_form.h"
#include "kernels/kernels.h"

extern const qns_op qns_op_mul_scalar;

QNS_BINARY_ROW(row_f32, float, x *y)
QNS_BINARY_ROW(row_i64, int64_t, (int64_t)((uint64_t)x *(uint64_t)y))

static void run_f32(const qns_call *c)
{
    qns_binary_run_f32(c, row_f32);
}

static void run_i64(const qns_call *c)
{
    qns_binary_run(c, row_i64, NULL);
}

typedef struct u8_ctx {
    float mult;
    int32_t zero_a, zero_b, zero_out, lo, hi;
} u8_ctx;

static void row_u8(void *out, const void *a, int64_t sa, const void *b, int64_t sb, size_t n,
                   const void *ctx)
{
    const u8_ctx *u = ctx;
    for (size_t i = 0; i < n; i++) {
        const int32_t p = (((const uint8_t *)a)[(int64_t)i * sa] - u->zero_a) *
                          (((const uint8_t *)b)[(int64_t)i * sb] - u->zero_b);
        const int32_t r = (int32_t)((uint32_t)qk_rne((float)p * u->mult) + (uint32_t)u->zero_out);
        ((uint8_t *)out)[i] = (uint8_t)(r < u->lo ? u->lo : r > u->hi ? u->hi : r);
    }
}

static void run_u8(const qns_call *c)
{
    const float inv = 1.0f / (float)c->out[0].qp->scale[0];
    u8_ctx u = {.mult = (float)c->in[0].qp->scale[0] * (float)c->in[1].qp->scale[0] * inv,
                .zero_a = c->in[0].qp->zero[0],
                .zero_b = c->in[1].qp->zero[0],
                .zero_out = c->out[0].qp->zero[0]};
    qns_code_bounds(&u.lo, &u.hi, c->node->clamp, c->out[0].qp);
    qns_binary_run(c, row_u8, &u);
}

/* A constant for each channel folds into the convolution before it. */
static bool as_affine(qns_affine *a, const qns_graph *g, const qns_node *n)
{
    *a = (qns_affine){0};
    a->gamma = qns_has_clamp(n) ? NULL : qns_binary_channels(&a->n, g, n);
    return a->gamma != NULL;
}

/* With a single number it is another operator. */
static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (qns_scalar_take(n))
        n->op = &qns_op_mul_scalar;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Mul";
    return QNS_OK;
}

static const qns_impl u8 = {
    .name = "mul.u8", .reject = qns_reject_binary_u8, .run = run_u8, .on_team = true};
static const qns_impl f32 = {
    .name = "mul.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static int64_t ints_mul(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x * (uint64_t)y);
}

static void run_ints(const qns_call *c)
{
    qns_binary_run_ints(c, ints_mul);
}

static const qns_impl ints = {.name = "mul.int", .reject = qns_reject_not_ints, .run = run_ints};
static const qns_impl i64 = {.name = "mul.i64", .reject = qns_reject_not_i64, .run = run_i64};
static const qns_impl *const impls[] = {&u8, &i64, &ints, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"Mul", 7, read}, {"com.microsoft.QLinearMul", 1, qns_qop_read_binary}, {NULL, 0, NULL}};

const qns_op qns_op_mul = {
    .name = "mul",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_binary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .takes_clamp = true,
    .as_affine = as_affine,
    .impls = impls,
};
