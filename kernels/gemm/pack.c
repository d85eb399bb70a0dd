/* SPDX-License-Identifier: MIT */
/* Packing of weights: rows of w (one per output channel) become panels (gemm.h). */
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"

#include <string.h>

static size_t round_up(size_t v, size_t unit)
{
    return (v + unit - 1) / unit * unit;
}

size_t qk_pack_s8_size(size_t n, size_t k)
{
    return round_up(n, QK_PANEL) * round_up(k, QK_QUAD);
}

void qk_pack_s8(int8_t *packed, int32_t *col_sum, const int8_t *w, size_t n, size_t k)
{
    const size_t panel_size = QK_PANEL * round_up(k, QK_QUAD);

    memset(packed, 0, qk_pack_s8_size(n, k));
    for (size_t j = 0; j < n; j++) {
        int8_t *col = packed + j / QK_PANEL * panel_size + j % QK_PANEL * QK_QUAD;
        uint32_t sum = 0;
        for (size_t i = 0; i < k; i++) {
            const int8_t v = w[j * k + i];
            col[i / QK_QUAD * (QK_PANEL * QK_QUAD) + i % QK_QUAD] = v;
            sum += (uint32_t)v;
        }
        col_sum[j] = (int32_t)sum;
    }
}

size_t qk_pack_f32_size(size_t n, size_t k)
{
    return round_up(n, QK_PANEL) * k;
}

void qk_pack_f32(float *packed, const float *w, size_t n, size_t k)
{
    memset(packed, 0, qk_pack_f32_size(n, k) * sizeof *packed);
    for (size_t j = 0; j < n; j++) {
        float *col = packed + j / QK_PANEL * (QK_PANEL * k) + j % QK_PANEL;
        for (size_t i = 0; i < k; i++)
            col[i * QK_PANEL] = w[j * k + i];
    }
}
