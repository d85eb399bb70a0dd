/* SPDX-License-Identifier: MIT */
/* Means over windows. */
#include "core/ops/pool_walk.h"

#include <string.h>

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

static size_t divisor_of(const job *j, const box *b)
{
    return j->divisor ? j->divisor : j->include_pad ? b->padded : b->taps;
}

static void mean_rows_f32(const void *ctx, size_t first, size_t end)
{
    const job *j = ctx;
    const size_t width = (size_t)j->g.out[2];
    float *out = qns_f32(&j->c->out[0]);
    for (size_t r = first; r < end; r++) {
        const box row = row_of(j, r);
        for (size_t x = 0; x < width; x++) {
            const box b = box_in(&row, j, x);
            const size_t div = divisor_of(j, &b);
            float *to = out + (r * width + x) * j->channels;
            for (size_t ch = 0; ch < j->channels; ch += BLOCK)
                mean_block_f32(j, &b, to + ch, ch, smaller(j->channels - ch, BLOCK), div);
        }
    }
}

static void mean_f32(const job *j)
{
    share(j, rows_of(j), j->positions * j->channels, mean_rows_f32);
}

void qns_pool_mean_f32(const qns_call *c, const qns_window *w, bool include_pad, size_t divisor)
{
    job j = start(c, w);
    j.include_pad = include_pad;
    j.divisor = divisor;
    mean_f32(&j);
}

void qns_pool_adaptive_f32(const qns_call *c, const int64_t *size)
{
    const job j = start_adaptive(c, size);
    mean_f32(&j);
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
                      size_t n)
{
    const qns_mean_kind kind = j->kind;
    const size_t div = divisor_of(j, b);
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

static size_t blocks_of(const job *j)
{
    return (j->channels + BLOCK - 1) / BLOCK;
}

/* Threads share channels, too: a mean over all of an image is one position. */
static void mean_blocks_u8(const void *ctx, size_t first, size_t end)
{
    const job *j = ctx;
    const size_t width = (size_t)j->g.out[2], blocks = blocks_of(j);
    uint8_t *out = j->c->out[0].data;
    for (size_t i = first; i < end; i++) {
        const size_t r = i / blocks, ch = i % blocks * BLOCK, n = smaller(j->channels - ch, BLOCK);
        const box row = row_of(j, r);
        for (size_t x = 0; x < width; x++) {
            const box b = box_in(&row, j, x);
            int32_t acc[BLOCK];
            sum_block_u8(j, &b, acc, ch, n);
            finish_u8(j, &b, out + (r * width + x) * j->channels + ch, acc, ch, n);
        }
    }
}

static void mean_u8(const job *j)
{
    share(j, rows_of(j) * blocks_of(j), qns_tensor_count(&j->c->in[0]), mean_blocks_u8);
}

void qns_pool_mean_u8(const qns_call *c, const qns_window *w, qns_mean_kind kind, bool include_pad,
                      size_t divisor)
{
    job j = start(c, w);
    j.include_pad = include_pad;
    j.divisor = divisor;
    j.kind = kind;
    mean_u8(&j);
}

void qns_pool_adaptive_u8(const qns_call *c, const int64_t *size, qns_mean_kind kind)
{
    job j = start_adaptive(c, size);
    j.kind = kind;
    mean_u8(&j);
}
