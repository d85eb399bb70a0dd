/* SPDX-License-Identifier: MIT */
/* Pooling. Taps are handed to the kernels in chunks and channels in blocks, so that every buffer
 * lies on the stack whatever the window and the number of channels. */
#include "core/ops/pool.h"

#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { TAPS = 64, BLOCK = 256 };

qns_window qns_window_global(const qns_shape *in)
{
    qns_window w = {.rank = in->rank - 2};
    for (int32_t i = 0; i < in->rank - 2 && i < QNS_SPATIAL; i++) {
        w.kernel[i] = in->dim[i + 2];
        w.stride[i] = w.dilation[i] = 1;
    }
    return w;
}

qns_status qns_pool_infer(qns_tensor *out, const qns_window *w, const qns_tensor *in, qns_err *err)
{
    qns_geom g;
    if (in[0].shape.rank < 3 || in[0].shape.rank > 5)
        QNS_FAIL(err, SHAPE, "needs 3 to 5 dimensions, has %d", (int)in[0].shape.rank);
    if (in[0].dtype != QNS_F32 && !qns_is_code(in[0].dtype))
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    QNS_TRY(qns_window_lay(&g, w, &in[0].shape, err));
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    out[0].qp = in[0].qp;
    qns_geom_out_shape(&out[0].shape, &g, in[0].shape.rank);
    return QNS_OK;
}

/* A call, laid out. */
typedef struct job {
    const qns_call *c;
    qns_geom g;
    bool adaptive;
    size_t positions, channels, size; /* size of an element in bytes */
} job;

/* One window: the taps inside the input form a box of taps. */
typedef struct box {
    const char *image;
    int64_t at[QNS_SPATIAL]; /* input coordinate of the first tap that is inside */
    int64_t n[QNS_SPATIAL];
    size_t taps, padded; /* padded: taps inside the input with its padding */
} box;

static job start(const qns_call *c, const qns_window *w)
{
    const qns_tensor *x = &c->in[0];
    job j = {.c = c, .channels = (size_t)x->shape.dim[1], .size = qns_dtype_size(x->dtype)};
    const qns_status st = qns_window_lay(&j.g, w, &x->shape, NULL);
    j.positions = st == QNS_OK ? (size_t)x->shape.dim[0] * j.g.out_pixels : 0;
    return j;
}

static job start_adaptive(const qns_call *c, const int64_t *size)
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
static int64_t steps(int64_t n, int64_t d)
{
    return d == 1 ? n : (n + d - 1) / d;
}

/* Taps k in 0..kernel-1 with 0 <= c + k * dilation < limit: the first and how many. */
static int64_t inside(int64_t *first, int64_t c, int64_t kernel, int64_t dilation, int64_t limit)
{
    const int64_t lo = c < 0 ? steps(-c, dilation) : 0;
    int64_t hi = limit > c ? steps(limit - c, dilation) : 0;
    hi = hi < kernel ? hi : kernel;
    *first = lo;
    return hi > lo ? hi - lo : 0;
}

/* Spec 5.3: from floor(o * in / out) to ceil((o + 1) * in / out), with a division in f32. */
static void adaptive_axis(box *b, int a, const qns_geom *g, int64_t o)
{
    const int64_t first = (int64_t)floorf((float)(o * g->in[a]) / (float)g->out[a]);
    const int64_t end = (int64_t)ceilf((float)((o + 1) * g->in[a]) / (float)g->out[a]);
    b->at[a] = first < g->in[a] ? first : g->in[a] - 1;
    b->n[a] = (end < g->in[a] ? end : g->in[a]) - b->at[a];
    b->n[a] = b->n[a] < 1 ? 1 : b->n[a]; /* large sizes do not divide exactly */
    b->taps *= (size_t)b->n[a];
}

static void window_axis(box *b, int a, const qns_geom *g, int64_t o)
{
    const int64_t c = o * g->stride[a] - g->pad_lo[a];
    int64_t first, any;
    b->n[a] = inside(&first, c, g->kernel[a], g->dilation[a], g->in[a]);
    b->at[a] = c + first * g->dilation[a];
    b->taps *= (size_t)b->n[a];
    b->padded *= (size_t)inside(&any, c + g->pad_lo[a], g->kernel[a], g->dilation[a],
                                g->in[a] + g->pad_lo[a] + g->pad_hi[a]);
}

static void lay_axis(box *b, int a, const job *j, size_t o)
{
    if (j->adaptive)
        adaptive_axis(b, a, &j->g, (int64_t)o);
    else
        window_axis(b, a, &j->g, (int64_t)o);
}

