/* SPDX-License-Identifier: MIT */
/* conv and linear: oneDNN and the reference against double, codes against exact sums, the same bits
 * for every set of instructions and number of threads. */
#include "kernels/cpu.h"
#include "tests/unit/core/ops/conv_case.h"

#include <math.h>

/* ---- float ---- */

typedef struct float_sum {
    const float *x, *w;
    double sum, size;
} float_sum;

static void add_float(void *ctx, int64_t x_at, int64_t w_at)
{
    float_sum *s = ctx;
    const double p = x_at < 0 ? 0.0 : (double)s->x[x_at] * (double)s->w[w_at];

    s->sum += p;
    s->size += fabs(p);
}

static double clamp_to(double v, qns_range r)
{
    return v < (double)r.lo ? (double)r.lo : v > (double)r.hi ? (double)r.hi : v;
}

/* Largest error relative to the sum of magnitudes. */
static double float_error(const op_run *r, const conv_case *c)
{
    conv_walk at = CONV_WALK;
    double worst = 0.0;

    while (conv_next(&at, &r->out[0].shape)) {
        const double b = r->n_in > 2 ? (double)qns_cf32(&r->in[2])[at.o] : 0.0;
        float_sum s = {qns_cf32(&r->in[0]), qns_cf32(&r->in[1]), b, fabs(b) + 1e-30};

        conv_products(c, at.n, at.o, at.q, add_float, &s);
        const double want = clamp_to(s.sum, r->clamp ? *r->clamp : QNS_NO_CLAMP);
        const double e = fabs((double)qns_cf32(&r->out[0])[at.at] - want) / s.size;
        worst = e > worst || isnan(e) ? e : worst;
    }
    return worst;
}

static op_run float_case(const conv_case *c, qns_rng *rng)
{
    static const qns_range clamps[] = {{0.0f, INFINITY}, {0.0f, 6.0f}, {-1.5f, 2.0f}};
    const uint64_t k = qns_rng_below(rng, 4);
    op_run r = {.op = "conv",
                .attr = &c->attr,
                .clamp = k < 3 ? &clamps[k] : NULL,
                .layout = QNS_CHLAST,
                .constants = 6,
                .n_in = 2};

    r.in[0] = op_random(&r, rng, c->x, -1.0f, 1.0f);
    r.in[1] = op_random(&r, rng, c->w, -1.0f, 1.0f);
    if (qns_rng_below(rng, 2))
        r.in[r.n_in++] = op_random(&r, rng, op_shape(1, c->w.dim[0], 0, 0, 0), -1.0f, 1.0f);
    return r;
}

Test(op_conv, onednn_and_reference_are_right)
{
    qns_rng rng;

    qns_rng_seed(&rng, 21);
    for (int i = 0; i < 120; i++) {
        const conv_case c = conv_random(&rng);
        op_run r = float_case(&c, &rng);

        r.onednn = true;
        cr_assert(op_execute(&r), "case %d: %s", i, r.err.text);
        cr_assert_str_eq(r.impl, "conv.f32.onednn");
        cr_assert_lt(float_error(&r, &c), 1e-5, "case %d, oneDNN", i);
        r.onednn = false;
        cr_assert(op_execute(&r));
        cr_assert_str_eq(r.impl, "conv.f32.reference");
        cr_assert_lt(float_error(&r, &c), 1e-5, "case %d, reference", i);
        op_finish(&r);
    }
}

static void check_same_bits_to(op_run *r, int most_threads, const char *what, int number)
{
    static const unsigned off[] = {~0u, ~(unsigned)QK_CPU_AVX2, 0};
    qns_tensor first = {0};

    for (size_t i = 0; i < QNS_ARRAY_LEN(off); i++)
        for (int threads = 1; threads <= most_threads; threads++) {
            r->threads = threads;
            r->cpu_off = off[i];
            cr_assert(op_execute(r), "%s %d: %s", what, number, r->err.text);
            if (!first.data)
                first = r->out[0];
            cr_assert_eq(memcmp(first.data, r->out[0].data, qns_tensor_bytes(&first)), 0,
                         "%s %d, %d threads, without sets %x", what, number, threads, off[i]);
        }
}

