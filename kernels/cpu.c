/* SPDX-License-Identifier: MIT */
/* What the machine can do. An instruction set counts only if the processor has it and the operating
 * system saves its registers (XCR0); the second is what a bare CPUID check misses. */
#include "kernels/cpu.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* XCR0: 1 SSE, 2 AVX, 5 opmask, 6 upper halves of zmm0-15, 7 zmm16-31, 17 and 18 tiles */
#define XCR0_AVX    0x06u
#define XCR0_AVX512 0xe6u
#define XCR0_TILES  0x60000u

static uint32_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

/* Linux saves the 8 KiB of tiles only for processes that have asked for it. */
static bool may_use_tiles(void)
{
#if defined(__linux__)
    const long request_permission = 0x1023, tile_data = 18; /* asm/prctl.h of newer kernels */
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

static unsigned detect(void)
{
    const unsigned tiles = 1u << 24 | 1u << 25; /* AMX-TILE, AMX-INT8 */
    const unsigned ecx1 = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C;
    const unsigned ebx7 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    unsigned a, b, c, d, bits = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & ecx1) != ecx1)
        return 0;
    const uint32_t xcr0 = read_xcr0();
    if ((xcr0 & XCR0_AVX) != XCR0_AVX || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    if (b & bit_AVX2)
        bits |= QK_CPU_AVX2;
    if (bits && (xcr0 & XCR0_AVX512) == XCR0_AVX512 && (b & ebx7) == ebx7 && (c & bit_AVX512VNNI))
        bits |= QK_CPU_VNNI | (c & bit_AVX512VBMI ? QK_CPU_VBMI : 0);
    if (bits & QK_CPU_VNNI && (xcr0 & XCR0_TILES) == XCR0_TILES && (d & tiles) == tiles &&
        may_use_tiles())
        bits |= QK_CPU_AMX;
    return bits;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

static unsigned detect(void)
{
    const unsigned long dot_product = 1ul << 20; /* HWCAP_ASIMDDP */

    /* NEON is part of the base architecture. */
    return QK_CPU_NEON | (getauxval(AT_HWCAP) & dot_product ? QK_CPU_NEONDOT : 0);
}

#else

static unsigned detect(void)
{
    return 0;
}

#endif

unsigned qk_cpu_detect(void)
{
    enum { KNOWN = 1 << 16 };
    static atomic_uint cached;

    unsigned bits = atomic_load_explicit(&cached, memory_order_relaxed);
    if (!bits) {
        bits = detect() | KNOWN;
        atomic_store_explicit(&cached, bits, memory_order_relaxed);
    }
    return bits & ~(unsigned)KNOWN;
}

const char *qk_cpu_text(unsigned bits)
{
    static const struct {
        unsigned bits;
        const char *text;
    } known[] = {{0, "scalar"},
                 {QK_CPU_AVX2, "avx2"},
                 {QK_CPU_AVX2 | QK_CPU_VNNI, "avx2+vnni"},
                 {QK_CPU_AVX2 | QK_CPU_VNNI | QK_CPU_VBMI, "avx2+vnni+vbmi"},
                 {QK_CPU_AVX2 | QK_CPU_VNNI | QK_CPU_VBMI | QK_CPU_AMX, "avx2+vnni+vbmi+amx"},
                 {QK_CPU_NEON, "neon"},
                 {QK_CPU_NEON | QK_CPU_NEONDOT, "neon+neondot"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].bits == bits)
            return known[i].text;
    return "unusual"; /* a mask that no machine has */
}

bool qk_cpu_mask_of(unsigned *mask, const char *word)
{
    static const struct {
        const char *word;
        unsigned mask;
    } known[] = {{"scalar", 0},
                 {"avx2", QK_CPU_AVX2},
                 {"vnni", QK_CPU_AVX2 | QK_CPU_VNNI},
                 {"neon", QK_CPU_NEON},
                 {"all", ~0u}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].word, word) == 0) {
            *mask = known[i].mask;
            return true;
        }
    return false;
}
