/* SPDX-License-Identifier: MIT */
#include "core/base/half.h"

#include <math.h>
#include <string.h>

float qns_half_to_float(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    float f;
    if (exponent == 31)
        f = fraction ? NAN : INFINITY;
    else if (exponent)
        f = ldexpf((float)(fraction | 1024), exponent - 25);
    else
        f = ldexpf((float)fraction, -24);
    return h & 0x8000 ? -f : f;
}

/* q to the nearest even integer; 0 <= q < 2^52. */
static uint32_t round_even(double q)
{
    const double low = floor(q), rest = q - low;
    const uint32_t u = (uint32_t)low;
    return u + (rest > 0.5 || (rest == 0.5 && (u & 1)));
}

uint16_t qns_float_to_half(float f)
{
    const uint16_t sign = signbit(f) ? 0x8000 : 0;
    const double a = fabs((double)f);
    int e;
    if (isnan(f))
        return sign | 0x7e00;
    if (a >= 65520) /* half way between the largest half and the next that would be */
        return sign | 0x7c00;
    if (a < 0x1p-14) /* subnormal: steps of 2^-24; rounding up may give the smallest normal */
        return sign | (uint16_t)round_even(a * 0x1p24);
    frexp(a, &e); /* a = m * 2^e, 0.5 <= m < 1 */
    /* A fraction that rounds up to 2048 carries into the exponent, which is right. */
    const uint32_t fraction = round_even(ldexp(a, 11 - e));
    return sign | (uint16_t)((uint32_t)(e + 13) * 1024 + fraction);
}

float qns_bfloat_to_float(uint16_t h)
{
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t qns_float_to_bfloat(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return isnan(f) ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)(bits >> 16);
}
