/* SPDX-License-Identifier: MIT */
/* Sum of two tensors, with broadcasting. On codes (spec section 5.2, "add"): equal shapes by the
 * vector formula in blocks of 64 and the scalar one for the rest, broadcasts by the scalar formula
 * alone, and for qnnpack, which knows equal shapes only, by its fixed-point formula. ONNX Runtime
 * has one formula for all shapes. */
#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "core/ops/scalar_form.h"
#include "kernels/kernels.h"

#include <math.h>

extern const qns_op qns_op_add_scalar;

QNS_BINARY_ROW(row_f32, float, x + y)
QNS_BINARY_ROW(row_i64, int64_t, (int64_t)((uint64_t)x + (uint64_t)y))

static void run_f32(const qns_call *c)
{
    qns_binary_run_f32(c, row_f32);
}

static void run_i64(const qns_call *c)
{
    qns_binary_run(c, row_i64, NULL);
}

static const char *reject_same(const qns_call *c)
{
    const char *why = qns_reject_binary_u8(c);
    if (why)
        return why;
    if (!qns_shape_equal(&c->in[0].shape, &c->in[1].shape))
        return "the inputs have other shapes";
    const bool trivial = qns_layout_trivial(&c->in[0].shape);
    if (!trivial && (c->in[0].layout != c->out[0].layout || c->in[1].layout != c->out[0].layout))
        return "the inputs lie differently in memory";
    return NULL;
}

static const char *reject_fbgemm(const qns_call *c)
{
    return c->be->requant != QNS_REQUANT_FBGEMM ? "the backend is not fbgemm" : reject_same(c);
}

static qk_add parameters(const qns_call *c)
{
    const qns_qparams *a = c->in[0].qp, *b = c->in[1].qp, *o = c->out[0].qp;
    return (qk_add){.scale_a = (float)a->scale[0],
                    .scale_b = (float)b->scale[0],
                    .inv_out = 1.0f / (float)o->scale[0],
                    .zero_a = a->zero[0],
                    .zero_b = b->zero[0],
                    .zero_out = o->zero[0],
                    .relu = c->node->clamp.lo == 0.0f};
}

/* A multiple of 64: every piece but the last is all vector blocks. Small enough for threads to get
 * equal shares of an ordinary layer. */
enum { RUN = 1 << 13 };

static void piece_fbgemm(const qns_call *c, size_t first, size_t n)
{
    const qk_add p = parameters(c);
    const uint8_t *a = c->in[0].data, *b = c->in[1].data;
    uint8_t *y = c->out[0].data;
    const bool clip = (c->node->clamp.lo != 0.0f && c->node->clamp.lo > -INFINITY) ||
                      c->node->clamp.hi < INFINITY;
    int32_t lo, hi;
    qns_code_bounds(&lo, &hi, c->node->clamp, c->out[0].qp);
    c->k->add_u8(y + first, a + first, b + first, n, &p);
    if (clip)
        c->k->clamp_u8(y + first, y + first, n, (uint8_t)lo, (uint8_t)hi);
}

typedef struct pieces {
    const qns_call *c;
    void (*run)(const qns_call *c, size_t first, size_t n);
} pieces;

static void run_range(const void *ctx, size_t first, size_t end)
{
    const pieces *p = ctx;
    const size_t n = qns_tensor_count(&p->c->out[0]);
    const size_t stop = end * RUN < n ? end * RUN : n;
    p->run(p->c, first * RUN, stop - first * RUN);
}

static void run_pieces(const qns_call *c, void (*piece)(const qns_call *c, size_t first, size_t n))
{
    pieces p = {c, piece};
    qns_parallel_ranges(c->team, (qns_tensor_count(&c->out[0]) + RUN - 1) / RUN, 1, run_range, &p);
}

static void run_fbgemm(const qns_call *c)
{
    run_pieces(c, piece_fbgemm);
}

/* ---- broadcasts ---- */

typedef struct scalar_ctx {
    qk_add p;
    int32_t lo, hi;
} scalar_ctx;

static void row_scalar(void *out, const void *a, int64_t sa, const void *b, int64_t sb, size_t n,
                       const void *ctx)
{
    const scalar_ctx *s = ctx;
    const qk_add *p = &s->p;
    for (size_t i = 0; i < n; i++) {
        const float da = qns_value_of(((const uint8_t *)a)[(int64_t)i * sa], p->scale_a, p->zero_a);
        const float db = qns_value_of(((const uint8_t *)b)[(int64_t)i * sb], p->scale_b, p->zero_b);
        ((uint8_t *)out)[i] = (uint8_t)qns_code_of(da + db, p->inv_out, p->zero_out, s->lo, s->hi);
    }
}

static const char *reject_broadcast(const qns_call *c)
{
    return c->be->requant != QNS_REQUANT_FBGEMM ? "the backend is not fbgemm"
                                                : qns_reject_binary_u8(c);
}

static void run_broadcast(const qns_call *c)
{
    scalar_ctx s = {.p = parameters(c)};
    qns_code_bounds(&s.lo, &s.hi, c->node->clamp, c->out[0].qp);
    qns_binary_run(c, row_scalar, &s);
}

/* ---- qnnpack ---- */

static float ratio(const qns_call *c, int i)
{
    return (float)c->in[i].qp->scale[0] / (float)c->out[0].qp->scale[0];
}

static const char *reject_qnnpack(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    const char *why = reject_same(c);
    if (why)
        return why;
    for (int i = 0; i < 2; i++) {
        const float r = ratio(c, i);
        if (!(r >= 0x1p-14f && r < 0x1p8f))
            return "the ratio of input to output scale is outside 2^-14 .. 2^8";
    }
    return NULL;
}

