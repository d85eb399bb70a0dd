/* SPDX-License-Identifier: MIT */
/* Plain C: one row times one panel at a time. */
#include "kernels/gemm/gemm.h"

#include <string.h>

static void row_panel(uint32_t sum[QK_PANEL], const uint8_t *row, const int8_t *panel,
                      size_t n_quads)
{
    for (size_t q = 0; q < n_quads; q++, row += QK_QUAD, panel += QK_PANEL * QK_QUAD)
        for (size_t j = 0; j < QK_PANEL; j++) {
            const int8_t *w = panel + j * QK_QUAD;
            sum[j] += (uint32_t)(row[0] * w[0] + row[1] * w[1] + row[2] * w[2] + row[3] * w[3]);
        }
}

void qk_gemm_u8s8__c(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
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
