/* SPDX-License-Identifier: MIT */
/* The profiles fbgemm-avx2 and fbgemm-vnni: which layers saturate, and the sums themselves against
 * plain loops (spec section 4.1). */
#include "tests/unit/core/ops/conv_case.h"

#include <math.h>

typedef struct layer {
    int64_t rank, groups, cg, og, kernel, stride, pad, dilation;
    bool avx2, vnni; /* saturates there */
} layer;

static const layer layers[] = {
    {2, 1, 5, 7, 3, 1, 1, 1, true, false},    /* as a matrix product */
    {2, 1, 8, 8, 1, 1, 0, 1, true, false},    /* pointwise */
    {1, 1, 6, 3, 3, 1, 0, 1, true, false},    /* one axis */
    {2, 16, 1, 1, 3, 1, 1, 1, true, true},    /* depthwise kernels */
    {2, 8, 1, 1, 5, 2, 2, 1, true, true},     /* ... with stride */
    {3, 8, 1, 1, 3, 1, 1, 1, true, true},     /* ... over volumes */
    {2, 8, 1, 2, 3, 1, 1, 1, true, true},     /* ... two outputs for each channel */
    {2, 12, 1, 1, 3, 1, 1, 1, true, false},   /* not a multiple of 8 channels */
    {2, 16, 1, 1, 3, 1, 0, 1, true, false},   /* without padding */
    {2, 16, 1, 1, 3, 1, 2, 2, true, false},   /* with holes */
    {2, 16, 1, 1, 4, 1, 1, 1, true, false},   /* another size */
    {2, 8, 4, 4, 3, 1, 1, 1, false, false},   /* groupwise kernel */
    {2, 2, 8, 8, 3, 1, 1, 1, false, false},   /* groupwise kernel */
    {2, 2, 16, 16, 3, 2, 1, 1, false, false}, /* groupwise kernel */
    {2, 2, 5, 5, 3, 1, 1, 1, true, false},    /* groups of another size */
};

static void op_of(op_run *r, conv_case *c, const layer *l, qns_rng *rng, const char *backend)
{
    *c = (conv_case){.attr = {.groups = l->groups, .win = {.rank = l->rank}}};
    c->x = op_shape((int32_t)l->rank + 2, 2, l->groups * l->cg, 0, 0);
    c->w = op_shape((int32_t)l->rank + 2, l->groups * l->og, l->cg, 0, 0);
    for (int64_t i = 0; i < l->rank; i++) {
        c->attr.win.kernel[i] = c->w.dim[i + 2] = l->kernel;
        c->attr.win.stride[i] = l->stride;
        c->attr.win.dilation[i] = l->dilation;
        c->attr.win.pad_lo[i] = c->attr.win.pad_hi[i] = l->pad;
        c->x.dim[i + 2] = 7;
    }
    *r = (op_run){.op = "conv",
                  .attr = &c->attr,
                  .layout = QNS_CHLAST,
                  .be = backend,
                  .constants = 2,
                  .n_in = 2};
    r->in[0] = op_codes(r, rng, c->x, op_qp(r, QNS_U8, 0.03, 100));
    r->in[1] = op_codes(r, rng, c->w, op_qp(r, QNS_I8, 0.02, 0));
    /* Most codes at their limits: half of the pairs saturate. */
    for (size_t i = 0; i < qns_tensor_count(&r->in[0]); i++)
        ((uint8_t *)r->in[0].data)[i] |= qns_rng_below(rng, 2) ? 0xf0 : 0;
    for (size_t i = 0; i < qns_tensor_count(&r->in[1]); i++)
        if (qns_rng_below(rng, 2))
            ((int8_t *)r->in[1].data)[i] = qns_rng_below(rng, 2) ? 127 : -128;
    r->out_qp = op_qp(r, QNS_U8, 1, 128);
}

typedef struct products {
    const uint8_t *x;
    const int8_t *w;
    int64_t cg, taps, zero;
    int32_t product[16 * 27], weights;
} products;

static void collect(void *ctx, int64_t x_at, int64_t w_at)
{
    products *p = ctx;
    const int64_t at = w_at % (p->cg * p->taps);
    const int64_t k = at % p->taps * p->cg + at / p->taps; /* channels are the fastest */

    p->product[k] = (int32_t)(x_at < 0 ? p->zero : p->x[x_at]) * p->w[w_at];
    p->weights += p->w[w_at];
}

static int32_t sum_of(const products *p, bool saturate)
{
    const int64_t n = p->cg * p->taps;
    int32_t sum = -(int32_t)p->zero * p->weights;

    for (int64_t k = 0; k < n; k += 2) {
        const int32_t pair = p->product[k] + (k + 1 < n ? p->product[k + 1] : 0);
        sum += !saturate ? pair : pair > 32767 ? 32767 : pair < -32768 ? -32768 : pair;
    }
    return sum;
}

