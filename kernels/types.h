/* SPDX-License-Identifier: MIT */
/* Small parameter structs of the kernels. kernels/ includes only the C library, OpenMP and
 * intrinsics: a kernel knows pointers and sizes, no tensors, no files, no errors, and allocates
 * nothing. */
#ifndef QK_TYPES_H
#define QK_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Accumulator to code (spec section 4). Columns are output channels.
 *
 *   FBGEMM    t = acc + offset[j] - zero_w[j] * row_sum          int32, wraps
 *             x = prescaled ? (f32)t + bias[j] : fma(bias[j], rcp, (f32)t)   without bias: (f32)t
 *             code = clamp(rne(x * mult[j]) + zero, lo, hi)
 *   QNNPACK   t as above (its int32 bias is part of offset)
 *             code = clamp(sat16(sat16(rne((f32)t * mult[j])) + zero), lo, hi)
 *
 * rne is round to nearest, ties to even, with x86's rule for the out-of-range: INT32_MIN. */
typedef enum qk_scheme { QK_RQ_FBGEMM, QK_RQ_QNNPACK } qk_scheme;

typedef struct qk_requant {
    qk_scheme scheme;
    bool per_channel; /* mult has n entries, else one */
    const float *mult;
    const float *bias;     /* n entries or NULL; QNNPACK: NULL */
    bool prescaled;        /* bias was divided by s_in * s_w already */
    float rcp;             /* 1 / (s_in * s_w), when not prescaled */
    const int32_t *offset; /* n entries: -za * sum(w) + K * za * zw (+ int32 bias) */
    const int32_t *zero_w; /* n entries, or NULL when every weight zero point is 0 */
    int32_t zero, lo, hi;  /* of the output code; lo, hi within -128..255 */
} qk_requant;

/* A tile of a convolution: m output positions times n output channels, codes to codes. */
typedef struct qk_conv_tile {
    /* rows[t * m + i]: tap_k codes of tap t of position i, readable up to tap_k rounded up to a
     * multiple of 4. With more than one tap, tap_k is such a multiple. */
    const uint8_t *const *rows;
    size_t m, n_taps, tap_k;
    const int8_t *packed; /* qk_pack_s8() of n rows of n_taps * tap_k */
    size_t n;
    const qk_requant *rq; /* of the first column; zero_w NULL, 0 <= lo <= hi <= 255 */
    void *scratch;        /* what conv_u8s8_scratch() says, aligned to 64 */
    const int32_t *notes; /* conv_u8s8_notes() from the first panel of this tile on */
    const void *ahead;    /* the weights that are read after these, worth fetching; or NULL */
} qk_conv_tile;

/* Lines of a depthwise convolution with m outputs each, codes to codes. */
typedef struct qk_dw_line {
    /* columns[(k * span + j) * n_rows + r]: kernel row r at input column j of line k, all channels;
     * output i reads columns i * stride + x * dilation, x < n_cols. */
    const uint8_t *const *columns;
    size_t n_lines, m, span;
    size_t n_rows, n_cols, stride, dilation;
    const int8_t *packed; /* qk_pack_dw(), of all channels */
    size_t first, end;    /* channels to compute; first is a multiple of 64 */
    const qk_requant *rq; /* of channel 0; zero_w NULL, 0 <= lo <= hi <= 255 */
} qk_dw_line;

/* out = clamp(quantize(s_a (a - za) + s_b (b - zb))), spec section 5.2, "add". */
typedef struct qk_add {
    float scale_a, scale_b, inv_out; /* inv_out = 1.0f / s_out */
    int32_t zero_a, zero_b, zero_out;
    bool relu; /* max(sum, 0) in float, before quantizing */
} qk_add;

/* The same by QNNPACK's fixed-point formula (eltwise/eltwise.h): a, b in 0..2^22, shift 1..31. */
typedef struct qk_add_fixed {
    int32_t a, b, zero_a, zero_b, zero_out, lo, hi;
    int shift;
} qk_add_fixed;

/* What a reference r and its test side q differ by; e = q - r (kernels/pairs/pairs.h). */
typedef struct qk_pair {
    double rr, qq, rq, ee, e; /* sums of r r, q q, r q, e e, e */
    double max_abs;           /* largest |e| */
    float ref_min, ref_max, test_min, test_max;
} qk_pair;

/* Codes of one scale as the test side of a pair: each stands for scale * (float)(code - zero),
 * rounded to float (spec section 1). 0 <= scale < infinity, |zero| < 2^22. */
typedef struct qk_coded {
    const void *code;
    float scale;
    int32_t zero;
    bool is_signed;
} qk_coded;

enum { QK_PAIR_TESTS = 2 }; /* test sides of one reference in one call */

#endif
