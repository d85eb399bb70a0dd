/* SPDX-License-Identifier: MIT */
/* The loops that measure peaks run, and the reading ones read all they are given. */
#include "kernels/cpu.h"
#include "kernels/peak/peak.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(peak, loops_run)
{
    size_t n;
    const qk_peak *p = qk_peaks(&n);

    for (size_t i = 0; i < n; i++) {
        cr_assert(p[i].ops > 0, "%s", p[i].name);
        if ((p[i].cpu & qk_cpu_detect()) == p[i].cpu)
            p[i].run(3);
    }
}

Test(peak, every_word_is_read)
{
    static const unsigned masks[] = {0, QK_CPU_AVX2, ~0u};
    enum { WORDS = 4096 / 8 };
    uint64_t *x = aligned_alloc(64, WORDS * sizeof *x), sum = 0;

    cr_assert(x != NULL);
    for (uint64_t i = 0; i < WORDS; i++)
        sum += x[i] = i * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        cr_assert_eq(qk_peak_read(x, WORDS * sizeof *x, masks[i]), sum, "mask %x", masks[i]);
    free(x);
}
