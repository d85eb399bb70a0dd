/* SPDX-License-Identifier: MIT */
/* Plain C of the product whose pairs saturate: what vpmaddubsw does, on any machine. */
#include "kernels/gemm/gemm.h"

#include <string.h>

static int32_t pair(const uint8_t *a, const int8_t *w)
{
    const int32_t sum = a[0] * w[0] + a[1] * w[1];

    return sum < INT16_MIN ? INT16_MIN : sum > INT16_MAX ? INT16_MAX : sum;
}

static void row_panel(uint32_t sum[QK_PANEL], const uint8_t *row, const int8_t *panel,
                      size_t n_quads)
{
    for (size_t q = 0; q < n_quads; q++, row += QK_QUAD, panel += QK_PANEL * QK_QUAD)
        for (size_t j = 0; j < QK_PANEL; j++) {
            const int8_t *w = panel + j * QK_QUAD;
            sum[j] += (uint32_t)(pair(row, w) + pair(row + 2, w + 2));
        }
}

void qk_gemm_u8s8_pairs__c(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                           const int8_t *packed, size_t n, size_t k)
{
    const size_t n_quads = (k + QK_QUAD - 1) / QK_QUAD;

    for (size_t j = 0; j < n; j += QK_PANEL, packed += n_quads * (QK_PANEL * QK_QUAD)) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        for (size_t i = 0; i < m; i++) {
            uint32_t sum[QK_PANEL] = {0};
            row_panel(sum, rows[i], packed, n_quads);
            memcpy(acc + i * ld_acc + j, sum, width * sizeof *acc);
        }
    }
}
