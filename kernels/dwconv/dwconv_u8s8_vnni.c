/* SPDX-License-Identifier: MIT */
/* AVX-512 VNNI: four taps of 64 channels are interleaved byte by byte, codes and weights alike;
 * then vpdpbusd gives the four products of a channel, added in 32 bits. The interleaving works
 * within 128-bit lanes, so sum[i] holds channels 4i..4i+3 of every 16; the store sorts them. */
#include "kernels/dwconv/dwconv.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 64 };

/* x[t] = tap t of 64 channels -> x[i]: lane l has channels 16 l + 4 i + 0..3, 4 taps each */
INLINE void interleave(__m512i x[4])
{
    const __m512i p0 = _mm512_unpacklo_epi8(x[0], x[1]), p1 = _mm512_unpackhi_epi8(x[0], x[1]);
    const __m512i q0 = _mm512_unpacklo_epi8(x[2], x[3]), q1 = _mm512_unpackhi_epi8(x[2], x[3]);

    x[0] = _mm512_unpacklo_epi16(p0, q0);
    x[1] = _mm512_unpackhi_epi16(p0, q0);
    x[2] = _mm512_unpacklo_epi16(p1, q1);
    x[3] = _mm512_unpackhi_epi16(p1, q1);
}

/* 4 x 4 transposition of 128-bit lanes: out[l] = lane l of sum[0], sum[1], sum[2], sum[3] */
INLINE void store(int32_t *acc, const __m512i sum[4], size_t width)
{
    const __m512i t0 = _mm512_shuffle_i32x4(sum[0], sum[1], 0x44); /* 0.0 0.1 1.0 1.1 */
    const __m512i t1 = _mm512_shuffle_i32x4(sum[2], sum[3], 0x44);
    const __m512i t2 = _mm512_shuffle_i32x4(sum[0], sum[1], 0xee); /* 0.2 0.3 1.2 1.3 */
    const __m512i t3 = _mm512_shuffle_i32x4(sum[2], sum[3], 0xee);
    const __m512i out[4] = {_mm512_shuffle_i32x4(t0, t1, 0x88), _mm512_shuffle_i32x4(t0, t1, 0xdd),
                            _mm512_shuffle_i32x4(t2, t3, 0x88), _mm512_shuffle_i32x4(t2, t3, 0xdd)};

    for (size_t l = 0; l < 4 && l * 16 < width; l++) {
        const size_t left = width - l * 16;
        const __mmask16 mask = left >= 16 ? 0xffff : (__mmask16)(0xffffu >> (16 - left));
        _mm512_mask_storeu_epi32(acc + l * 16, mask, out[l]);
    }
}

static void block(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                  size_t n, size_t c)
{
    const size_t width = n - c < STEP ? n - c : STEP;
    const __mmask64 mask = ~(__mmask64)0 >> (STEP - width);
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};

    for (size_t t = 0; t < n_taps; t += 4) {
        const size_t left = n_taps - t;
        __m512i a[4], b[4];
        for (size_t i = 0; i < 4; i++) {
            const __mmask64 m = i < left ? mask : 0;
            const size_t tap = i < left ? t + i : t;
            a[i] = _mm512_maskz_loadu_epi8(m, taps[tap] + c);
            b[i] = _mm512_maskz_loadu_epi8(m, w + tap * n + c);
        }
        interleave(a);
        interleave(b);
        for (size_t i = 0; i < 4; i++)
            sum[i] = _mm512_dpbusd_epi32(sum[i], a[i], b[i]);
    }
    store(acc + c, sum, width);
}

void qk_dwconv_u8s8__vnni(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n)
{
    for (size_t c = 0; c < n; c += STEP)
        block(acc, taps, n_taps, w, n, c);
}
