/* SPDX-License-Identifier: MIT */
/* Plain C first, then what the build, the machine and the mask allow, each over the ones before.
 * This is the only place that knows which variants exist: a new one is a line here, and
 * tests/kernels finds it by its pointer. */
#include "kernels/conv/conv_tile.h"
#include "kernels/cpu.h"
#include "kernels/dwconv/dwconv.h"
#include "kernels/dwconv/dwline.h"
#include "kernels/eltwise/eltwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "kernels/pairs/pairs.h"
#include "kernels/pool/pool_taps.h"
#include "kernels/quantize/quantize.h"
#include "kernels/reduce/reduce.h"
#include "kernels/requant/requant.h"
#include "kernels/transpose/transpose.h"

static void init_scalar(qk_table *t)
{
    *t = (qk_table){
        .gemm_u8s8 = qk_gemm_u8s8__c,
        .requant = qk_requant__c,
        .conv_u8s8 = qk_conv_u8s8__c,
        .conv_u8s8_scratch = qk_conv_u8s8_scratch__c,
        .conv_u8s8_even = qk_conv_u8s8_even__c,
        .conv_u8s8_notes = qk_conv_notes__c,
        .dwconv_u8s8 = qk_dwconv_u8s8__c,
        .dwline_u8s8 = qk_dwline_u8s8__c,
        .gemm_u8s8_pairs = qk_gemm_u8s8_pairs__c,
        .dwconv_u8s8_pairs = qk_dwconv_u8s8_pairs__c,
        .gemm_f32 = qk_gemm_f32__c,
        .dwconv_f32 = qk_dwconv_f32__c,
        .quantize_u8 = qk_quantize_u8__c,
        .quantize_s8 = qk_quantize_s8__c,
        .dequantize_u8 = qk_dequantize_u8__c,
        .dequantize_s8 = qk_dequantize_s8__c,
        .dequantize_wide_u8 = qk_dequantize_wide_u8__c,
        .dequantize_wide_s8 = qk_dequantize_wide_s8__c,
        .add_u8 = qk_add_u8__c,
        .add_u8_fixed = qk_add_u8_fixed__c,
        .max_u8 = qk_max_u8__c,
        .max_s8 = qk_max_s8__c,
        .max_f32 = qk_max_f32__c,
        .sum_u8 = qk_sum_u8__c,
        .lut_u8 = qk_lut_u8__c,
        .clamp_u8 = qk_clamp_u8__c,
        .clamp_s8 = qk_clamp_s8__c,
        .minmax_f32 = qk_minmax_f32__c,
        .bin_f32 = qk_bin_f32__c,
        .transpose_b1 = qk_transpose_b1__c,
        .transpose_b4 = qk_transpose_b4__c,
        .pair_f32 = qk_pair_f32__c,
        .pair_codes = qk_pair_codes__c,
        .outside_f32 = qk_outside_f32__c,
    };
}

#if defined(QK_HAVE_AVX2)
static void init_avx2(qk_table *t)
{
    t->gemm_u8s8 = qk_gemm_u8s8__avx2;
    t->requant = qk_requant__avx2;
    t->conv_u8s8 = qk_conv_u8s8__avx2;
    t->conv_u8s8_scratch = qk_conv_u8s8_scratch__avx2;
    t->conv_u8s8_notes = qk_conv_notes__avx2;
    t->dwconv_u8s8 = qk_dwconv_u8s8__avx2;
    t->dwline_u8s8 = qk_dwline_u8s8__avx2;
    t->gemm_f32 = qk_gemm_f32__avx2;
    t->dwconv_f32 = qk_dwconv_f32__avx2;
    t->quantize_u8 = qk_quantize_u8__avx2;
    t->quantize_s8 = qk_quantize_s8__avx2;
    t->dequantize_u8 = qk_dequantize_u8__avx2;
    t->dequantize_s8 = qk_dequantize_s8__avx2;
    t->dequantize_wide_u8 = qk_dequantize_wide_u8__avx2;
    t->dequantize_wide_s8 = qk_dequantize_wide_s8__avx2;
    t->add_u8 = qk_add_u8__avx2;
    t->add_u8_fixed = qk_add_u8_fixed__avx2;
    t->max_u8 = qk_max_u8__avx2;
    t->max_s8 = qk_max_s8__avx2;
    t->max_f32 = qk_max_f32__avx2;
    t->sum_u8 = qk_sum_u8__avx2;
    t->clamp_u8 = qk_clamp_u8__avx2;
    t->clamp_s8 = qk_clamp_s8__avx2;
    t->minmax_f32 = qk_minmax_f32__avx2;
    t->bin_f32 = qk_bin_f32__avx2;
    t->transpose_b1 = qk_transpose_b1__avx2;
    t->transpose_b4 = qk_transpose_b4__avx2;
    t->pair_f32 = qk_pair_f32__avx2;
    t->pair_codes = qk_pair_codes__avx2;
    t->outside_f32 = qk_outside_f32__avx2;
}
#endif

