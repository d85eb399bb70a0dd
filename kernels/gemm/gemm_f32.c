/* SPDX-License-Identifier: MIT */
/* The float reference product in plain C. A sum starts at the bias and takes its terms in the order
 * of k, each with one rounded multiply and one rounded add. SIMD variants put columns side by side
 * and never split a sum, so they have the same bits. (Which of several NaNs comes out is not
 * promised.) */
#include "kernels/gemm/gemm.h"

#include <string.h>

static void row_panel(float sum[QK_PANEL], const float *row, const float *panel, size_t k)
{
    for (size_t i = 0; i < k; i++, panel += QK_PANEL)
        for (size_t j = 0; j < QK_PANEL; j++)
            sum[j] += row[i] * panel[j];
}

void qk_gemm_f32__c(float *out, size_t ld_out, const float *const *rows, size_t m,
                    const float *packed, const float *bias, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += QK_PANEL, packed += k * QK_PANEL) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        for (size_t i = 0; i < m; i++) {
            float sum[QK_PANEL] = {0};
            if (bias)
                memcpy(sum, bias + j, width * sizeof *sum);
            row_panel(sum, rows[i], packed, k);
            memcpy(out + i * ld_out + j, sum, width * sizeof *out);
        }
    }
}
