/* SPDX-License-Identifier: MIT */
/* Single values and codes: the scalar formulas of spec sections 1 and 5.2, for bounds and tables.
 */
#ifndef QNS_CODES_H
#define QNS_CODES_H

#include "core/graph/qparams.h"

/* One value to one code: (f32)zero + rne(x * inv), clamped in double (spec: Q_fbs). NaN gives lo.
 */
int32_t qns_code_of(float x, float inv, int32_t zero, int32_t lo, int32_t hi);
/* One value as the array quantizer takes it (spec: Q_fb8): rounds first, adds the zero in int32. */
int32_t qns_code_of_array(float x, float inv, int32_t zero, int32_t lo, int32_t hi);
/* One value as builds without FBGEMM take it (spec: Q_native): (f32)zero + rne(x * inv) is turned
 * into int64 and then clamped. What int64 cannot hold, +inf and NaN too, gives lo. */
int32_t qns_code_of_native(float x, float inv, int32_t zero, int32_t lo, int32_t hi);
/* Quantization with a float zero point, of embeddings: clamp(rne(x / scale + zero)); a scale of 0
 * counts as 1. NaN gives lo. */
int32_t qns_code_of_float_zero(float x, float scale, float zero, int32_t lo, int32_t hi);
float qns_value_of_float_zero(int32_t q, float scale, float zero);
/* The codes between which a clamp to `range` keeps an output with these per-tensor qparams. A bound
 * of 0 gives the zero point. An infinite bound gives the limit of the dtype. */
void qns_code_bounds(int32_t *lo, int32_t *hi, qns_range range, const qns_qparams *qp);

/* What a code stands for: scale * (f32)(q - zero), and the fma form of vector code, spec 5.2. */
float qns_value_of(int32_t q, float scale, int32_t zero);
float qns_value_of_fma(int32_t q, float scale, int32_t zero);

/* A 256-entry table from code to code, indexed by the bits of the input code. */
typedef struct qns_code_table {
    uint8_t at[256];
} qns_code_table;

#endif