static void check_same_bits(op_run *r, const char *what, int number)
{
    check_same_bits_to(r, 3, what, number);
}

Test(op_conv, reference_bits_do_not_depend_on_the_machine)
{
    qns_rng rng;

    qns_rng_seed(&rng, 22);
    for (int i = 0; i < 60; i++) {
        conv_case c = conv_random(&rng);
        op_run r = float_case(&c, &rng);

        check_same_bits(&r, "conv", i);
        op_finish(&r);
    }
}

Test(op_conv, weight_that_is_no_constant)
{
    qns_rng rng;

    qns_rng_seed(&rng, 23);
    for (int i = 0; i < 30; i++) {
        const conv_case c = conv_random(&rng);
        op_run r = float_case(&c, &rng);

        cr_assert(op_execute(&r));
        const qns_tensor want = r.out[0];
        r.constants = 4; /* the weight now comes channels-last */
        r.unknown = 2;
        r.onednn = true;
        cr_assert(op_execute(&r), "case %d: %s", i, r.why);
        cr_assert_str_eq(r.impl, "conv.f32.reference");
        cr_assert_eq(memcmp(want.data, r.out[0].data, qns_tensor_bytes(&want)), 0, "case %d", i);
        op_finish(&r);
    }
}

Test(op_conv, empty_batch)
{
    qns_rng rng;

    qns_rng_seed(&rng, 24);
    for (int i = 0; i < 10; i++) {
        conv_case c = conv_random(&rng);

        c.x.dim[0] = 0;
        op_run r = float_case(&c, &rng);
        for (int k = 0; k < 2; k++) {
            r.onednn = k;
            cr_assert(op_execute(&r), "%s", r.err.text);
            cr_assert_eq(qns_tensor_count(&r.out[0]), 0);
        }
        op_finish(&r);
    }
}

/* ---- codes ---- */

typedef struct code_sum {
    const uint8_t *x;
    const int8_t *w;
    int64_t zx, zw, sum;
} code_sum;

static void add_code(void *ctx, int64_t x_at, int64_t w_at)
{
    code_sum *s = ctx;

    if (x_at >= 0)
        s->sum += (s->x[x_at] - s->zx) * (s->w[w_at] - s->zw);
}

