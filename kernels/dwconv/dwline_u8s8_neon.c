/* SPDX-License-Identifier: MIT */
/* NEON: 16 channels at a time, products in 16 bits, where they fit, added to 32-bit sums; the sums
 * of a few outputs go to the requantization kernel while they are in the first-level cache. */
#include "kernels/dwconv/dwline.h"
#include "kernels/requant/requant.h"

#include <arm_neon.h>
#include <string.h>

enum { CHANNELS = 16, MAX_TAPS = 128, OUTPUTS = 16 };

typedef struct line { /* 16 channels */
    const qk_dw_line *t;
    size_t first, width;
    int8x16_t w[MAX_TAPS]; /* [kernel column][row] */
} line;

static void sort_weights(line *l, const int8_t *packed, size_t lane)
{
    const size_t quads = qk_dw_quads(l->t->n_rows);

    for (size_t x = 0; x < l->t->n_cols; x++)
        for (size_t r = 0; r < l->t->n_rows; r++) {
            const int8_t *record = packed + (x * quads + r / 4) * QK_DW_RECORD;
            int8_t part[CHANNELS];

            for (size_t c = 0; c < CHANNELS; c++)
                part[c] = record[c / 4 * 64 + lane * 16 + c % 4 * 4 + r % 4];
            l->w[x * l->t->n_rows + r] = vld1q_s8(part);
        }
}

static inline uint8x16_t codes_at(const line *l, const uint8_t *row)
{
    uint8_t part[CHANNELS] = {0};

    if (l->width == CHANNELS)
        return vld1q_u8(row + l->first);
    memcpy(part, row + l->first, l->width);
    return vld1q_u8(part);
}

static inline void output(int32_t *acc, const line *l, const uint8_t *const *rows)
{
    const qk_dw_line *t = l->t;
    int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};

    for (size_t x = 0; x < t->n_cols; x++, rows += t->dilation * t->n_rows)
        for (size_t r = 0; r < t->n_rows; r++) {
            const uint8x16_t a = codes_at(l, rows[r]);
            const int8x16_t w = l->w[x * t->n_rows + r];
            const int16x8_t lo = vmulq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(a))),
                                           vmovl_s8(vget_low_s8(w)));
            const int16x8_t hi =
                vmulq_s16(vreinterpretq_s16_u16(vmovl_high_u8(a)), vmovl_high_s8(w));
            sum[0] = vaddw_s16(sum[0], vget_low_s16(lo));
            sum[1] = vaddw_high_s16(sum[1], lo);
            sum[2] = vaddw_s16(sum[2], vget_low_s16(hi));
            sum[3] = vaddw_high_s16(sum[3], hi);
        }
    for (int i = 0; i < 4; i++)
        vst1q_s32(acc + 4 * i, sum[i]);
}

static void one_line(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns,
                     const qk_requant *rq)
{
    const qk_dw_line *t = l->t;
    int32_t acc[OUTPUTS * CHANNELS];

    for (size_t i = 0, some; i < t->m; i += some) {
        some = t->m - i < OUTPUTS ? t->m - i : OUTPUTS;
        for (size_t k = 0; k < some; k++)
            output(acc + k * CHANNELS, l, columns + (i + k) * t->stride * t->n_rows);
        qk_requant__neon(out + i * ld_out, ld_out, acc, CHANNELS, some, l->width, NULL, rq);
    }
}

void qk_dwline_u8s8__neon(uint8_t *out, size_t ld_out, const qk_dw_line *t)
{
    const size_t block_size = t->n_cols * qk_dw_quads(t->n_rows) * QK_DW_RECORD;
    line l = {.t = t, .first = t->first};

    if (t->n_cols * t->n_rows > MAX_TAPS) { /* a window that large is none that a model has */
        qk_dwline_u8s8__c(out, ld_out, t);
        return;
    }
    for (; l.first < t->end; l.first += CHANNELS) {
        const qk_requant rq = qk_dw_requant(t->rq, l.first);

        l.width = t->end - l.first < CHANNELS ? t->end - l.first : CHANNELS;
        sort_weights(&l, t->packed + l.first / QK_DW_BLOCK * block_size,
                     l.first % QK_DW_BLOCK / CHANNELS);
        for (size_t k = 0; k < t->n_lines; k++)
            one_line(out + l.first + k * t->m * ld_out, ld_out, &l,
                     t->columns + k * t->span * t->n_rows, &rq);
    }
}
