/* SPDX-License-Identifier: MIT */
/* Plain C: one position times one panel at a time. */
#include "kernels/conv/conv_tile.h"

#include "kernels/gemm/gemm.h"
#include "kernels/requant/requant.h"

#include <assert.h>

static void add_tap(uint32_t sum[QK_PANEL], const uint8_t *row, const int8_t *w, size_t n_quads)
{
    for (size_t q = 0; q < n_quads; q++, row += QK_QUAD, w += QK_PANEL * QK_QUAD)
        for (size_t j = 0; j < QK_PANEL; j++)
            for (size_t i = 0; i < QK_QUAD; i++)
                sum[j] += (uint32_t)(row[i] * w[j * QK_QUAD + i]);
}

void qk_conv_u8s8__c(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    const size_t quads = (t->tap_k + QK_QUAD - 1) / QK_QUAD;
    const size_t tap_size = quads * QK_PANEL * QK_QUAD;

    assert(!t->rq->zero_w && t->rq->lo >= 0 && t->rq->lo <= t->rq->hi);
    for (size_t j = 0; j < t->n; j += QK_PANEL) {
        const int8_t *panel = t->packed + j / QK_PANEL * t->n_taps * tap_size;
        const size_t width = t->n - j < QK_PANEL ? t->n - j : QK_PANEL;
        for (size_t i = 0; i < t->m; i++) {
            int32_t acc[QK_PANEL] = {0};
            uint32_t sum[QK_PANEL] = {0};
            qk_requant rq = *t->rq;

            for (size_t tap = 0; tap < t->n_taps; tap++)
                add_tap(sum, t->rows[tap * t->m + i], panel + tap * tap_size, quads);
            for (size_t c = 0; c < QK_PANEL; c++)
                acc[c] = (int32_t)sum[c];
            rq.offset += j;
            rq.mult += rq.per_channel ? j : 0;
            rq.bias += rq.bias ? j : 0;
            qk_requant_row__c(out + i * ld_out + j, acc, 0, width, 0, &rq);
        }
    }
}

size_t qk_conv_u8s8_scratch__c(const qk_conv_tile *t)
{
    (void)t;
    return 0;
}

size_t qk_conv_u8s8_even__c(void)
{
    return 1;
}

size_t qk_conv_notes__c(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                        size_t tap_k)
{
    (void)notes;
    (void)packed;
    (void)n_panels;
    (void)n_taps;
    (void)tap_k;
    return 0;
}
