/* SPDX-License-Identifier: MIT */
/* conv_transpose against its definition: every input element adds its multiple of the kernel to the
 * output, in double and in exact integers. */
#include "tests/unit/core/ops/conv_case.h"

#include <math.h>

typedef struct tcase {
    qns_conv_transpose_attr attr;
    qns_shape x, w;
    int64_t front[3]; /* cut off in front of the full output */
} tcase;

static tcase random_case(qns_rng *rng)
{
    tcase c = {.attr.conv.win.rank = conv_between(rng, 1, 3)};
    const int64_t rank = c.attr.conv.win.rank, kind = conv_between(rng, 0, 3);
    const int64_t groups = kind ? conv_between(rng, 2, 9) : 1;
    const int64_t cg = kind < 2 ? conv_between(rng, 1, 9) : 1;
    const int64_t og = kind < 2 ? conv_between(rng, 1, 19) : kind == 2 ? 1 : 2;
    qns_window *win = &c.attr.conv.win;

    c.attr.conv.groups = groups;
    c.x = op_shape((int32_t)rank + 2, conv_between(rng, 1, 2), groups * cg, 0, 0);
    c.w = op_shape((int32_t)rank + 2, groups * cg, og, 0, 0);
    for (int64_t i = 0; i < rank; i++) {
        win->kernel[i] = c.w.dim[i + 2] = conv_between(rng, 1, 4);
        win->stride[i] = conv_between(rng, 1, 3);
        win->dilation[i] = conv_between(rng, 1, 2);
        c.x.dim[i + 2] = conv_between(rng, 3, rank == 3 ? 4 : 7);
        win->pad_lo[i] = c.front[i] = conv_between(rng, 0, 1);
        win->pad_hi[i] = conv_between(rng, 0, 1);
        c.attr.out_pad[i] = conv_between(rng, 0, win->stride[i] - 1);
    }
    return c;
}

/* Adds x * w to every output of one input element; calls add with the indices. */
typedef void tadd(void *ctx, size_t x_at, size_t w_at, size_t y_at);
static void scatter(const tcase *c, const qns_shape *y, tadd *add, void *ctx)
{
    const int64_t cg = c->x.dim[1] / c->attr.conv.groups, og = c->w.dim[1];
    const int64_t rank = c->attr.conv.win.rank;
    const size_t taps = qns_shape_span(&c->w, 2, c->w.rank);
    const size_t pixels = qns_shape_span(&c->x, 2, c->x.rank);

    for (size_t at = 0; at < qns_shape_count(&c->x); at++)
        for (size_t jt = 0; jt < (size_t)og * taps; jt++) {
            const int64_t ch = (int64_t)(at / pixels) % c->x.dim[1];
            const int64_t n = (int64_t)(at / pixels) / c->x.dim[1];
            const int64_t o = ch / cg * og + (int64_t)(jt / taps);
            int64_t to = 0, step = 1;
            size_t p = at % pixels, t = jt % taps;
            bool in = true;
            for (int64_t i = rank; i-- > 0;) {
                const qns_window *w = &c->attr.conv.win;
                const int64_t q = (int64_t)(p % (size_t)c->x.dim[i + 2]) * w->stride[i] +
                                  (int64_t)(t % (size_t)w->kernel[i]) * w->dilation[i] -
                                  c->front[i];
                p /= (size_t)c->x.dim[i + 2];
                t /= (size_t)w->kernel[i];
                in &= q >= 0 && q < y->dim[i + 2];
                to += q * step;
                step *= y->dim[i + 2];
            }
            if (in)
                add(ctx, at, (size_t)ch * (size_t)og * taps + jt,
                    (size_t)((n * y->dim[1] + o) * step + to));
        }
}

typedef struct sums {
    const op_run *r;
    double *sum;
} sums;

static void add_float(void *ctx, size_t x_at, size_t w_at, size_t y_at)
{
    const sums *s = ctx;
    s->sum[y_at] += (double)qns_cf32(&s->r->in[0])[x_at] * (double)qns_cf32(&s->r->in[1])[w_at];
}

static void add_code(void *ctx, size_t x_at, size_t w_at, size_t y_at)
{
    const sums *s = ctx;
    const int x = ((const uint8_t *)s->r->in[0].data)[x_at] - s->r->in[0].qp->zero[0];
    const int w = ((const int8_t *)s->r->in[1].data)[w_at] - s->r->in[1].qp->zero[0];
    s->sum[y_at] += x * w;
}

static size_t channel(const qns_shape *y, size_t at)
{
    return at / qns_shape_span(y, 2, y->rank) % (size_t)y->dim[1];
}

static void check_float(op_run *r, const tcase *c)
{
    cr_assert(op_execute(r), "%s", r->err.text);
    const qns_tensor *y = &r->out[0];
    double *sum = op_bytes(r, qns_tensor_count(y) * sizeof *sum);

    scatter(c, &y->shape, add_float, &(sums){r, sum});
    for (size_t i = 0; i < qns_tensor_count(y); i++) {
        double want = sum[i];
        want += r->n_in > 2 ? (double)qns_cf32(&r->in[2])[channel(&y->shape, i)] : 0.0;
        want = r->clamp ? fmax(want, 0.0) : want;
        cr_assert_float_eq(qns_cf32(y)[i], want, 1e-4, "%s %zu", r->impl, i);
    }
}

