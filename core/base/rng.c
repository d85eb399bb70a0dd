/* SPDX-License-Identifier: MIT */
#include "core/base/rng.h"

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

void qns_rng_seed(qns_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        r->s[i] = z ^ z >> 31;
    }
}

uint64_t qns_rng_next(qns_rng *r)
{
    uint64_t *s = r->s;
    const uint64_t out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

uint64_t qns_rng_below(qns_rng *r, uint64_t n)
{
    /* Values above the largest multiple of n would make the low results likelier. */
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do
        x = qns_rng_next(r);
    while (x >= limit);
    return x % n;
}

double qns_rng_unit(qns_rng *r)
{
    return (double)(qns_rng_next(r) >> 11) * 0x1p-53;
}
