/* SPDX-License-Identifier: MIT */
/* The list of peak loops. Plain C has none: what a compiler makes of it is no limit of the machine.
 */
#include "kernels/peak/peak.h"

#include "kernels/cpu.h"

enum { SUMS = 8 };

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
#if defined(QK_HAVE_NEON)
    {"fmla v.4s", QK_PEAK_F32, QK_CPU_NEON, 16 * 8, qk_peak_f32__neon},
#endif
#if defined(QK_HAVE_AVX2)
    {"vfmadd ymm", QK_PEAK_F32, QK_CPU_AVX2, 12 * 16, qk_peak_f32__avx2},
#endif
#if defined(QK_HAVE_VNNI)
    {"vfmadd zmm", QK_PEAK_F32, QK_CPU_VNNI, 24 * 32, qk_peak_f32__vnni},
#endif
#if defined(QK_HAVE_NEON)
    {"smull, sadalp", QK_PEAK_INT8, QK_CPU_NEON, 8 * 16, qk_peak_u8s8__neon},
#endif
#if defined(QK_HAVE_AVX2)
    {"vpmaddubsw ymm", QK_PEAK_INT8, QK_CPU_AVX2, 24 * 64, qk_peak_u8s8__avx2},
#endif
#if defined(QK_HAVE_VNNI)
    {"vpdpbusd zmm", QK_PEAK_INT8, QK_CPU_VNNI, 24 * 128, qk_peak_u8s8__vnni},
#endif
#if defined(QK_HAVE_AMX)
    {"tdpbusd tmm", QK_PEAK_INT8, QK_CPU_AMX, 4 * 2 * 16 * 16 * 64, qk_peak_u8s8__amx},
#endif
    {0}, /* an architecture may have none */
};

const qk_peak *qk_peaks(size_t *n)
{
    *n = sizeof list / sizeof *list - 1;
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