/* What the windows of a row of outputs have in common: all but the last axis. */
static box row_of(const job *j, size_t row)
{
    const qns_geom *g = &j->g;
    const size_t y = (size_t)g->out[1], z = (size_t)g->out[0];
    box b = {.taps = 1, .padded = 1};
    b.image = (const char *)j->c->in[0].data + row / y / z * g->in_pixels * j->channels * j->size;
    lay_axis(&b, 1, j, row % y);
    lay_axis(&b, 0, j, row / y % z);
    return b;
}

static box box_in(const box *row, const job *j, size_t x)
{
    box b = *row;
    lay_axis(&b, 2, j, x);
    return b;
}

static size_t rows_of(const job *j)
{
    return j->g.out[2] ? j->positions / (size_t)j->g.out[2] : 0;
}

/* Pointers to taps first .. first + n - 1 of the box, at channel ch. */
static void fill(const void **taps, const job *j, const box *b, size_t ch, size_t first, size_t n)
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

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- maximum ---- */

static void call_max(const job *j, void *out, const void *const *taps, size_t n_taps, size_t n)
{
    const qk_table *k = j->c->k;
    if (j->c->in[0].dtype == QNS_F32)
        k->max_f32(out, (const float *const *)taps, n_taps, n);
    else if (j->c->in[0].dtype == QNS_U8)
        k->max_u8(out, (const uint8_t *const *)taps, n_taps, n);
    else
        k->max_s8(out, (const int8_t *const *)taps, n_taps, n);
}

static void fill_lowest(const job *j, void *out, size_t n)
{
    if (j->c->in[0].dtype == QNS_F32)
        for (size_t i = 0; i < n; i++)
            ((float *)out)[i] = -INFINITY;
    else
        memset(out, j->c->in[0].dtype == QNS_U8 ? 0 : 0x80, n);
}

/* Channels ch .. ch + n - 1 of one position. A long window takes its running maximum along as the
 * first tap of the next chunk. */
static void max_block(const job *j, const box *b, void *out, size_t ch, size_t n)
{
    const void *taps[TAPS];
    float running[BLOCK];
    size_t done = smaller(b->taps, TAPS);
    if (b->taps == 0) {
        fill_lowest(j, out, n);
        return;
    }
    fill(taps, j, b, ch, 0, done);
    call_max(j, out, taps, done, n);
    while (done < b->taps) {
        const size_t more = smaller(b->taps - done, TAPS - 1);
        memcpy(running, out, n * j->size);
        taps[0] = running;
        fill(taps + 1, j, b, ch, done, more);
        call_max(j, out, taps, more + 1, n);
        done += more;
    }
}

/* All channels of one position of a row. A window as large as the one before lies a few pixels
 * further on: then the taps (TAPS entries, of the box `last`) only move. */
static void max_next(const job *j, const box *b, void *out, const void **taps, box *last)
{
    const ptrdiff_t step = (b->at[2] - last->at[2]) * (ptrdiff_t)(j->channels * j->size);
    if (b->taps == last->taps && b->n[2] == last->n[2])
        for (size_t i = 0; i < b->taps; i++)
            taps[i] = (const char *)taps[i] + step;
    else
        fill(taps, j, b, 0, 0, b->taps);
    *last = *b;
    call_max(j, out, taps, b->taps, j->channels);
}

void qns_pool_max(const qns_call *c, const qns_window *w)
{
    const job j = start(c, w);
    const size_t rows = rows_of(&j), width = (size_t)j.g.out[2];
    char *out = c->out[0].data;
#pragma omp parallel for schedule(static) if (j.positions * j.channels > QNS_PAR_MIN)
    for (size_t r = 0; r < rows; r++) {
        const box row = row_of(&j, r);
        const void *taps[TAPS];
        box last = {0};
        for (size_t x = 0; x < width; x++) {
            const box b = box_in(&row, &j, x);
            char *to = out + (r * width + x) * j.channels * j.size;
            if (b.taps > 0 && b.taps <= TAPS && j.channels <= BLOCK) {
                max_next(&j, &b, to, taps, &last);
                continue;
            }
            for (size_t ch = 0; ch < j.channels; ch += BLOCK)
                max_block(&j, &b, to + ch * j.size, ch, smaller(j.channels - ch, BLOCK));
        }
    }
}

/* Number of tap t of the box among the pixels of its plane. */
static int64_t pixel_number(const qns_geom *g, const box *b, int64_t t, bool column_major)
{
    const int64_t x = b->at[2] + t % b->n[2] * g->dilation[2];
    const int64_t y = b->at[1] + t / b->n[2] % b->n[1] * g->dilation[1];
    const int64_t z = b->at[0] + t / b->n[2] / b->n[1] * g->dilation[0];
    return column_major ? z + g->in[0] * (y + g->in[1] * x) : (z * g->in[1] + y) * g->in[2] + x;
}

