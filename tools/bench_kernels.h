/* SPDX-License-Identifier: MIT */
/* The kernels that are timed, and the data they run on. */
#ifndef QNS_BENCH_KERNELS_H
#define QNS_BENCH_KERNELS_H

#include "kernels/kernels.h"
#include "tools/bench.h"

/* Everything a case may use, in the second-level cache together; sizes below. */
typedef struct qns_bench_data {
    uint8_t *codes, *codes2, *codes_out;
    float *floats, *floats_out;
    int8_t *weight, *packed;
    float *weight_f32, *packed_f32;
    int32_t *acc, *col_sum;
    int32_t *notes;        /* conv_u8s8_notes() of packed, ... */
    const qk_table *noted; /* ... as this table has them */
    float *mult;
    void *scratch; /* QNS_BENCH_SCRATCH bytes */
    const uint8_t *row_u8[256];
    const int8_t *row_s8[256];
    const float *row_f32[256];
    qk_requant requant;
    qk_add add;
    uint8_t table[256];
} qns_bench_data;

/* What a case works on: M rows of K against N columns; CH channels and WINDOW taps; RUN elements.
 */
enum {
    QNS_BENCH_M = 196,
    QNS_BENCH_N = 256,
    QNS_BENCH_K = 1024,
    QNS_BENCH_CH = 192,
    QNS_BENCH_WINDOW = 9,
    QNS_BENCH_POSITIONS = 196,
    QNS_BENCH_RUN = 64 * 1024,
    QNS_BENCH_SCRATCH = 4 << 20
};

typedef struct qns_bench_kernel {
    const char *name, *shape;
    size_t member;     /* offset in qk_table */
    qk_peak_kind kind; /* left out: int8 */
    double ops;        /* 0: what counts are bytes */
    double bytes;      /* read and written */
    void (*run)(const qk_table *k, qns_bench_data *d);
} qns_bench_kernel;

const qns_bench_kernel *qns_bench_kernels(size_t *n);

#endif
