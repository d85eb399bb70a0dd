/* SPDX-License-Identifier: MIT */
/* The packing, and plain C: one output and one block of channels at a time. */
#include "kernels/dwconv/dwline.h"

#include "kernels/kernels.h"
#include "kernels/requant/requant.h"

#include <assert.h>
#include <string.h>

/* Byte of a record that holds row r of channel c of a block. */
static size_t place(size_t c, size_t r)
{
    return c % 16 / 4 * 64 + c / 16 * 16 + c % 4 * 4 + r;
}

size_t qk_pack_dw_size(size_t n, size_t n_rows, size_t n_cols)
{
    return (n + QK_DW_BLOCK - 1) / QK_DW_BLOCK * n_cols * qk_dw_quads(n_rows) * QK_DW_RECORD;
}

void qk_pack_dw(int8_t *packed, int32_t *col_sum, const int8_t *w, size_t n, size_t n_rows,
                size_t n_cols)
{
    const size_t quads = qk_dw_quads(n_rows);

    memset(packed, 0, qk_pack_dw_size(n, n_rows, n_cols));
    for (size_t c = 0; c < n; c++) {
        int8_t *block = packed + c / QK_DW_BLOCK * n_cols * quads * QK_DW_RECORD;
        col_sum[c] = 0;
        for (size_t r = 0; r < n_rows; r++)
            for (size_t x = 0; x < n_cols; x++, w++) {
                block[(x * quads + r / 4) * QK_DW_RECORD + place(c % QK_DW_BLOCK, r % 4)] = *w;
                col_sum[c] += *w;
            }
    }
}

/* One input column times one kernel column. */
static void add_column(uint32_t *acc, const uint8_t *const *rows, size_t n_rows,
                       const int8_t *record, size_t first, size_t width)
{
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < width; c++)
            acc[c] +=
                (uint32_t)(rows[r][first + c] * record[r / 4 * QK_DW_RECORD + place(c, r % 4)]);
}

static void one_block(uint8_t *out, size_t ld_out, const qk_dw_line *t, size_t first, size_t width)
{
    const size_t step = qk_dw_quads(t->n_rows) * QK_DW_RECORD;
    const int8_t *block = t->packed + first / QK_DW_BLOCK * t->n_cols * step;
    const qk_requant rq = qk_dw_requant(t->rq, first);

    for (size_t k = 0; k < t->n_lines * t->m; k++) {
        const size_t column = k / t->m * t->span + k % t->m * t->stride;
        uint32_t sum[QK_DW_BLOCK] = {0};
        int32_t acc[QK_DW_BLOCK];

        for (size_t x = 0; x < t->n_cols; x++)
            add_column(sum, t->columns + (column + x * t->dilation) * t->n_rows, t->n_rows,
                       block + x * step, first, width);
        memcpy(acc, sum, sizeof acc);
        qk_requant_row__c(out + k * ld_out + first, acc, 0, width, 0, &rq);
    }
}

void qk_dwline_u8s8__c(uint8_t *out, size_t ld_out, const qk_dw_line *t)
{
    assert(!t->rq->zero_w && t->rq->lo >= 0 && t->rq->lo <= t->rq->hi);
    for (size_t c = t->first; c < t->end; c += QK_DW_BLOCK)
        one_block(out, ld_out, t, c, t->end - c < QK_DW_BLOCK ? t->end - c : QK_DW_BLOCK);
}
