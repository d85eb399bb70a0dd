/* SPDX-License-Identifier: MIT */
/* Embedding tables of 8 or 4 bits, and bags (sums of rows), spec section 5.5.
 *
 * A table is rows of bytes: the codes, then scale and bias of the row,
 *
 *   8 bits   dim bytes, f32 scale, f32 bias
 *   4 bits   dim / 2 bytes (the even column in the low half), f16 scale, f16 bias
 *
 * in the byte order of the machine; the real value is scale * code + bias. */
#ifndef QNS_EMBEDDING_H
#define QNS_EMBEDDING_H

#include "core/base/status.h"

typedef struct qns_embedding {
    int bits; /* 8 or 4 */
    size_t rows, dim;
    const uint8_t *table; /* rows of qns_embedding_row_size() bytes */
} qns_embedding;

/* Bytes of a row. */
size_t qns_embedding_row_size(int bits, size_t dim);

/* Fails with SHAPE when bits is neither 8 nor 4, when dim is 0, or odd with 4 bits, and when the
 * table is not rows * row size bytes long. */
qns_status qns_embedding_check(const qns_embedding *e, size_t table_size, qns_err *err);

/* Codes by the float_qparams observer (spec 2.1), a row at a time: scale = (max - min) / steps,
 * zero = -min / scale, not rounded. One code per byte, rows of dim. Fails with DATA when w holds
 * NaN or infinities, or a range does not fit. */
qns_status qns_embedding_quantize(uint8_t *codes, float *scale, float *zero, int bits,
                                  const float *w, size_t rows, size_t dim, qns_err *err);
/* One code: two roundings, no fma. */
uint8_t qns_embedding_code(float x, float scale, float zero, int bits);

/* A table from such codes: bias = -(zero * scale). Fails with DATA when a scale or bias does not
 * fit float16 (4 bits), or a code 4 bits. */
qns_status qns_embedding_pack(uint8_t *table, int bits, const uint8_t *codes, const float *scale,
                              const float *zero, size_t rows, size_t dim, qns_err *err);
/* A table from floats at once: bias is the smallest value of the row, and with 4 bits it is rounded
 * to float16 before the rest is computed. Other codes than qns_embedding_quantize() gives. */
qns_status qns_embedding_pack_direct(uint8_t *table, int bits, const float *w, size_t rows,
                                     size_t dim, qns_err *err);

/* Scale and bias of a row, and one of its codes. */
void qns_embedding_row(float *scale, float *bias, const qns_embedding *e, size_t row);
uint8_t qns_embedding_at(const qns_embedding *e, size_t row, size_t column);

/* Which rows make a bag: bag i has the entries offset[i] .. offset[i + 1] - 1 of index. */
typedef struct qns_bags {
    size_t n; /* bags */
    const int64_t *index;
    size_t n_index;
    const int64_t *offset; /* n, the first 0, not falling; NULL: one entry each (n = n_index) */
    bool with_last;        /* offset has n + 1 entries; else the last bag ends with index */
    const float *weight;   /* n_index factors, or NULL: 1 */
} qns_bags;

/* out: n rows of dim, zeros for an empty bag. Fails with DATA, out unchanged, when an index or
 * offset is out of range. */
qns_status qns_embedding_sum(float *out, const qns_embedding *e, const qns_bags *b, qns_err *err);

#endif
