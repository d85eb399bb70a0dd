/* SPDX-License-Identifier: MIT */
#include "core/base/mt19937.h"

enum { SHIFT = 397 };

void qns_mt_seed(qns_mt *m, uint32_t seed)
{
    m->s[0] = seed;
    for (uint32_t i = 1; i < QNS_MT_WORDS; i++)
        m->s[i] = 1812433253u * (m->s[i - 1] ^ m->s[i - 1] >> 30) + i;
    m->at = QNS_MT_WORDS;
}

static void twist(qns_mt *m)
{
    for (uint32_t i = 0; i < QNS_MT_WORDS; i++) {
        const uint32_t low = m->s[(i + 1) % QNS_MT_WORDS];
        const uint32_t y = (m->s[i] & 0x80000000u) | (low & 0x7fffffffu);
        m->s[i] = m->s[(i + SHIFT) % QNS_MT_WORDS] ^ y >> 1 ^ (low & 1 ? 0x9908b0dfu : 0);
    }
    m->at = 0;
}

uint32_t qns_mt_next(qns_mt *m)
{
    if (m->at == QNS_MT_WORDS)
        twist(m);
    uint32_t y = m->s[m->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

double qns_mt_unit(qns_mt *m)
{
    const uint32_t high = qns_mt_next(m) >> 5, low = qns_mt_next(m) >> 6;
    return ((double)high * 0x1p26 + (double)low) / 0x1p53;
}
