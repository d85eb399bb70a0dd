/* SPDX-License-Identifier: MIT */
/* fakequant: fake-quantize, LSQ, and the fused moving average. */
#include "core/train/fakequant.h"
#include "core/train/fused_moving_avg.h"
#include "core/train/lsq.h"
#include "golden_case.h"

typedef struct batch {
    const float *x, *dy;
    size_t n;     /* numbers */
    size_t inner; /* of one channel side by side */
} batch;

static batch read_batch(gd *c, bool per_channel, size_t channels)
{
    size_t n;
    batch b = {.dy = gd_floats(c, "dy", &n), .inner = 1};
    const qns_shape s = gd_get(c, "x").shape;
    b.x = gd_floats(c, "x", &b.n);
    if (n != b.n)
        gd_stop(c, "x and dy have different sizes");
    if (per_channel) {
        const int64_t axis = gd_int(c, "axis");
        if (axis < 0 || axis >= s.rank || (size_t)s.dim[axis] != channels)
            gd_stop(c, "%zu channels do not fit axis %d of %s", channels, (int)axis,
                    qns_shape_str(&s).s);
        b.inner = qns_shape_span(&s, (int32_t)axis + 1, s.rank);
    }
    return b;
}

/* This field was not made by PyTorch: the generator rounds away from zero by adding 0.5f, and just
 * below a tie that sum is rounded up to the next integer. There, and only there, the expected value
 * stands. */
static void drop_generator_ties(float *y, gd *c, const qns_fq *f, const batch *b)
{
    size_t n;
    const float *want = gd_floats(c, "y_round_away_newer", &n);
    for (size_t i = 0; i < b->n && n == b->n; i++) {
        const size_t channel = i / f->inner % f->n;
        const float inv = 1.0f / f->scale[channel], t = b->x[i] * inv;
        const float v = fabsf(t + (float)f->zero[channel]), sum = v + 0.5f;
        if ((double)v + 0.5 != (double)sum && floorf(sum) != floor((double)v + 0.5))
            y[i] = want[i];
    }
}

/* The library takes qmin <= qmax within 17 bits as given. */
static void check_limits(gd *c)
{
    const int64_t lo = gd_int(c, "quant_min"), hi = gd_int(c, "quant_max");
    if (lo > hi || lo < -65536 || hi > 65536)
        gd_stop(c, "codes from %lld to %lld", (long long)lo, (long long)hi);
}

static void plain(gd *c, bool per_channel)
{
    check_limits(c);
    const float scale = per_channel ? 0 : (float)gd_num(c, "scale");
    const int32_t zero = per_channel ? 0 : (int32_t)gd_int(c, "zero_point");
    qns_fq f = {.per_channel = per_channel,
                .qmin = (int32_t)gd_int(c, "quant_min"),
                .qmax = (int32_t)gd_int(c, "quant_max"),
                .n = 1,
                .scale = &scale,
                .zero = &zero};
    if (per_channel) {
        f.scale = gd_floats(c, "scales", &f.n);
        const double *from = gd_doubles(c, "zero_points", f.n);
        int32_t *to = gd_mem(c, f.n, sizeof *to);
        for (size_t i = 0; i < f.n; i++)
            to[i] = (int32_t)from[i];
        f.zero = to;
    }
    const batch b = read_batch(c, per_channel, f.n);
    float *y = gd_mem(c, b.n, sizeof *y);
    uint8_t *mask = gd_mem(c, b.n, 1);
    f.inner = b.inner;
    qns_fq_forward(y, mask, &f, b.x, b.n);
    gd_same_floats(c, "y", y, b.n);
    qns_fq_backward(y, b.dy, mask, b.n);
    gd_same_floats(c, "dx", y, b.n);
    if (gd_has(c, "y_round_away_newer")) {
        f.version = QNS_FQ_2X;
        qns_fq_forward(y, NULL, &f, b.x, b.n);
        drop_generator_ties(y, c, &f, &b);
        gd_same_floats(c, "y_round_away_newer", y, b.n);
    }
}

static void per_tensor(gd *c)
{
    plain(c, false);
}

static void per_channel(gd *c)
{
    plain(c, true);
}

/* The largest gradient of scale and of zero point that a single number gives. */
static void largest(float top[2], gd *c, const qns_lsq *l, const batch *b)
{
    top[0] = top[1] = 0;
    for (size_t i = 0; i < b->n; i++) {
        const size_t channel = i / l->inner % l->n;
        qns_lsq one = *l;
        float x, scale, zero;
        qns_err err = {0};
        one.n = one.inner = 1;
        one.scale = l->scale + channel;
        one.zero = l->zero + channel;
        const qns_lsq_grad grad = {&x, &scale, &zero};
        gd_ok(c, qns_lsq_backward(&grad, &one, b->x + i, b->dy + i, 1, &err), &err, "backward");
        top[0] = fmaxf(top[0], fabsf(scale));
        top[1] = fmaxf(top[1], fabsf(zero));
    }
}

