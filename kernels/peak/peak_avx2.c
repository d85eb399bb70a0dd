/* SPDX-License-Identifier: MIT */
/* The int8 loop is the three instructions that add 32 products where there is no VNNI: pairs to 16
 * bits, pairs of pairs to 32, add. Two of them have two ports and the third has a port of its own,
 * which processors find out the better, the further the three are apart: side by side, the loop is
 * 3 % slower. The assembler is volatile because every round does the same. */
#include "kernels/peak/peak.h"

#include <immintrin.h>

void qk_peak_f32__avx2(size_t rounds)
{
    __m256 c[12];
    const __m256 a = _mm256_set1_ps(0.5f);

#pragma GCC unroll 12
    for (int i = 0; i < 12; i++)
        c[i] = _mm256_setzero_ps();
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++)
            __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(c[i]) : "x"(a));
}

void qk_peak_u8s8__avx2(size_t rounds)
{
    __m256i c[6], t[8];
    const __m256i a = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        t[i] = _mm256_setzero_si256();
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
        c[i] = _mm256_setzero_si256();
    /* The products of i, the sum of those of i - 6, the pairs of those of i - 3. */
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            __asm__ volatile("vpmaddubsw %1, %1, %0" : "=x"(t[i % 8]) : "x"(a));
            __asm__ volatile("vpaddd %1, %0, %0" : "+x"(c[i % 6]) : "x"(t[(i + 2) % 8]));
            __asm__ volatile("vpmaddwd %1, %0, %0" : "+x"(t[(i + 5) % 8]) : "x"(ones));
        }
}

uint64_t qk_peak_read__avx2(const void *p, size_t size)
{
    const __m256i *x = p;
    __m256i sum[8];
    uint64_t part[4], all = 0;

#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        sum[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < size / sizeof *x; i += 8)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
            sum[k] = _mm256_add_epi64(sum[k], _mm256_load_si256(x + i + k));
    for (int k = 1; k < 8; k++)
        sum[0] = _mm256_add_epi64(sum[0], sum[k]);
    _mm256_storeu_si256((__m256i *)part, sum[0]);
    for (int k = 0; k < 4; k++)
        all += part[k];
    return all;
}