static op_run float_run(const tcase *c, qns_rng *rng)
{
    static const qns_range relu = {0.0f, INFINITY};
    op_run r = {.op = "conv_transpose",
                .attr = &c->attr,
                .clamp = qns_rng_below(rng, 2) ? &relu : NULL,
                .layout = QNS_CHLAST,
                .constants = 6,
                .n_in = 2};

    r.in[0] = op_random(&r, rng, c->x, -1, 1);
    r.in[1] = op_random(&r, rng, c->w, -1, 1);
    if (qns_rng_below(rng, 2))
        r.in[r.n_in++] =
            op_random(&r, rng, op_shape(1, c->w.dim[1] * c->attr.conv.groups, 0, 0, 0), -1, 1);
    return r;
}

Test(op_conv_transpose, float_by_definition)
{
    qns_rng rng;
    int by_library = 0;

    qns_rng_seed(&rng, 71);
    for (int i = 0; i < 60; i++) {
        const tcase c = random_case(&rng);
        op_run r = float_run(&c, &rng);

        check_float(&r, &c);
        r.onednn = true;
        check_float(&r, &c);
        by_library += strstr(r.impl, "onednn") != NULL;
        r.onednn = false;
        r.unknown = 6; /* the weight comes with the run */
        check_float(&r, &c);
        op_finish(&r);
    }
    cr_expect_geq(by_library, 30);
}

/* Codes of sums by spec 4.1 and 4.2, without bias. */
static int want_code(const op_run *r, double acc, size_t ch, bool qnnpack)
{
    const qns_qparams *w = r->in[1].qp;
    const float sw = (float)w->scale[w->n > 1 ? ch % (size_t)w->n : 0];
    const float sa = (float)r->in[0].qp->scale[0], so = (float)r->out_qp->scale[0];
    const float m = qnnpack ? sw * sa * (1.0f / so) : sa * sw / so;
    const double q = (double)rintf((float)acc * m) + r->out_qp->zero[0];

    return (int)fmin(fmax(q, r->clamp ? r->out_qp->zero[0] : 0), 255);
}

Test(op_conv_transpose, codes_by_definition)
{
    qns_rng rng;

    qns_rng_seed(&rng, 72);
    for (int i = 0; i < 60; i++) {
        const tcase c = random_case(&rng);
        op_run r = float_run(&c, &rng);
        const int32_t og = (int32_t)c.w.dim[1];
        double *scale = op_bytes(&r, (size_t)og * sizeof *scale);
        int32_t *zero = op_bytes(&r, (size_t)og * sizeof *zero);

        for (int32_t k = 0; k < og; k++)
            scale[k] = 0.001 + 0.01 * qns_rng_unit(&rng);
        zero[0] = i % 3 ? 0 : -7;
        r.n_in = 2;
        r.be = i & 1 ? "qnnpack" : "fbgemm";
        r.in[0] = op_codes(&r, &rng, c.x, op_qp(&r, QNS_U8, 0.03, 120));
        r.in[1] = op_codes(&r, &rng, c.w, op_qp(&r, QNS_I8, 0.007, zero[0]));
        if (i % 3 == 1) /* scales of foreign files lie along axis 1 */
            cr_assert_eq(qns_qparams_new(&r.in[1].qp, r.arena, QNS_I8, 1, og, scale, zero, NULL),
                         QNS_OK);
        r.out_qp = op_qp(&r, QNS_U8, 0.4, 90);
        cr_assert(op_execute(&r), "%s", r.err.text);
        const qns_tensor *y = &r.out[0];
        double *sum = op_bytes(&r, qns_tensor_count(y) * sizeof *sum);
        scatter(&c, &y->shape, add_code, &(sums){&r, sum});
        for (size_t k = 0; k < qns_tensor_count(y); k++)
            cr_assert_eq(((uint8_t *)y->data)[k],
                         want_code(&r, sum[k], channel(&y->shape, k), i & 1), "%d: %zu", i, k);
        op_finish(&r);
    }
}

Test(op_conv_transpose, sizes)
{
    qns_conv_transpose_attr a = {
        .conv = {.win = {.rank = 1, .kernel = {3}, .stride = {2}, .dilation = {1}}, .groups = 1}};
    qns_shape x = {.rank = 3, .dim = {1, 1, 3}};
    qns_geom g;

    cr_assert_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_OK);
    cr_expect_eq(g.out[2], 7);
    a.conv.win.auto_pad = QNS_PAD_SAME_UPPER;
    cr_assert_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_OK);
    cr_expect(g.out[2] == 6 && g.pad_lo[2] == 2, "nothing is cut off in front");
    a.conv.win.auto_pad = QNS_PAD_SAME_LOWER;
    cr_assert_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_OK);
    cr_expect(g.out[2] == 6 && g.pad_lo[2] == 1);
    a.conv.win.auto_pad = QNS_PAD_EXPLICIT;
    a.out_size[0] = 8;
    cr_assert_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_OK);
    cr_expect(g.out[2] == 8 && g.pad_lo[2] == 2, "one more at the end");
    a.out_size[0] = 0;
    a.conv.win.pad_lo[0] = a.conv.win.pad_hi[0] = 4;
    cr_expect_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_E_SHAPE, "nothing is left");
    x.dim[2] = INT64_MAX;
    cr_expect_eq(qns_conv_transpose_lay(&g, &a, &x, NULL), QNS_E_SHAPE);
}