static int64_t argmax_at(const job *j, const box *b, size_t ch, bool column_major)
{
    int64_t best = -1;
    float top = 0.0f;
    for (size_t t = 0; t < b->taps; t++) {
        const void *p;
        fill(&p, j, b, ch, t, 1);
        const float v = j->c->in[0].dtype == QNS_F32  ? *(const float *)p
                        : j->c->in[0].dtype == QNS_U8 ? (float)*(const uint8_t *)p
                                                      : (float)*(const int8_t *)p;
        if (best < 0 || v > top || (isnan(v) && !isnan(top))) {
            top = v;
            best = pixel_number(&j->g, b, (int64_t)t, column_major);
        }
    }
    return best;
}

void qns_pool_argmax(const qns_call *c, const qns_window *w)
{
    const job j = start(c, w);
    int64_t *out = c->out[1].data;
#pragma omp parallel for schedule(static) if (j.positions * j.channels > QNS_PAR_MIN)
    for (size_t p = 0; p < j.positions; p++) {
        const box row = row_of(&j, p / (size_t)j.g.out[2]);
        const box b = box_in(&row, &j, p % (size_t)j.g.out[2]);
        const size_t image = p / j.g.out_pixels;
        for (size_t ch = 0; ch < j.channels; ch++) {
            const int64_t at = argmax_at(&j, &b, ch, w->column_major != 0);
            const size_t plane = (image * j.channels + ch) * j.g.in_pixels;
            out[p * j.channels + ch] = at < 0 ? -1 : (int64_t)plane + at;
        }
    }
}

/* ---- mean ---- */