static qk_add_fixed fixed_parameters(const qns_call *c)
{
    const float ra = ratio(c, 0), rb = ratio(c, 1);
    qk_add_fixed f = {.zero_a = c->in[0].qp->zero[0],
                      .zero_b = c->in[1].qp->zero[0],
                      .zero_out = c->out[0].qp->zero[0]};
    int e;
    (void)frexpf(ra > rb ? ra : rb, &e);
    f.shift = 21 - (e - 1); /* 14 .. 35 */
    f.a = qk_rne(ldexpf(ra, f.shift));
    f.b = qk_rne(ldexpf(rb, f.shift));
    if (f.shift > 31) { /* a sum below 2^31 is less than half of a step then */
        f.a = f.b = 0;
        f.shift = 31;
    }
    qns_code_bounds(&f.lo, &f.hi, c->node->clamp, c->out[0].qp);
    return f;
}

static void piece_qnnpack(const qns_call *c, size_t first, size_t n)
{
    const qk_add_fixed f = fixed_parameters(c);
    const uint8_t *a = c->in[0].data, *b = c->in[1].data;
    uint8_t *y = c->out[0].data;
    c->k->add_u8_fixed(y + first, a + first, b + first, n, &f);
}

static void run_qnnpack(const qns_call *c)
{
    run_pieces(c, piece_qnnpack);
}

/* ---- onnxruntime ---- */

/* code = rne(fma(b, s_b / s_out, fma(a, s_a / s_out, fixed))): everything that does not depend on
 * the codes is one float. A single number on either side is taken first. */
typedef struct ratio_ctx {
    float a, b, fixed;
    bool a_first;
    int32_t lo, hi;
} ratio_ctx;

static void row_ratio(void *out, const void *a, int64_t sa, const void *b, int64_t sb, size_t n,
                      const void *ctx)
{
    const ratio_ctx *r = ctx;
    for (size_t i = 0; i < n; i++) {
        const float x = (float)((const uint8_t *)a)[(int64_t)i * sa];
        const float y = (float)((const uint8_t *)b)[(int64_t)i * sb];
        const float v = r->a_first ? fmaf(y, r->b, fmaf(x, r->a, r->fixed))
                                   : fmaf(x, r->a, fmaf(y, r->b, r->fixed));
        const int32_t q = qk_rne(v);
        ((uint8_t *)out)[i] = (uint8_t)(q < r->lo ? r->lo : q > r->hi ? r->hi : q);
    }
}

static const char *reject_onnx(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_ONNX)
        return "the backend is not onnxruntime";
    return qns_reject_binary_u8(c);
}

static void run_onnx(const qns_call *c)
{
    const float zero_a = (float)c->in[0].qp->zero[0], zero_b = (float)c->in[1].qp->zero[0];
    ratio_ctx r = {.a = ratio(c, 0),
                   .b = ratio(c, 1),
                   .a_first = qns_tensor_count(&c->in[1]) != 1 || qns_tensor_count(&c->in[0]) == 1};
    r.fixed = (float)c->out[0].qp->zero[0] - fmaf(r.a, zero_a, r.b * zero_b);
    qns_code_bounds(&r.lo, &r.hi, c->node->clamp, c->out[0].qp);
    qns_binary_run(c, row_ratio, &r);
}

/* A constant for each channel folds into the convolution before it, one for each number of the last
 * axis into the linear layer. */
static bool as_affine(qns_affine *a, const qns_graph *g, const qns_node *n)
{
    *a = (qns_affine){0};
    if (qns_has_clamp(n))
        return false;
    a->beta = qns_binary_channels(&a->n, g, n);
    a->last = !a->beta;
    if (a->last)
        a->beta = qns_binary_last_axis(&a->n, g, n);
    return a->beta != NULL;
}

/* With a single number it is another operator. */
static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (qns_scalar_take(n))
        n->op = &qns_op_add_scalar;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Add";
    return QNS_OK;
}

static const qns_impl fbgemm = {.name = "add.u8.fbgemm",
                                .reject = reject_fbgemm,
                                .run = run_fbgemm,
                                .run_piece = piece_fbgemm,
                                .piece = 64, /* the blocks of add_u8 */
                                .in_place = true,
                                .on_team = true};
static const qns_impl qnnpack = {.name = "add.u8.qnnpack",
                                 .reject = reject_qnnpack,
                                 .run = run_qnnpack,
                                 .run_piece = piece_qnnpack,
                                 .piece = 64,
                                 .in_place = true,
                                 .on_team = true};
static const qns_impl onnx = {
    .name = "add.u8.onnx", .reject = reject_onnx, .run = run_onnx, .on_team = true};
static const qns_impl broadcast = {
    .name = "add.u8.broadcast", .reject = reject_broadcast, .run = run_broadcast, .on_team = true};
static const qns_impl f32 = {
    .name = "add.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static int64_t ints_add(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x + (uint64_t)y);
}

static void run_ints(const qns_call *c)
{
    qns_binary_run_ints(c, ints_add);
}

static const qns_impl ints = {.name = "add.int", .reject = qns_reject_not_ints, .run = run_ints};
static const qns_impl i64 = {.name = "add.i64", .reject = qns_reject_not_i64, .run = run_i64};
static const qns_impl *const impls[] = {&fbgemm, &qnnpack, &broadcast, &onnx,
                                        &i64,    &ints,    &f32,       NULL};

static const qns_onnx_rule rules[] = {
    {"Add", 7, read}, {"com.microsoft.QLinearAdd", 1, qns_qop_read_binary}, {NULL, 0, NULL}};

const qns_op qns_op_add = {
    .name = "add",
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
