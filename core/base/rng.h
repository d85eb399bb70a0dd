/* SPDX-License-Identifier: MIT */
/* The only source of randomness: xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64. */
#ifndef QNS_RNG_H
#define QNS_RNG_H

#include <stdint.h>

typedef struct qns_rng {
    uint64_t s[4];
} qns_rng;

void qns_rng_seed(qns_rng *r, uint64_t seed);
uint64_t qns_rng_next(qns_rng *r);
/* Uniform in 0..n-1, n > 0, without bias. */
uint64_t qns_rng_below(qns_rng *r, uint64_t n);
/* Uniform in [0, 1). */
double qns_rng_unit(qns_rng *r);

#endif
