/* SPDX-License-Identifier: MIT */
/* What 100 % is: loops that do one kind of work and nothing else, as fast as the machine can.
 * Benchmarks time them beside the kernels; nothing else calls them.
 *
 * An arithmetic loop keeps as many sums in registers as hide the latency of its instruction and
 * touches no memory. A reading loop loads each 64-byte line of a block; what it measures (DRAM or a
 * cache) is decided by the size of the block. */
#ifndef QK_PEAK_H
#define QK_PEAK_H

#include <stddef.h>
#include <stdint.h>

typedef enum qk_peak_kind { QK_PEAK_INT8, QK_PEAK_F32 } qk_peak_kind;

typedef struct qk_peak {
    const char *name; /* "vpdpbusd zmm": the instruction that does the work */
    qk_peak_kind kind;
    unsigned cpu; /* QK_CPU_* bits it needs */
    double ops;   /* of one round: a multiplication and an addition are two */
    void (*run)(size_t rounds);
} qk_peak;

/* The loops of this build, for each kind the slowest instruction set first. Look at cpu before
 * calling one. */
const qk_peak *qk_peaks(size_t *n);

/* Reads size bytes (a multiple of 512) from an address aligned to 64; the sum of all 8-byte words.
 * mask as for qk_table_init(). */
uint64_t qk_peak_read(const void *p, size_t size, unsigned mask);

void qk_peak_f32__avx2(size_t rounds);
void qk_peak_f32__vnni(size_t rounds);
void qk_peak_f32__neon(size_t rounds);
void qk_peak_u8s8__avx2(size_t rounds);
void qk_peak_u8s8__vnni(size_t rounds);
void qk_peak_u8s8__amx(size_t rounds);
void qk_peak_u8s8__neon(size_t rounds);
uint64_t qk_peak_read__c(const void *p, size_t size);
uint64_t qk_peak_read__avx2(const void *p, size_t size);
uint64_t qk_peak_read__vnni(const void *p, size_t size);

#endif