/* Returns how many outputs are other than exact sums would make them. */
static int check_sums(const op_run *r, const conv_case *c, const layer *l, bool saturate)
{
    const float mult = (0.03F * 0.02F) / 1.0F;
    const uint8_t *got = r->out[0].data;
    const qns_shape *s = &r->out[0].shape;
    int moved = 0;
    size_t at = 0;

    for (int64_t n = 0; n < s->dim[0]; n++)
        for (int64_t o = 0; o < s->dim[1]; o++)
            for (size_t i = 0; i < qns_shape_span(s, 2, s->rank); i++, at++) {
                products p = {r->in[0].data, r->in[1].data, l->cg, 1, 100, {0}, 0};
                int64_t q[3] = {0, 0, 0};
                size_t rest = i;
                int32_t code[2];

                for (int32_t k = s->rank - 1; k >= 2; k--) {
                    q[3 - (s->rank - k)] = (int64_t)(rest % (size_t)s->dim[k]);
                    rest /= (size_t)s->dim[k];
                    p.taps *= l->kernel;
                }
                conv_products(c, n, o, q, collect, &p);
                for (int k = 0; k < 2; k++) {
                    const long v = lrintf((float)sum_of(&p, k) * mult) + 128;
                    code[k] = (int32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
                }
                cr_assert_eq(got[at], code[saturate], "output %zu: %d, want %d", at, got[at],
                             code[saturate]);
                moved += code[0] != code[1];
            }
    return moved;
}

static void check(const char *backend)
{
    qns_rng rng;

    qns_rng_seed(&rng, 61);
    for (size_t i = 0; i < QNS_ARRAY_LEN(layers); i++) {
        const layer *l = &layers[i];
        const bool saturate = strcmp(backend, "fbgemm-avx2") == 0   ? l->avx2
                              : strcmp(backend, "fbgemm-vnni") == 0 ? l->vnni
                                                                    : false;
        conv_case c;
        op_run r;

        op_of(&r, &c, l, &rng, backend);
        cr_assert(op_execute(&r), "%s", r.why);
        cr_expect_str_eq(r.impl, saturate ? "conv.u8s8.fbgemm_pairs" : "conv.u8s8.fbgemm",
                         "%s, layer %zu: %s", backend, i, r.impl);
        cr_expect_gt(check_sums(&r, &c, l, saturate), 10, "layer %zu does not tell", i);
        op_finish(&r);
    }
}

Test(op_saturate, avx2)
{
    check("fbgemm-avx2");
}

Test(op_saturate, vnni)
{
    check("fbgemm-vnni");
}

Test(op_saturate, fbgemm_is_exact)
{
    check("fbgemm");
}

Test(op_saturate, linear)
{
    static const char *const backend[] = {"fbgemm", "fbgemm-vnni", "fbgemm-avx2"};
    qns_rng rng;

    qns_rng_seed(&rng, 62);
    for (int i = 0; i < 30; i++) {
        const layer l = {1, 1, 1 + (int64_t)qns_rng_below(&rng, 300), 9, 1, 1, 0, 1, true, false};
        const bool pairs = i % 3 == 2;
        conv_case c;
        op_run r;

        op_of(&r, &c, &l, &rng, backend[i % 3]);
        /* The 7 positions of 2 samples become rows. */
        r.op = "linear";
        r.attr = NULL;
        r.layout = QNS_ROW;
        r.in[0].shape = op_shape(2, 2, l.cg, 0, 0);
        r.in[1].shape = op_shape(2, 9, l.cg, 0, 0);
        cr_assert(op_execute(&r), "%s", r.why);
        cr_assert_str_eq(r.impl, pairs ? "linear.u8s8.fbgemm_pairs" : "linear.u8s8.fbgemm");
        for (int64_t at = 0; at < 18; at++) {
            const uint8_t *x = (const uint8_t *)r.in[0].data + at / 9 * l.cg;
            const int8_t *w = (const int8_t *)r.in[1].data + at % 9 * l.cg;
            int32_t sum = 0;
            for (int64_t k = 0; k < l.cg; k++) {
                const int32_t two = x[k] * w[k] + (k + 1 < l.cg ? x[k + 1] * w[k + 1] : 0);
                if (pairs && k % 2 == 0)
                    sum += two > 32767 ? 32767 : two < -32768 ? -32768 : two;
                else if (!pairs)
                    sum += x[k] * w[k];
                sum -= 100 * w[k];
            }
            const long v = lrintf((float)sum * ((0.03F * 0.02F) / 1.0F)) + 128;
            cr_assert_eq(((uint8_t *)r.out[0].data)[at],
                         v < 0     ? 0
                         : v > 255 ? 255
                                   : v,
                         "case %d", i);
        }
        op_finish(&r);
    }
}
