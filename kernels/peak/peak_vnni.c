/* SPDX-License-Identifier: MIT */
/* The assembler is volatile because every round does the same. */
#include "kernels/peak/peak.h"

#include <immintrin.h>

void qk_peak_f32__vnni(size_t rounds)
{
    __m512 c[24];
    const __m512 a = _mm512_set1_ps(0.5f);

#pragma GCC unroll 24
    for (int i = 0; i < 24; i++)
        c[i] = _mm512_setzero_ps();
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++)
            __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(c[i]) : "v"(a));
}

void qk_peak_u8s8__vnni(size_t rounds)
{
    __m512i c[24];
    const __m512i a = _mm512_set1_epi8(1);

#pragma GCC unroll 24
    for (int i = 0; i < 24; i++)
        c[i] = _mm512_setzero_si512();
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++)
            __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(c[i]) : "v"(a));
}

uint64_t qk_peak_read__vnni(const void *p, size_t size)
{
    const char *x = p;
    __m512i sum[8];

#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        sum[k] = _mm512_setzero_si512();
    for (size_t i = 0; i < size; i += sizeof sum)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
            sum[k] = _mm512_add_epi64(sum[k], _mm512_load_si512(x + i + (size_t)k * 64));
#pragma GCC unroll 8
    for (int k = 1; k < 8; k++)
        sum[0] = _mm512_add_epi64(sum[0], sum[k]);
    /* The reducing intrinsic adds signed numbers, whose overflow is undefined. */
    uint64_t part[8], all = 0;
    _mm512_storeu_si512(part, sum[0]);
    for (int k = 0; k < 8; k++)
        all += part[k];
    return all;
}
