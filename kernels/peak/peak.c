/* SPDX-License-Identifier: MIT */
/* The list of peak loops, and those that any machine has. */
#include "kernels/peak/peak.h"

#include "kernels/cpu.h"

enum { SUMS = 8 };

void qk_peak_f32__c(size_t rounds)
{
    float sum[SUMS] = {1, 2, 3, 4, 5, 6, 7, 8};
    volatile float sink, factor = 0.5f;
    const float f = factor;

    for (size_t r = 0; r < rounds; r++)
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * f + f;
    for (int i = 0; i < SUMS; i++)
        sink = sum[i];
    (void)sink;
}

void qk_peak_u8s8__c(size_t rounds)
{
    uint32_t sum[SUMS] = {1, 2, 3, 4, 5, 6, 7, 8};
    volatile uint32_t sink, factor = 3;
    const uint32_t f = factor;

    for (size_t r = 0; r < rounds; r++)
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * f + f;
    for (int i = 0; i < SUMS; i++)
        sink = sum[i];
    (void)sink;
}

uint64_t qk_peak_read__c(const void *p, size_t size)
{
    const uint64_t *x = p;
    uint64_t sum[SUMS] = {0}, all = 0;

    for (size_t i = 0; i < size / sizeof *x; i += SUMS)
        for (size_t k = 0; k < SUMS; k++)
            sum[k] += x[i + k];
    for (size_t k = 0; k < SUMS; k++)
        all += sum[k];
    return all;
}

static const qk_peak list[] = {
    {"f32 C", QK_PEAK_F32, 0, 2 * SUMS, qk_peak_f32__c},
#if defined(QK_HAVE_NEON)
    {"fmla v.4s", QK_PEAK_F32, QK_CPU_NEON, 16 * 8, qk_peak_f32__neon},
#endif
#if defined(QK_HAVE_AVX2)
    {"vfmadd ymm", QK_PEAK_F32, QK_CPU_AVX2, 12 * 16, qk_peak_f32__avx2},
#endif
#if defined(QK_HAVE_VNNI)
    {"vfmadd zmm", QK_PEAK_F32, QK_CPU_VNNI, 24 * 32, qk_peak_f32__vnni},
#endif
    {"int32 C", QK_PEAK_INT8, 0, 2 * SUMS, qk_peak_u8s8__c},
#if defined(QK_HAVE_NEON)
    {"smull, sadalp", QK_PEAK_INT8, QK_CPU_NEON, 8 * 16, qk_peak_u8s8__neon},
#endif
#if defined(QK_HAVE_AVX2)
    {"vpmaddubsw ymm", QK_PEAK_INT8, QK_CPU_AVX2, 6 * 64, qk_peak_u8s8__avx2},
#endif
#if defined(QK_HAVE_VNNI)
    {"vpdpbusd zmm", QK_PEAK_INT8, QK_CPU_VNNI, 24 * 128, qk_peak_u8s8__vnni},
#endif
#if defined(QK_HAVE_AMX)
    {"tdpbusd tmm", QK_PEAK_INT8, QK_CPU_AMX, 4 * 2 * 16 * 16 * 64, qk_peak_u8s8__amx},
#endif
};

const qk_peak *qk_peaks(size_t *n)
{
    *n = sizeof list / sizeof *list;
    return list;
}

uint64_t qk_peak_read(const void *p, size_t size, unsigned mask)
{
    mask &= qk_cpu_detect();
#if defined(QK_HAVE_VNNI)
    if (mask & QK_CPU_VNNI)
        return qk_peak_read__vnni(p, size);
#endif
#if defined(QK_HAVE_AVX2)
    if (mask & QK_CPU_AVX2)
        return qk_peak_read__avx2(p, size);
#endif
    return qk_peak_read__c(p, size);
}
