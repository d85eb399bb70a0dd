/* SPDX-License-Identifier: MIT */
/* What the machine can do. */
#ifndef QK_CPU_H
#define QK_CPU_H

#include <stdbool.h>

enum {
    QK_CPU_AVX2 = 1, /* with FMA */
    QK_CPU_VNNI = 2, /* AVX-512 F, BW, VL, DQ and VNNI */
    QK_CPU_NEON = 4,
    QK_CPU_AMX = 8,      /* tiles of int8, granted to this process; VNNI is there, too */
    QK_CPU_NEONDOT = 16, /* dot products of ARMv8.2; NEON is there, too */
    QK_CPU_VBMI = 32     /* AVX-512 VBMI: bytes from anywhere; VNNI is there, too */
};

unsigned qk_cpu_detect(void);
/* "avx2+vnni" or "scalar" */
const char *qk_cpu_text(unsigned bits);
/* The mask of "scalar", "avx2", "vnni" (AVX2 and AVX-512), "neon" or "all"; false for another word.
 */
bool qk_cpu_mask_of(unsigned *mask, const char *word);

#endif
