/* SPDX-License-Identifier: MIT */
/* What maximum and mean of pool.h share: a call laid out, its windows, and pointers to their taps.
 * Taps are handed to the kernels in chunks and channels in blocks, so that every buffer lies on the
 * stack whatever the window and the number of channels. */
#ifndef QNS_POOL_WALK_H
#define QNS_POOL_WALK_H

#include "core/ops/op_help.h"
#include "core/ops/pool.h"
#include "kernels/kernels.h"

#include <math.h>

enum { TAPS = 64, BLOCK = 256 };

/* A call, laid out. */
typedef struct job {
    const qns_call *c;
    qns_geom g;
    bool adaptive;
    size_t positions, channels, size; /* size of an element in bytes */
    /* of a mean; divisor 0: as many as there are taps */
    bool include_pad;
    size_t divisor;
    qns_mean_kind kind;
} job;

/* One window: the taps inside the input form a box of taps. */
typedef struct box {
    const char *image;
    int64_t at[QNS_SPATIAL]; /* input coordinate of the first tap that is inside */
    int64_t n[QNS_SPATIAL];
    size_t taps, padded; /* padded: taps inside the input with its padding */
} box;

static inline job start(const qns_call *c, const qns_window *w)
{
    const qns_tensor *x = &c->in[0];
    job j = {.c = c, .channels = (size_t)x->shape.dim[1], .size = qns_dtype_size(x->dtype)};
    const qns_status st = qns_window_lay(&j.g, w, &x->shape, NULL);
    j.positions = st == QNS_OK ? (size_t)x->shape.dim[0] * j.g.out_pixels : 0;
    return j;
}

static inline job start_adaptive(const qns_call *c, const int64_t *size)
{
    const qns_shape *x = &c->in[0].shape;
    const int32_t lead = QNS_SPATIAL - (x->rank - 2);
    job j = {.c = c,
             .g = {.in_pixels = 1, .out_pixels = 1, .taps = 1},
             .adaptive = true,
             .channels = (size_t)x->dim[1],
             .size = qns_dtype_size(c->in[0].dtype)};
    qns_geom *g = &j.g;
    for (int32_t i = 0; i < QNS_SPATIAL; i++) {
        g->in[i] = i < lead ? 1 : x->dim[i - lead + 2];
        g->out[i] = i < lead ? 1 : size[i - lead];
        g->kernel[i] = g->in[i] / g->out[i]; /* only asked for where it divides */
        g->stride[i] = g->dilation[i] = g->up[i] = 1;
        g->in_pixels *= (size_t)g->in[i];
        g->out_pixels *= (size_t)g->out[i];
        g->taps *= (size_t)g->kernel[i];
    }
    j.positions = (size_t)x->dim[0] * g->out_pixels;
    return j;
}

/* n / d, rounded up; without a division in the usual case. */
static inline int64_t steps(int64_t n, int64_t d)
{
    return d == 1 ? n : (n + d - 1) / d;
}

/* Taps k in 0..kernel-1 with 0 <= c + k * dilation < limit: the first and how many. */
static inline int64_t inside(int64_t *first, int64_t c, int64_t kernel, int64_t dilation,
                             int64_t limit)
{
    const int64_t lo = c < 0 ? steps(-c, dilation) : 0;
    int64_t hi = limit > c ? steps(limit - c, dilation) : 0;
    hi = hi < kernel ? hi : kernel;
    *first = lo;
    return hi > lo ? hi - lo : 0;
}

/* Spec 5.3: from floor(o * in / out) to ceil((o + 1) * in / out), with a division in f32. */
static inline void adaptive_axis(box *b, int a, const qns_geom *g, int64_t o)
{
    const int64_t first = (int64_t)floorf((float)(o * g->in[a]) / (float)g->out[a]);
    const int64_t end = (int64_t)ceilf((float)((o + 1) * g->in[a]) / (float)g->out[a]);
    b->at[a] = first < g->in[a] ? first : g->in[a] - 1;
    b->n[a] = (end < g->in[a] ? end : g->in[a]) - b->at[a];
    b->n[a] = b->n[a] < 1 ? 1 : b->n[a]; /* large sizes do not divide exactly */
    b->taps *= (size_t)b->n[a];
}

static inline void window_axis(box *b, int a, const qns_geom *g, int64_t o)
{
    const int64_t c = o * g->stride[a] - g->pad_lo[a];
    int64_t first, any;
    b->n[a] = inside(&first, c, g->kernel[a], g->dilation[a], g->in[a]);
    b->at[a] = c + first * g->dilation[a];
    b->taps *= (size_t)b->n[a];
    b->padded *= (size_t)inside(&any, c + g->pad_lo[a], g->kernel[a], g->dilation[a],
                                g->in[a] + g->pad_lo[a] + g->pad_hi[a]);
}

static inline void lay_axis(box *b, int a, const job *j, size_t o)
{
    if (j->adaptive)
        adaptive_axis(b, a, &j->g, (int64_t)o);
    else
        window_axis(b, a, &j->g, (int64_t)o);
}

/* What the windows of a row of outputs have in common: all but the last axis. */
static inline box row_of(const job *j, size_t row)
{
    const qns_geom *g = &j->g;
    const size_t y = (size_t)g->out[1], z = (size_t)g->out[0];
    box b = {.taps = 1, .padded = 1};
    b.image = (const char *)j->c->in[0].data + row / y / z * g->in_pixels * j->channels * j->size;
    lay_axis(&b, 1, j, row % y);
    lay_axis(&b, 0, j, row / y % z);
    return b;
}

static inline box box_in(const box *row, const job *j, size_t x)
{
    box b = *row;
    lay_axis(&b, 2, j, x);
    return b;
}

static inline size_t rows_of(const job *j)
{
    return j->g.out[2] ? j->positions / (size_t)j->g.out[2] : 0;
}

/* Threads share n parts, if there is work for them in all. */
static inline void share(const job *j, size_t n, size_t work, qns_range_part *run)
{
    qns_parallel_ranges(j->c->team, n, work > QNS_PAR_MIN ? 1 : n, run, j);
}

/* Pointers to taps first .. first + n - 1 of the box, at channel ch. */
static inline void fill(const void **taps, const job *j, const box *b, size_t ch, size_t first,
                        size_t n)
{
    const qns_geom *g = &j->g;
    const size_t nx = (size_t)b->n[2], ny = (size_t)b->n[1];
    int64_t x = (int64_t)(first % nx), y = (int64_t)(first / nx % ny);
    int64_t z = (int64_t)(first / nx / ny);
    for (size_t i = 0; i < n; i++) {
        const int64_t plane = (b->at[0] + z * g->dilation[0]) * g->in[1];
        const int64_t line = (plane + b->at[1] + y * g->dilation[1]) * g->in[2];
        const size_t pixel = (size_t)(line + b->at[2] + x * g->dilation[2]);
        taps[i] = b->image + (pixel * j->channels + ch) * j->size;
        if (++x < b->n[2])
            continue;
        x = 0;
        if (++y < b->n[1])
            continue;
        y = 0;
        z++;
    }
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
