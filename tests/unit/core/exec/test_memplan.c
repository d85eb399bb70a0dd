/* SPDX-License-Identifier: MIT */
#include "core/base/rng.h"
#include "core/exec/memplan.h"

#include <criterion/criterion.h>

static bool alive_together(const qns_block *a, const qns_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

Test(memplan, blocks_alive_together_never_share_memory)
{
    enum { N = 60 };
    qns_rng r;
    qns_rng_seed(&r, 7);
    for (int round = 0; round < 200; round++) {
        qns_block b[N];
        size_t total = 0, sum = 0;
        for (int i = 0; i < N; i++) {
            const uint32_t first = (uint32_t)qns_rng_below(&r, 40);
            b[i] = (qns_block){qns_rng_below(&r, 5000), first,
                               first + (uint32_t)qns_rng_below(&r, 10), 1};
            sum += b[i].size + 80;
        }
        cr_assert_eq(qns_memplan(b, N, &total, NULL), QNS_OK);
        cr_assert_leq(total, sum, "reuse must not cost memory");
        for (int i = 0; i < N; i++) {
            cr_assert_eq(b[i].offset % 64, 0);
            cr_assert_leq(b[i].offset + b[i].size, total);
            for (int k = 0; k < i; k++)
                if (alive_together(&b[i], &b[k]))
                    cr_assert(b[i].offset + b[i].size <= b[k].offset ||
                              b[k].offset + b[k].size <= b[i].offset);
        }
    }
}

Test(memplan, a_chain_needs_two_buffers)
{
    qns_block b[10];
    size_t total;
    for (uint32_t i = 0; i < 10; i++)
        b[i] = (qns_block){1000, i, i + 1, 0};
    cr_assert_eq(qns_memplan(b, 10, &total, NULL), QNS_OK);
    cr_assert_leq(total, 2 * 1100);
}

Test(memplan, nothing_needs_nothing)
{
    size_t total = 1;
    cr_assert_eq(qns_memplan(NULL, 0, &total, NULL), QNS_OK);
    cr_assert_eq(total, 0);
}
