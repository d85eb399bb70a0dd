/* SPDX-License-Identifier: MIT */
/* The function tables. qk_table_init() fills in plain C first and then lays every instruction set
 * over it that the machine has and the mask allows. Every variant gives the same bits as plain C; a
 * test (tests/kernels) finds every new pointer by itself and compares it with memcmp. */
#ifndef QK_KERNELS_H
#define QK_KERNELS_H

#include "kernels/types.h"

/* Weights of the int8 gemm, packed once (kernels/gemm/gemm.h draws the layout); k is padded with
 * zeros to a multiple of 4, n to a multiple of 16. */
size_t qk_pack_s8_size(size_t n, size_t k);
/* w: n rows of k. col_sum (n entries): sum of each row. */
void qk_pack_s8(int8_t *packed, int32_t *col_sum, const int8_t *w, size_t n, size_t k);
/* The same for float: k x n panels of 16 columns. Size in floats. */
size_t qk_pack_f32_size(size_t n, size_t k);
void qk_pack_f32(float *packed, const float *w, size_t n, size_t k);

/* Weights of dwline_u8s8: w has for each of n channels n_rows rows of n_cols. */
size_t qk_pack_dw_size(size_t n, size_t n_rows, size_t n_cols);
void qk_pack_dw(int8_t *packed, int32_t *col_sum, const int8_t *w, size_t n, size_t n_rows,
                size_t n_cols);

struct qk_table {
    /* acc[i][j] = sum over k of rows[i][k] * w[j][k], exact int32. rows[i] must be readable up to k
     * rounded up to a multiple of 4; what stands there does not matter. acc rows are ld_acc apart
     * (>= n). */
    void (*gemm_u8s8)(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                      const int8_t *packed, size_t n, size_t k);
    /* Codes of m rows of accumulators. row_sum: sum of each row's codes, needed when rq->zero_w is
     * set. Signed codes are stored in the same bytes. */
    void (*requant)(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                    size_t n, const int32_t *row_sum, const qk_requant *rq);
    /* Both in one, without a sum in memory (conv/conv_tile.h). Rows of out are
     * ld_out apart. */
    void (*conv_u8s8)(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
    /* Rows that it reads at once where they lie at equal distances and whole 64 codes of a tap side
     * by side; others it copies. 1: it reads each where it lies. */
    size_t (*conv_u8s8_even)(void);
    /* Bytes of scratch memory for a tile of m, n_taps and tap_k; grows with each of them. */
    size_t (*conv_u8s8_scratch)(const qk_conv_tile *t);
    /* What conv_u8s8() wants to know about panels of packed weights: returns how many numbers that
     * is, also for notes NULL; 0 for nothing. */
    size_t (*conv_u8s8_notes)(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                              size_t tap_k);
    /* acc[c] = sum over taps of taps[t][c] * w[t * n + c]: one output position of a depthwise conv.
     */
    void (*dwconv_u8s8)(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                        size_t n);

    /* Whole lines, codes to codes (kernels/dwconv/dwline.h): output i of line k goes to row
     * k * m + i of out, rows ld_out apart. */
    void (*dwline_u8s8)(uint8_t *out, size_t ld_out, const qk_dw_line *t);

    /* The same sums as FBGEMM makes them without VNNI: every two neighbouring products, at even k
     * or tap and the next, are added with saturation to 16 bits first (spec section 4.1). */
    void (*gemm_u8s8_pairs)(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                            const int8_t *packed, size_t n, size_t k);
    void (*dwconv_u8s8_pairs)(int32_t *acc, const uint8_t *const *taps, size_t n_taps,
                              const int8_t *w, size_t n);

    /* out[i][j] = (bias ? bias[j] : 0) + sum over k, in the order of k, one multiply and one add
     * each. */
    void (*gemm_f32)(float *out, size_t ld_out, const float *const *rows, size_t m,
                     const float *packed, const float *bias, size_t n, size_t k);
    void (*dwconv_f32)(float *out, const float *const *taps, size_t n_taps, const float *w,
                       const float *bias, size_t n);

    /* Codes from floats and back, per tensor (spec section 1, Q_fb8; inv = 1.0f / scale). */
    void (*quantize_u8)(uint8_t *out, const float *x, size_t n, float inv, int32_t zero);
    void (*quantize_s8)(int8_t *out, const float *x, size_t n, float inv, int32_t zero);
    void (*dequantize_u8)(float *out, const uint8_t *q, size_t n, float scale, int32_t zero);
    void (*dequantize_s8)(float *out, const int8_t *q, size_t n, float scale, int32_t zero);
    /* One channel of several: (f32)((f64)((f32)q - zero) * scale). */
    void (*dequantize_wide_u8)(float *out, const uint8_t *q, size_t n, double scale, float zero);
    void (*dequantize_wide_s8)(float *out, const int8_t *q, size_t n, double scale, float zero);

    /* One run of n elements: blocks of 64 by the vector formula, the rest by the scalar one
     * (spec 5.2). A caller that splits a run splits it at multiples of 64. */
    void (*add_u8)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
    /* QNNPACK's; element by element. out may be a or b. */
    void (*add_u8_fixed)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                         const qk_add_fixed *p);

    /* Over the taps of a pooling window, channel by channel; n_taps > 0. */
    void (*max_u8)(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n);
    void (*max_s8)(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n);
    void (*max_f32)(float *out, const float *const *taps, size_t n_taps, size_t n); /* NaN wins */
    void (*sum_u8)(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n);

    /* out[i] = table[in[i]] */
    void (*lut_u8)(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table);
    /* Clamp codes: relu and clip on codes. */
    void (*clamp_u8)(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi);
    void (*clamp_s8)(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi);

    /* Smallest and largest of n > 0 floats; NaN if any is NaN. */
    void (*minmax_f32)(float *lo, float *hi, const float *x, size_t n);
    /* The bin of each number among equal ones over lo..hi; bins: outside (kernels/reduce). */
    void (*bin_f32)(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins);
    /* out[j * rows + i] = in[i * in_step + j], elements of 1 and of 4 bytes. */
    void (*transpose_b1)(uint8_t *out, const uint8_t *in, size_t rows, size_t cols, size_t in_step);
    void (*transpose_b4)(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                         size_t in_step);
    /* All sums of a pair of n > 0 floats, in a fixed order (kernels/pairs/pairs.h). */
    void (*pair_f32)(qk_pair *out, const float *ref, const float *test, size_t n);
    /* The same of 1 to QK_PAIR_TESTS test sides that are codes: out[i] is what pair_f32 says of
     * test[i] as floats. */
    void (*pair_codes)(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                       size_t n);
    /* How many lie outside lo..hi; NaN does not. */
    size_t (*outside_f32)(const float *x, size_t n, float lo, float hi);
};
typedef struct qk_table qk_table;

/* mask: QK_CPU_* bits that may be used (kernels/cpu.h); 0 is plain C. */
void qk_table_init(qk_table *t, unsigned mask);

/* round to nearest, ties to even, to int32; out of range and NaN give INT32_MIN (x86's cvtps2dq).
 */
int32_t qk_rne(float x);

#endif
