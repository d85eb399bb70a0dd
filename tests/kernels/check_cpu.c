/* SPDX-License-Identifier: MIT */
/* Masks, names and the table. */
#include "check.h"

#include "kernels/cpu.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

Test(cpu, text)
{
    cr_assert_str_eq(qk_cpu_text(0), "scalar");
    cr_assert_str_eq(qk_cpu_text(QK_CPU_AVX2), "avx2");
    cr_assert_str_eq(qk_cpu_text(QK_CPU_AVX2 | QK_CPU_VNNI), "avx2+vnni");
    cr_assert_str_eq(qk_cpu_text(QK_CPU_NEON), "neon");
    cr_assert_str_eq(qk_cpu_text(QK_CPU_AVX2 | QK_CPU_VNNI | QK_CPU_VBMI), "avx2+vnni+vbmi");
    cr_assert_str_eq(qk_cpu_text(QK_CPU_AVX2 | QK_CPU_VNNI | QK_CPU_VBMI | QK_CPU_AMX),
                     "avx2+vnni+vbmi+amx");
}

Test(cpu, detection_is_stable_and_ordered)
{
    const unsigned bits = qk_cpu_detect();

    cr_assert_eq(bits, qk_cpu_detect());
    cr_assert(!(bits & QK_CPU_VNNI) || (bits & QK_CPU_AVX2));
    cr_assert(!(bits & QK_CPU_AMX) || (bits & QK_CPU_VNNI));
    cr_assert(!(bits & QK_CPU_VBMI) || (bits & QK_CPU_VNNI));
    cr_assert(!(bits & QK_CPU_NEONDOT) || (bits & QK_CPU_NEON));
    cr_assert(!(bits & QK_CPU_NEON) || !(bits & QK_CPU_AVX2));
}

Test(cpu, words)
{
    unsigned mask = 77;

    cr_assert(qk_cpu_mask_of(&mask, "vnni"));
    cr_assert_eq(mask, QK_CPU_AVX2 | QK_CPU_VNNI);
    cr_assert(qk_cpu_mask_of(&mask, "scalar"));
    cr_assert_eq(mask, 0);
    cr_assert(!qk_cpu_mask_of(&mask, "avx3"));
    cr_assert_eq(mask, 0);
}

/* Every member is a function, for every mask; bits the machine lacks change nothing. */
Test(cpu, table_is_full)
{
    for (unsigned mask = 0; mask < 64; mask++) {
        qk_table t, capped;
        void (*member)(void);

        qk_table_init(&t, mask);
        qk_table_init(&capped, mask & qk_cpu_detect());
        cr_assert_eq(memcmp(&t, &capped, sizeof t), 0);
        for (size_t at = 0; at < sizeof t; at += sizeof member) {
            memcpy(&member, (const char *)&t + at, sizeof member);
            cr_assert(member != NULL, "mask %u, member %zu", mask, at / sizeof member);
        }
    }
}

Test(cpu, mask_is_obeyed)
{
    qk_table scalar, best;

    qk_table_init(&scalar, 0);
    qk_table_init(&best, ~0u);
    if (qk_cpu_detect())
        cr_assert(scalar.gemm_u8s8 != best.gemm_u8s8);
    else
        cr_assert(scalar.gemm_u8s8 == best.gemm_u8s8);
}
