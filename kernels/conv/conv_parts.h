/* SPDX-License-Identifier: MIT */
/* A tile by the two kernels that it joins, for instruction sets without one of their own: a few
 * positions at a time, so that windows and sums stay in the first-level cache. */
#ifndef QK_CONV_PARTS_H
#define QK_CONV_PARTS_H

#include "kernels/gemm/gemm.h"
#include "kernels/types.h"

#include <string.h>

typedef struct qk_conv_parts {
    void (*gemm)(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                 const int8_t *packed, size_t n, size_t k);
    void (*requant)(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                    size_t n, const int32_t *row_sum, const qk_requant *rq);
} qk_conv_parts;

enum { QK_PARTS_M = 24, QK_PARTS_N = 4 * QK_PANEL };

static inline size_t qk_conv_parts_k(const qk_conv_tile *t)
{
    return (t->n_taps * t->tap_k + QK_QUAD - 1) / QK_QUAD * QK_QUAD;
}

static inline size_t qk_conv_parts_scratch(const qk_conv_tile *t)
{
    return t->n_taps > 1 ? QK_PARTS_M * qk_conv_parts_k(t) : 0;
}

/* Rows first..first + m - 1, their taps side by side. */
static inline void qk_conv_parts_rows(const uint8_t *rows[QK_PARTS_M], const qk_conv_tile *t,
                                      size_t first, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        uint8_t *copy = (uint8_t *)t->scratch + i * qk_conv_parts_k(t);

        rows[i] = t->n_taps == 1 ? t->rows[first + i] : copy;
        for (size_t tap = 0; t->n_taps > 1 && tap < t->n_taps; tap++)
            memcpy(copy + tap * t->tap_k, t->rows[tap * t->m + first + i], t->tap_k);
    }
}

static inline void qk_conv_parts_run(uint8_t *out, size_t ld_out, const qk_conv_tile *t,
                                     const qk_conv_parts *by)
{
    int32_t acc[QK_PARTS_M * QK_PARTS_N];
    const uint8_t *rows[QK_PARTS_M];

    for (size_t i = 0; i < t->m; i += QK_PARTS_M) {
        const size_t m = t->m - i < QK_PARTS_M ? t->m - i : QK_PARTS_M;

        qk_conv_parts_rows(rows, t, i, m);
        for (size_t j = 0; j < t->n; j += QK_PARTS_N) {
            const size_t n = t->n - j < QK_PARTS_N ? t->n - j : QK_PARTS_N;
            qk_requant rq = *t->rq;

            rq.offset += j;
            rq.mult += rq.per_channel ? j : 0;
            rq.bias += rq.bias ? j : 0;
            by->gemm(acc, QK_PARTS_N, rows, m, t->packed + j * qk_conv_parts_k(t), n,
                     t->n_taps * t->tap_k);
            by->requant(out + i * ld_out + j, ld_out, acc, QK_PARTS_N, m, n, NULL, &rq);
        }
    }
}

#endif
