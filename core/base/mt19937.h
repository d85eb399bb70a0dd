/* SPDX-License-Identifier: MIT */
/* The Mersenne Twister (Matsumoto and Nishimura, 1998), as numpy's RandomState draws from it. Only
 * for what is defined by it; everything else takes its numbers from rng.h. */
#ifndef QNS_MT19937_H
#define QNS_MT19937_H

#include <stdint.h>

enum { QNS_MT_WORDS = 624 };

typedef struct qns_mt {
    uint32_t s[QNS_MT_WORDS];
    uint32_t at; /* words of s that were drawn */
} qns_mt;

void qns_mt_seed(qns_mt *m, uint32_t seed);
uint32_t qns_mt_next(qns_mt *m);
/* Uniform in [0, 1), 53 bits. */
double qns_mt_unit(qns_mt *m);

#endif