/* Spec 4.1 and 4.2 for one output, written down once more. */
static int32_t want_code(const op_run *r, int64_t sum, int32_t o, bool qnnpack)
{
    const qns_qparams *wq = r->in[1].qp, *yq = r->out_qp;
    const double s_wd = wq->scale[wq->axis < 0 ? 0 : o], s_ad = r->in[0].qp->scale[0];
    const float s_a = (float)s_ad, s_w = (float)s_wd, s_out = (float)yq->scale[0];
    const float atws = s_a * s_w;
    const bool has_bias = r->n_in > 2;
    const float b = has_bias ? qns_cf32(&r->in[2])[o] : 0.0f;
    const int32_t zo = yq->zero[0];
    int32_t lo = 0, hi = 255, q;

    if (r->clamp) {
        const float inv = 1.0f / s_out;
        const long l = lrintf(r->clamp->lo * inv) + zo;
        lo = (int32_t)(l < 0 ? 0 : l > 255 ? 255 : l);
        if (!isinf(r->clamp->hi)) {
            const long h = lrintf(r->clamp->hi * inv) + zo;
            hi = (int32_t)(h < 0 ? 0 : h > 255 ? 255 : h);
        }
    }
    if (qnnpack) {
        const int64_t bq = lrintf(b * (1.0f / (float)(s_wd * s_ad)));
        const float rs = (s_w * s_a) * (1.0f / s_out);
        int64_t v = lrintf((float)(int32_t)(sum + (has_bias ? bq : 0)) * rs);
        v = v < -32768 ? -32768 : v > 32767 ? 32767 : v;
        v += zo;
        q = (int32_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
    } else if (r->be && strcmp(r->be, "onnxruntime") == 0) {
        const int64_t bq = lrintf(b * (1.0f / (float)(s_wd * s_ad)));
        q = (int32_t)lrintf((float)(int32_t)(sum + bq) * (atws / s_out)) + zo;
    } else {
        float x = (float)(int32_t)sum;
        if (has_bias && wq->axis < 0)
            x = fmaf(b, (float)(1.0 / (double)atws), x);
        else if (has_bias)
            x += b / atws;
        q = (int32_t)lrintf(x * (atws / s_out)) + zo;
    }
    return q < lo ? lo : q > hi ? hi : q;
}

static void check_codes(const op_run *r, const conv_case *c, bool qnnpack, int number)
{
    const qns_qparams *wq = r->in[1].qp;
    const uint8_t *got = r->out[0].data;
    conv_walk at = CONV_WALK;

    while (conv_next(&at, &r->out[0].shape)) {
        const int32_t o = (int32_t)at.o;
        code_sum s = {r->in[0].data, r->in[1].data, r->in[0].qp->zero[0],
                      wq->zero[wq->axis < 0 ? 0 : o], 0};

        conv_products(c, at.n, at.o, at.q, add_code, &s);
        cr_assert_eq(got[at.at], want_code(r, s.sum, o, qnnpack),
                     "case %d, output %lld: %d, want %d", number, (long long)at.at, got[at.at],
                     want_code(r, s.sum, o, qnnpack));
    }
}

static const qns_qparams *weight_qp(op_run *r, qns_rng *rng, int64_t n)
{
    const bool per_channel = qns_rng_below(rng, 2), zeros = qns_rng_below(rng, 3) == 0;
    const qns_qparams *qp;
    double scale[256];
    int32_t zero[256];

    n = per_channel ? n : 1;
    cr_assert_leq(n, 256);
    for (int64_t i = 0; i < n; i++) {
        scale[i] = 0.002 + 0.02 * qns_rng_unit(rng);
        zero[i] = zeros ? (int32_t)qns_rng_below(rng, 256) - 128 : 0;
    }
    cr_assert_eq(
        qns_qparams_new(&qp, r->arena, QNS_I8, per_channel ? 0 : -1, (int32_t)n, scale, zero, NULL),
        QNS_OK);
    return qp;
}

static op_run code_case(const qns_shape *x, const qns_shape *w, qns_rng *rng)
{
    static const qns_range clamps[] = {{0.0f, INFINITY}, {0.0f, 6.0f}, {-0.7f, 2.0f}};
    const uint64_t k = qns_rng_below(rng, 4);
    op_run r = {.clamp = k < 3 ? &clamps[k] : NULL, .constants = 6, .n_in = 2};
    const double fan = (double)qns_shape_span(w, 1, w->rank);

    r.in[0] = op_codes(&r, rng, *x, op_qp(&r, QNS_U8, 0.03, (int32_t)qns_rng_below(rng, 256)));
    r.in[1] = op_codes(&r, rng, *w, weight_qp(&r, rng, w->dim[0]));
    r.out_qp = op_qp(&r, QNS_U8, 0.05 * sqrt(fan) * (0.5 + qns_rng_unit(rng)),
                     (int32_t)qns_rng_below(rng, 256));
    if (qns_rng_below(rng, 3))
        r.in[r.n_in++] = op_random(&r, rng, op_shape(1, w->dim[0], 0, 0, 0), -3.0f, 3.0f);
    return r;
}

static const char *const backends[] = {"fbgemm", "qnnpack", "onnxruntime"};

Test(op_conv, codes_equal_a_plain_loop)
{
    qns_rng rng;

    qns_rng_seed(&rng, 25);
    for (int i = 0; i < 150; i++) {
        const conv_case c = conv_random(&rng);
        const bool qnnpack = i % 3 == 1;
        op_run r = code_case(&c.x, &c.w, &rng);

        r.op = "conv";
        r.attr = &c.attr;
        r.layout = QNS_CHLAST;
        r.be = backends[i % 3];
        check_same_bits(&r, "codes", i);
        check_codes(&r, &c, qnnpack, i);
        op_finish(&r);
    }
}

/* One to three panels of output channels and more, few positions and many: threads share rows or
 * columns, or find nothing to do. */
Test(op_conv, codes_do_not_depend_on_who_computes_them)
{
    static const int64_t n_out[] = {16, 20, 32, 48, 64, 200}, side[] = {1, 2, 5, 7, 14};
    static const int64_t n_in[] = {64, 76, 130};
    qns_rng rng;

    qns_rng_seed(&rng, 29);
    for (int i = 0; i < 60; i++) {
        const int64_t s = side[i % 5], k = i / 30 ? 3 : 1, ch = n_in[i % 3];
        const conv_case c = {.attr = {.groups = 1,
                                      .win = {.rank = 2,
                                              .kernel = {k, k},
                                              .stride = {1, 1},
                                              .dilation = {1, 1},
                                              .pad_lo = {k / 2, k / 2},
                                              .pad_hi = {k / 2, k / 2}}},
                             .x = op_shape(4, s == 1 ? 40 : 1, ch, s, s),
                             .w = op_shape(4, n_out[i % 6], ch, k, k)};
        op_run r = code_case(&c.x, &c.w, &rng);

        r.op = "conv";
        r.attr = &c.attr;
        r.layout = QNS_CHLAST;
        r.be = backends[i % 3];
        check_same_bits_to(&r, 7, "codes", i);
        check_codes(&r, &c, i % 3 == 1, i);
        op_finish(&r);
    }
}

/* Whole multiples of 64 channels at stride 1: AMX reads such windows from a copy of the input,
 * where positions over the padding between lines are computed and thrown away. */
Test(op_conv, codes_from_a_copy_with_padding)
{
    static const struct {
        qns_shape x, w;
        int64_t pad, dilation;
    } shapes[] = {
        {{4, {1, 64, 14, 14}}, {4, {64, 64, 3, 3}}, 1, 1},
        {{4, {3, 64, 7, 7}}, {4, {80, 64, 3, 3}}, 1, 1},
        {{4, {2, 128, 6, 14}}, {4, {64, 128, 5, 5}}, 2, 1},
        {{4, {1, 64, 15, 16}}, {4, {48, 64, 3, 3}}, 0, 1},
        {{4, {2, 64, 9, 30}}, {4, {64, 64, 3, 3}}, 2, 2},
        {{5, {2, 64, 3, 5, 14}}, {5, {64, 64, 2, 3, 3}}, 1, 1},
        {{3, {2, 64, 62}}, {3, {96, 64, 3}}, 1, 1},
    };
    qns_rng rng;

    qns_rng_seed(&rng, 30);
    for (size_t i = 0; i < QNS_ARRAY_LEN(shapes); i++) {
        conv_case c = {.attr = {.groups = 1, .win = {.rank = shapes[i].x.rank - 2}},
                       .x = shapes[i].x,
                       .w = shapes[i].w};
        op_run r = code_case(&c.x, &c.w, &rng);

        for (int64_t k = 0; k < c.attr.win.rank; k++) {
            c.attr.win.kernel[k] = c.w.dim[k + 2];
            c.attr.win.stride[k] = 1;
            c.attr.win.dilation[k] = shapes[i].dilation;
            c.attr.win.pad_lo[k] = c.attr.win.pad_hi[k] = shapes[i].pad;
        }
        r.op = "conv";
        r.attr = &c.attr;
        r.layout = QNS_CHLAST;
        check_same_bits_to(&r, 5, "copy", (int)i);
        check_codes(&r, &c, false, (int)i);
        op_finish(&r);
    }
}

/* A linear layer is a convolution of one pixel for each row. */
static conv_case as_conv(const qns_shape *x, const qns_shape *w)
{
    conv_case c = {
        .attr = {.groups = 1, .win = {.rank = 1, .kernel = {1}, .stride = {1}, .dilation = {1}}}};
    const int64_t rows = (int64_t)qns_shape_span(x, 0, x->rank - 1);

    c.x = op_shape(3, rows, w->dim[1], 1, 0);
    c.w = op_shape(3, w->dim[0], w->dim[1], 1, 0);
    return c;
}

static void linear_shapes(qns_shape *x, qns_shape *w, qns_rng *rng)
{
    const int64_t k = conv_between(rng, 1, 300);

    *w = op_shape(2, conv_between(rng, 1, 90), k, 0, 0);
    *x = qns_rng_below(rng, 3)
             ? op_shape(2, conv_between(rng, 0, 20), k, 0, 0)
             : op_shape(3, conv_between(rng, 1, 4), conv_between(rng, 1, 9), k, 0);
}

static void view_as_conv(op_run *r, const conv_case *c)
{
    r->out[0].shape = op_shape(3, c->x.dim[0], c->w.dim[0], 1, 0);
}

Test(op_conv, linear_codes_equal_a_plain_loop)
{
    qns_rng rng;

    qns_rng_seed(&rng, 26);
    for (int i = 0; i < 100; i++) {
        qns_shape x, w;

        linear_shapes(&x, &w, &rng);
        const conv_case c = as_conv(&x, &w);
        op_run r = code_case(&x, &w, &rng);
        r.op = "linear";
        r.be = i % 2 ? "qnnpack" : "fbgemm";
        check_same_bits(&r, "linear codes", i);
        view_as_conv(&r, &c);
        check_codes(&r, &c, i % 2, i);
        op_finish(&r);
    }
}

Test(op_conv, linear_onednn_and_reference_are_right)
{
    qns_rng rng;

    qns_rng_seed(&rng, 27);
    for (int i = 0; i < 60; i++) {
        qns_shape x, w;

        linear_shapes(&x, &w, &rng);
        const conv_case c = as_conv(&x, &w);
        op_run r = float_case(&c, &rng);
        r.op = "linear";
        r.layout = QNS_ROW;
        r.in[0].shape = x;
        r.in[1].shape = w;
        check_same_bits(&r, "linear", i);
        view_as_conv(&r, &c);
        cr_assert_lt(float_error(&r, &c), 1e-5, "case %d, reference", i);
        r.onednn = true;
        cr_assert(op_execute(&r));
        cr_assert_str_eq(r.impl, "linear.f32.onednn");
        view_as_conv(&r, &c);
        cr_assert_lt(float_error(&r, &c), 1e-5, "case %d, oneDNN", i);
        op_finish(&r);
    }
}

/* int32 bias codes, as Q/DQ files of other tools have them: the same result as the float bias they
 * stand for, and for qnnpack and onnxruntime the codes themselves. */
Test(op_conv, bias_codes)
{
    const qns_shape x = op_shape(2, 5, 24, 0, 0), w = op_shape(2, 10, 24, 0, 0);
    const conv_case c = as_conv(&x, &w);
    qns_rng rng;

    qns_rng_seed(&rng, 28);
    for (int i = 0; i < 30; i++) {
        op_run r = code_case(&x, &w, &rng);
        const qns_qparams *wq = r.in[1].qp, *bq;
        double scale[16];
        int32_t zero[16] = {0}, code[16];
        float value[16];

        for (int32_t o = 0; o < 10; o++) {
            const double s = qns_qparams_scale(wq, o) * r.in[0].qp->scale[0];
            scale[o] = s;
            code[o] = (int32_t)qns_rng_below(&rng, 4000) - 2000;
            value[o] = (float)(code[o] * s);
        }
        cr_assert_eq(qns_qparams_new(&bq, r.arena, QNS_I32, wq->axis, wq->n, scale, zero, NULL),
                     QNS_OK);
        r.op = "linear";
        r.be = backends[i % 3];
        r.n_in = 3;
        r.in[2] = (qns_tensor){
            .dtype = QNS_I32, .shape = op_shape(1, 10, 0, 0, 0), .data = code, .qp = bq};
        cr_assert(op_execute(&r), "%s", r.why);
        r.in[2] = (qns_tensor){.dtype = QNS_F32, .shape = op_shape(1, 10, 0, 0, 0), .data = value};
        view_as_conv(&r, &c);
        check_codes(&r, &c, i % 3 == 1, i);
        op_finish(&r);
    }
}