#if defined(QK_HAVE_VNNI)
static void init_vnni(qk_table *t)
{
    t->transpose_b1 = qk_transpose_b1__vnni;
    t->gemm_u8s8 = qk_gemm_u8s8__vnni;
    t->requant = qk_requant__vnni;
    t->conv_u8s8 = qk_conv_u8s8__vnni;
    t->conv_u8s8_notes = qk_conv_notes__c;
    t->conv_u8s8_scratch = qk_conv_u8s8_scratch__c;
    t->dwconv_u8s8 = qk_dwconv_u8s8__vnni;
    t->dwline_u8s8 = qk_dwline_u8s8__vnni;
    t->gemm_f32 = qk_gemm_f32__vnni;
    t->dwconv_f32 = qk_dwconv_f32__vnni;
    t->quantize_u8 = qk_quantize_u8__vnni;
    t->quantize_s8 = qk_quantize_s8__vnni;
    t->dequantize_u8 = qk_dequantize_u8__vnni;
    t->dequantize_s8 = qk_dequantize_s8__vnni;
    t->dequantize_wide_u8 = qk_dequantize_wide_u8__vnni;
    t->dequantize_wide_s8 = qk_dequantize_wide_s8__vnni;
    t->add_u8 = qk_add_u8__vnni;
    t->add_u8_fixed = qk_add_u8_fixed__vnni;
    t->max_u8 = qk_max_u8__vnni;
    t->max_s8 = qk_max_s8__vnni;
    t->max_f32 = qk_max_f32__vnni;
    t->sum_u8 = qk_sum_u8__vnni;
    t->minmax_f32 = qk_minmax_f32__vnni;
    t->bin_f32 = qk_bin_f32__vnni;
    t->pair_f32 = qk_pair_f32__vnni;
    t->pair_codes = qk_pair_codes__vnni;
    t->outside_f32 = qk_outside_f32__vnni;
}
#endif

#if defined(QK_HAVE_VBMI)
static void init_vbmi(qk_table *t)
{
    t->lut_u8 = qk_lut_u8__vbmi;
}
#endif

#if defined(QK_HAVE_AMX)
static void init_amx(qk_table *t)
{
    t->conv_u8s8 = qk_conv_u8s8__amx;
    t->conv_u8s8_even = qk_conv_u8s8_even__amx;
    t->conv_u8s8_scratch = qk_conv_u8s8_scratch__amx;
}
#endif

#if defined(QK_HAVE_NEON)
static void init_neon(qk_table *t)
{
    t->gemm_u8s8 = qk_gemm_u8s8__neon;
    t->requant = qk_requant__neon;
    t->conv_u8s8 = qk_conv_u8s8__neon;
    t->conv_u8s8_scratch = qk_conv_u8s8_scratch__neon;
    t->dwconv_u8s8 = qk_dwconv_u8s8__neon;
    t->dwline_u8s8 = qk_dwline_u8s8__neon;
    t->gemm_f32 = qk_gemm_f32__neon;
    t->dwconv_f32 = qk_dwconv_f32__neon;
    t->quantize_u8 = qk_quantize_u8__neon;
    t->quantize_s8 = qk_quantize_s8__neon;
    t->dequantize_u8 = qk_dequantize_u8__neon;
    t->dequantize_s8 = qk_dequantize_s8__neon;
    t->dequantize_wide_u8 = qk_dequantize_wide_u8__neon;
    t->dequantize_wide_s8 = qk_dequantize_wide_s8__neon;
    t->add_u8 = qk_add_u8__neon;
    t->add_u8_fixed = qk_add_u8_fixed__neon;
    t->max_u8 = qk_max_u8__neon;
    t->max_s8 = qk_max_s8__neon;
    t->max_f32 = qk_max_f32__neon;
    t->sum_u8 = qk_sum_u8__neon;
    t->clamp_u8 = qk_clamp_u8__neon;
    t->clamp_s8 = qk_clamp_s8__neon;
    t->lut_u8 = qk_lut_u8__neon;
    t->minmax_f32 = qk_minmax_f32__neon;
    t->bin_f32 = qk_bin_f32__neon;
    t->transpose_b1 = qk_transpose_b1__neon;
    t->transpose_b4 = qk_transpose_b4__neon;
    t->pair_f32 = qk_pair_f32__neon;
    t->pair_codes = qk_pair_codes__neon;
    t->outside_f32 = qk_outside_f32__neon;
}

static void init_neondot(qk_table *t)
{
    t->gemm_u8s8 = qk_gemm_u8s8__neondot;
    t->conv_u8s8 = qk_conv_u8s8__neondot;
}
#endif

void qk_table_init(qk_table *t, unsigned mask)
{
    mask &= qk_cpu_detect();
    init_scalar(t);
#if defined(QK_HAVE_AVX2)
    if (mask & QK_CPU_AVX2)
        init_avx2(t);
#endif
#if defined(QK_HAVE_VNNI)
    if (mask & QK_CPU_VNNI)
        init_vnni(t);
#endif
#if defined(QK_HAVE_VBMI)
    if (mask & QK_CPU_VBMI)
        init_vbmi(t);
#endif
#if defined(QK_HAVE_AMX)
    if (mask & QK_CPU_AMX)
        init_amx(t);
#endif
#if defined(QK_HAVE_NEON)
    if (mask & QK_CPU_NEON)
        init_neon(t);
    if (mask & QK_CPU_NEONDOT)
        init_neondot(t);
#endif
    (void)mask;
}
