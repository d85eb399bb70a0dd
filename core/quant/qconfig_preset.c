/* SPDX-License-Identifier: MIT */
/* Ready-made settings by PyTorch's names (spec section 3.3). */
#include "core/base/mem.h"
#include "core/quant/qconfig_set.h"

#include <string.h>

enum { DEFAULT_BINS = 2048 };
#define DEFAULT_MOMENTUM 0.01F
#define DEFAULT_EPS      0x1p-23F
#define SYMMETRIC_EPS    0x1p-12F

typedef enum row_kind {
    REDUCED = 1,     /* activations 0..127: no pair of products can saturate (spec section 4.1) */
    PER_CHANNEL = 2, /* weights */
    NARROW = 4,      /* weights -127..127, eps 2^-12 for both */
    AVERAGE = 8      /* weights by the moving average; one look at a weight is its minmax */
} row_kind;

typedef struct preset_row {
    const char *name;
    const qns_observer *act;
    unsigned kind;
} preset_row;

#define HISTOGRAM &qns_obs_histogram
#define EMA       &qns_obs_ema
#define MINMAX    &qns_obs_minmax

/* onednn does not reduce: its kernels add in 32 bits. The int8 activations of the symmetric presets
 * are kept as uint8 with a zero point that is greater by 128: the same numbers. */
static const preset_row rows[] = {
    {"fbgemm", HISTOGRAM, REDUCED | PER_CHANNEL},
    {"x86", HISTOGRAM, REDUCED | PER_CHANNEL},
    {"onednn", HISTOGRAM, PER_CHANNEL},
    {"qnnpack", HISTOGRAM, 0},
    {"default", MINMAX, REDUCED},
    {"default_per_channel", MINMAX, REDUCED | PER_CHANNEL},
    {"symmetric_qnnpack", HISTOGRAM, NARROW},
    {"per_channel_symmetric_qnnpack", HISTOGRAM, NARROW | PER_CHANNEL},
    {"default_qat", EMA, REDUCED | AVERAGE},
    {"fbgemm_qat", EMA, REDUCED | PER_CHANNEL | AVERAGE},
    {"x86_qat", EMA, REDUCED | PER_CHANNEL | AVERAGE},
    {"onednn_qat", EMA, PER_CHANNEL | AVERAGE},
    {"qnnpack_qat", EMA, AVERAGE},
    {"symmetric_qnnpack_qat", EMA, NARROW | AVERAGE},
    {"per_channel_symmetric_qnnpack_qat", EMA, NARROW | PER_CHANNEL | AVERAGE},
};

static const char *const preset_names[] = {"fbgemm",
                                           "x86",
                                           "onednn",
                                           "qnnpack",
                                           "default",
                                           "default_per_channel",
                                           "symmetric_qnnpack",
                                           "per_channel_symmetric_qnnpack",
                                           "default_qat",
                                           "fbgemm_qat",
                                           "x86_qat",
                                           "onednn_qat",
                                           "qnnpack_qat",
                                           "symmetric_qnnpack_qat",
                                           "per_channel_symmetric_qnnpack_qat",
                                           NULL};

/* Names of PyTorch's objects. */
static const struct {
    const char *name, *is;
} aliases[] = {
    {"default_qconfig", "default"},
    {"default_per_channel_qconfig", "default_per_channel"},
    {"default_symmetric_qnnpack_qconfig", "symmetric_qnnpack"},
    {"default_per_channel_symmetric_qnnpack_qconfig", "per_channel_symmetric_qnnpack"},
    {"default_qat_qconfig", "default_qat"},
    {"default_qat_qconfig_v2", "default_qat"},
    {"default_symmetric_qnnpack_qat_qconfig", "symmetric_qnnpack_qat"},
    {"default_per_channel_symmetric_qnnpack_qat_qconfig", "per_channel_symmetric_qnnpack_qat"},
};

static const struct {
    const char *name, *why;
} refused[] = {
    {"default_dynamic_qconfig", "it quantizes activations while the model runs"},
    {"per_channel_dynamic_qconfig", "it quantizes activations while the model runs"},
    {"default_dynamic_qat_qconfig", "it quantizes activations while the model runs"},
    {"float16_dynamic_qconfig", "its weights are float16"},
    {"float16_static_qconfig", "its tensors are float16"},
    {"float_qparams_weight_only_qconfig", "it quantizes weights of embeddings only"},
    {"float_qparams_weight_only_qconfig_4bit", "it quantizes weights of embeddings only"},
    {"default_embedding_qat_qconfig", "it quantizes weights of embeddings only"},
    {"default_embedding_qat_qconfig_4bit", "it quantizes weights of embeddings only"},
    {"default_weight_only_qconfig", "it leaves activations in float"},
    {"default_activation_only_qconfig", "it leaves weights in float"},
    {"default_debug_qconfig", "it records activations; 'qns capture' does that"},
    {"default_reuse_input_qconfig", "operators that pass codes on share observers by themselves"},
};

const char *const *qns_qconfig_presets(void)
{
    return preset_names;
}

const char *qns_qconfig_preset_refusal(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(refused); i++)
        if (strcmp(refused[i].name, name) == 0)
            return refused[i].why;
    return NULL;
}

bool qns_obs_spec_reduced(const qns_obs_spec *s)
{
    return s->range.qmax - s->range.qmin < 128;
}

bool qns_obs_spec_narrow(const qns_obs_spec *s)
{
    return s->range.dtype == QNS_I8 && s->range.qmin % 2 && s->range.qmin == -s->range.qmax;
}

void qns_obs_spec_set_range(qns_obs_spec *s, qns_dtype dtype, bool reduced, bool narrow)
{
    const int32_t hi = qns_dtype_max(dtype);
    const int32_t lo = narrow && dtype == QNS_I8 ? -hi : qns_dtype_min(dtype);
    s->range.dtype = dtype;
    s->range.qmin = reduced ? (narrow ? -(hi / 2) : lo / 2) : lo;
    s->range.qmax = reduced ? hi / 2 : hi;
}

static void fill(qns_qconfig *out, const preset_row *r)
{
    const bool narrow = r->kind & NARROW;
    const float eps = narrow ? SYMMETRIC_EPS : DEFAULT_EPS;
    *out = (qns_qconfig){.quantize = true};
    out->act = (qns_obs_spec){.observer = r->act,
                              .bins = DEFAULT_BINS,
                              .momentum = DEFAULT_MOMENTUM,
                              .percentile = QNS_DEFAULT_PERCENTILE,
                              .range = {.eps = eps}};
    qns_obs_spec_set_range(&out->act, QNS_U8, r->kind & REDUCED, false);
    out->weight = (qns_obs_spec){.observer = r->kind & AVERAGE ? EMA : MINMAX,
                                 .bins = DEFAULT_BINS,
                                 .momentum = DEFAULT_MOMENTUM,
                                 .percentile = QNS_DEFAULT_PERCENTILE,
                                 .range = {.symmetric = true, .eps = eps},
                                 .per_channel = r->kind & PER_CHANNEL};
    qns_obs_spec_set_range(&out->weight, QNS_I8, false, narrow);
}

bool qns_qconfig_preset(qns_qconfig *out, const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(aliases); i++)
        if (strcmp(aliases[i].name, name) == 0)
            name = aliases[i].is;
    for (size_t i = 0; i < QNS_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0) {
            fill(out, &rows[i]);
            return true;
        }
    return false;
}