static void mean_block_f32(const job *j, const box *b, float *out, size_t ch, size_t n, size_t div)
{
    const void *taps[TAPS];
    double sum[BLOCK] = {0};
    for (size_t done = 0; done < b->taps; done += TAPS) {
        const size_t m = smaller(b->taps - done, TAPS);
        fill(taps, j, b, ch, done, m);
        for (size_t t = 0; t < m; t++)
            for (size_t i = 0; i < n; i++)
                sum[i] += (double)((const float *)taps[t])[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = div ? (float)(sum[i] / (double)div) : 0.0f;
}

static void mean_f32(const job *j, bool include_pad, size_t divisor)
{
    const size_t rows = rows_of(j), width = (size_t)j->g.out[2];
    float *out = qns_f32(&j->c->out[0]);
#pragma omp parallel for schedule(static) if (j->positions * j->channels > QNS_PAR_MIN)
    for (size_t r = 0; r < rows; r++) {
        const box row = row_of(j, r);
        for (size_t x = 0; x < width; x++) {
            const box b = box_in(&row, j, x);
            const size_t div = divisor ? divisor : include_pad ? b.padded : b.taps;
            float *to = out + (r * width + x) * j->channels;
            for (size_t ch = 0; ch < j->channels; ch += BLOCK)
                mean_block_f32(j, &b, to + ch, ch, smaller(j->channels - ch, BLOCK), div);
        }
    }
}

void qns_pool_mean_f32(const qns_call *c, const qns_window *w, bool include_pad, size_t divisor)
{
    const job j = start(c, w);
    mean_f32(&j, include_pad, divisor);
}

void qns_pool_adaptive_f32(const qns_call *c, const int64_t *size)
{
    const job j = start_adaptive(c, size);
    mean_f32(&j, false, 0);
}

static void sum_block_u8(const job *j, const box *b, int32_t *acc, size_t ch, size_t n)
{
    const void *taps[TAPS];
    int32_t part[BLOCK];
    memset(acc, 0, n * sizeof *acc);
    for (size_t done = 0; done < b->taps; done += TAPS) {
        const size_t m = smaller(b->taps - done, TAPS);
        fill(taps, j, b, ch, done, m);
        j->c->k->sum_u8(part, (const uint8_t *const *)taps, m, n);
        for (size_t i = 0; i < n; i++)
            acc[i] += part[i];
    }
}

static int32_t clamp_to(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

uint8_t qns_mean_qnnpack(int32_t sum, float scale, float n, int32_t zero)
{
    const float rs = scale / (scale * n);
    const int32_t r = clamp_to(qk_rne((float)sum * rs), INT16_MIN, INT16_MAX);
    return (uint8_t)clamp_to(clamp_to(r + zero, INT16_MIN, INT16_MAX), 0, 255);
}

/* A volume that becomes one number is a mean over its axes, not a pool (spec 5.3). */
static int32_t adaptive_planar(const job *j, const box *b, int32_t acc)
{
    const float m = 1.0f / (float)b->n[0] / (float)b->n[1] / (float)b->n[2];
    if (j->c->in[0].shape.rank == 5 && j->g.out_pixels == 1)
        return qk_rne((float)acc / (float)b->taps);
    return qk_rne((float)acc * m);
}

/* acc: sums of codes. Spec section 5.3, "avg_pool2d" and "adaptive_avg_pool2d". */
static void finish_u8(const job *j, const box *b, uint8_t *out, const int32_t *acc, size_t ch,
                      size_t n, qns_mean_kind kind, size_t div)
{
    const qns_qparams *qi = j->c->in[0].qp, *qo = j->c->out[0].qp;
    const int32_t zi = qi->zero[0], zo = qo->zero[0];
    const float si = (float)qi->scale[0], so = (float)qo->scale[0];
    const float m = si / so / (float)div, twice = 1.0f / (1.0f / m);
    const size_t vector = kind == QNS_MEAN_WINDOW ? j->channels / 8 * 8 : 0;
    const float planar = (float)(qi->scale[0] / qo->scale[0] / (double)div);
    for (size_t i = 0; i < n; i++) {
        const int32_t sum = acc[i] - (int32_t)b->taps * zi;
        if (kind == QNS_MEAN_QNNPACK) {
            out[i] = qns_mean_qnnpack(sum, si, (float)j->g.taps, zo);
            continue;
        }
        if (kind == QNS_MEAN_PLANAR) {
            const int32_t r = div ? qk_rne((float)sum * planar + (float)zo) : zo;
            out[i] = (uint8_t)clamp_to(r, 0, 255);
            continue;
        }
        if (kind == QNS_MEAN_ADAPTIVE_PLANAR) {
            out[i] = (uint8_t)clamp_to(adaptive_planar(j, b, acc[i]), 0, 255);
            continue;
        }
        const float by = ch + i < vector ? m : twice;
        const int32_t r = div ? qk_rne((float)sum * by) : 0;
        out[i] = (uint8_t)clamp_to(clamp_to(r, -(1 << 20), 1 << 20) + zo, 0, 255);
    }
}

/* Threads share channels, too: a mean over all of an image is one position. */
static void mean_u8(const job *j, qns_mean_kind kind, bool include_pad, size_t divisor)
{
    const size_t rows = rows_of(j), width = (size_t)j->g.out[2];
    const size_t blocks = (j->channels + BLOCK - 1) / BLOCK;
    uint8_t *out = j->c->out[0].data;
#pragma omp parallel for schedule(static)                                                          \
    collapse(2) if (qns_tensor_count(&j->c->in[0]) > QNS_PAR_MIN)
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < blocks; i++) {
            const size_t ch = i * BLOCK, n = smaller(j->channels - ch, BLOCK);
            const box row = row_of(j, r);
            for (size_t x = 0; x < width; x++) {
                const box b = box_in(&row, j, x);
                const size_t div = divisor ? divisor : include_pad ? b.padded : b.taps;
                int32_t acc[BLOCK];
                sum_block_u8(j, &b, acc, ch, n);
                finish_u8(j, &b, out + (r * width + x) * j->channels + ch, acc, ch, n, kind, div);
            }
        }
}

void qns_pool_mean_u8(const qns_call *c, const qns_window *w, qns_mean_kind kind, bool include_pad,
                      size_t divisor)
{
    const job j = start(c, w);
    mean_u8(&j, kind, include_pad, divisor);
}

void qns_pool_adaptive_u8(const qns_call *c, const int64_t *size, qns_mean_kind kind)
{
    const job j = start_adaptive(c, size);
    mean_u8(&j, kind, false, 0);
}

/* ---- refusals ---- */

static const char *reject_layout(const qns_call *c)
{
    for (int i = 0; i < 2; i++) {
        const qns_tensor *t = i ? &c->out[0] : &c->in[0];
        if (t->layout != QNS_CHLAST && !qns_layout_trivial(&t->shape))
            return "a tensor is not channels-last";
    }
    return NULL;
}

const char *qns_reject_pool_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : reject_layout(c);
}

const char *qns_reject_pool_codes(const qns_call *c)
{
    if (!qns_is_code(c->in[0].dtype))
        return "the input is neither uint8 nor int8";
    const char *why = qns_reject_not_moved(c);
    return why ? why : reject_layout(c);
}