static void lsq(gd *c, bool channels)
{
    check_limits(c);
    const float scale = channels ? 0 : (float)gd_num(c, "scale");
    const float zero = channels ? 0 : (float)gd_num(c, "zero_point");
    qns_lsq l = {.per_channel = channels,
                 .qmin = (int32_t)gd_int(c, "quant_min"),
                 .qmax = (int32_t)gd_int(c, "quant_max"),
                 .n = 1,
                 .scale = &scale,
                 .zero = &zero,
                 .grad_factor = (float)gd_num(c, "grad_factor")};
    qns_err err = {0};
    size_t n_zero = 1;
    if (channels) {
        l.scale = gd_floats(c, "scales", &l.n);
        l.zero = gd_floats(c, "zero_points", &n_zero);
    }
    if (n_zero != l.n)
        gd_stop(c, "%zu scales, but %zu zero points", l.n, n_zero);
    const batch b = read_batch(c, channels, l.n);
    float *y = gd_mem(c, b.n, sizeof *y);
    const qns_lsq_grad grad = {gd_mem(c, b.n, sizeof *y), gd_mem(c, l.n, sizeof *y),
                               gd_mem(c, l.n, sizeof *y)};
    l.inner = b.inner;
    gd_ok(c, qns_lsq_forward(y, &l, b.x, b.n, &err), &err, "forward");
    gd_same_floats(c, "y", y, b.n);
    gd_ok(c, qns_lsq_backward(&grad, &l, b.x, b.dy, b.n, &err), &err, "backward");
    gd_same_floats(c, "dx", grad.x, b.n);
    /* Spec section 9.3: the sums are made in another order, 1e-5 of the largest gradient. */
    float top[2];
    largest(top, c, &l, &b);
    gd_close(c, "dscale", grad.scale, l.n, 1e-5 * (double)top[0], 1e-5);
    gd_close(c, "dzp", grad.zero, l.n, 1e-5 * (double)top[1], 1e-5);
}

static void lsq_per_tensor(gd *c)
{
    lsq(c, false);
}

static void lsq_per_channel(gd *c)
{
    lsq(c, true);
}

static void same_int(gd *c, const char *field, int32_t got)
{
    gd_same_number(c, field, got, gd_doubles(c, field, 1)[0]);
}

static void free_fused(void *f)
{
    qns_fused_free(f);
}

static void fused(gd *c)
{
    check_limits(c);
    const bool symmetric = gd_num(c, "symmetric") != 0;
    const qns_fused_rule rule = {.range = {symmetric ? QNS_I8 : QNS_U8,
                                           (int32_t)gd_int(c, "quant_min"),
                                           (int32_t)gd_int(c, "quant_max"), symmetric, 0x1p-23f},
                                 .averaging = (float)gd_num(c, "averaging_constant"),
                                 .n = 1};
    qns_fused *f;
    qns_err err = {0};
    gd_ok(c, qns_fused_create(&f, &rule, &err), &err, "create");
    gd_defer(c, free_fused, f);
    for (size_t k = 0; gd_has(c, gd_field(c, "x", k)); k++) {
        size_t n;
        const float *x = gd_floats(c, gd_field(c, "x", k), &n);
        float *y = gd_mem(c, n, sizeof *y), scale;
        int32_t zero;
        gd_ok(c, qns_fused_forward(y, NULL, f, x, n, &err), &err, "forward");
        gd_same_floats(c, gd_field(c, "y", k), y, n);
        gd_same_floats(c, gd_field(c, "min", k), f->min, 1);
        gd_same_floats(c, gd_field(c, "max", k), f->max, 1);
        gd_same_floats(c, gd_field(c, "train_scale", k), f->scale, 1);
        same_int(c, gd_field(c, "train_zp", k), f->zero[0]);
        gd_ok(c, qns_fused_convert(&scale, &zero, f, &err), &err, "convert");
        gd_same_floats(c, gd_field(c, "convert_scale", k), &scale, 1);
        same_int(c, gd_field(c, "convert_zp", k), zero);
    }
}

const gd_kind gd_train_kinds[] = {
    {"fakequant", "per_tensor", per_tensor},
    {"fakequant", "per_channel", per_channel},
    {"fakequant", "lsq_per_tensor", lsq_per_tensor},
    {"fakequant", "lsq_per_channel", lsq_per_channel},
    {"fakequant", "fused_moving_avg", fused},
    {NULL, NULL, NULL},
};
