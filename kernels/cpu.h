/* SPDX-License-Identifier: MIT */
/* What the machine can do. */
#ifndef QK_CPU_H
#define QK_CPU_H

enum {
    QK_CPU_AVX2 = 1, /* with FMA */
    QK_CPU_VNNI = 2, /* AVX-512 F, BW, VL, DQ and VNNI */
    QK_CPU_NEON = 4
};

unsigned qk_cpu_detect(void);
/* "avx2+vnni" or "scalar" */
const char *qk_cpu_text(unsigned bits);

#endif
