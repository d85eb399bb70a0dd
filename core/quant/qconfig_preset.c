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
    REDUCED = 1,       /* activations 0..127: no pair of products can saturate (spec section 4.1) */
    PER_CHANNEL = 2,   /* weights */
    NARROW = 4,        /* weights -127..127, eps 2^-12 for both */
    AVERAGE = 8,       /* weights by the moving average; one look at a weight is its minmax */
    DYNAMIC = 16,      /* activations: the placeholder is dynamic */
    HALF = 32,         /* activations and weights: placeholders for float16 */
    PLAIN = 64,        /* activations: a placeholder for float32 */
    PLAIN_WEIGHT = 128 /* weights: the same */
} row_kind;

typedef struct preset_row {
    const char *name;
    const qns_observer *act;
    unsigned kind;
} preset_row;

#define HISTOGRAM &qns_obs_histogram
#define EMA       &qns_obs_ema
#define MINMAX    &qns_obs_minmax
#define HOLD      &qns_obs_placeholder

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
    {"default_qat_v2", EMA, AVERAGE},
    {"fbgemm_qat", EMA, REDUCED | PER_CHANNEL | AVERAGE},
    {"x86_qat", EMA, REDUCED | PER_CHANNEL | AVERAGE},
    {"onednn_qat", EMA, PER_CHANNEL | AVERAGE},
    {"qnnpack_qat", EMA, AVERAGE},
    {"symmetric_qnnpack_qat", EMA, NARROW | AVERAGE},
    {"per_channel_symmetric_qnnpack_qat", EMA, NARROW | PER_CHANNEL | AVERAGE},
    {"dynamic", HOLD, DYNAMIC},
    {"per_channel_dynamic", HOLD, DYNAMIC | PER_CHANNEL},
    {"float16-dynamic", HOLD, DYNAMIC | HALF},
    {"float16-static", HOLD, HALF},
    {"weight_only", HOLD, PLAIN | AVERAGE},
    {"activation_only", EMA, REDUCED | PLAIN_WEIGHT},
    {"debug", &qns_obs_recording, 0},
    {"reuse_input", &qns_obs_reuse_input, 0},
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
                                           "default_qat_v2",
                                           "fbgemm_qat",
                                           "x86_qat",
                                           "onednn_qat",
                                           "qnnpack_qat",
                                           "symmetric_qnnpack_qat",
                                           "per_channel_symmetric_qnnpack_qat",
                                           "dynamic",
                                           "per_channel_dynamic",
                                           "float16-dynamic",
                                           "float16-static",
                                           "weight_only",
                                           "activation_only",
                                           "debug",
                                           "reuse_input",
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
    {"default_qat_qconfig_v2", "default_qat_v2"},
    {"default_symmetric_qnnpack_qat_qconfig", "symmetric_qnnpack_qat"},
    {"default_per_channel_symmetric_qnnpack_qat_qconfig", "per_channel_symmetric_qnnpack_qat"},
    {"default_dynamic_qconfig", "dynamic"},
    {"default_dynamic_qat_qconfig", "dynamic"}, /* trained as it will run */
    {"per_channel_dynamic_qconfig", "per_channel_dynamic"},
    {"float16_dynamic_qconfig", "float16-dynamic"},
    {"float16_static_qconfig", "float16-static"},
    {"default_weight_only_qconfig", "weight_only"},
    {"default_activation_only_qconfig", "activation_only"},
    {"default_debug_qconfig", "debug"},
    {"default_reuse_input_qconfig", "reuse_input"},
};

static const struct {
    const char *name, *why;
} refused[] = {
    {"float_qparams_weight_only_qconfig",
     "it is for embeddings, which stay float in models; core/ops/embedding.h packs them"},
    {"float_qparams_weight_only_qconfig_4bit",
     "it is for embeddings, which stay float in models; core/ops/embedding.h packs them"},
    {"default_embedding_qat_qconfig",
     "it is for embeddings, which stay float in models; core/ops/embedding.h packs them"},
    {"default_embedding_qat_qconfig_4bit",
     "it is for embeddings, which stay float in models; core/ops/embedding.h packs them"},
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
                              .range = {.eps = eps},
                              .dtype = r->kind & HALF    ? QNS_F16
                                       : r->kind & PLAIN ? QNS_F32
                                                         : QNS_U8,
                              .dynamic = r->kind & DYNAMIC};
    qns_obs_spec_set_range(&out->act, QNS_U8, r->kind & REDUCED, false);
    out->weight = (qns_obs_spec){.observer = r->kind & (HALF | PLAIN_WEIGHT) ? HOLD
                                             : r->kind & AVERAGE             ? EMA
                                                                             : MINMAX,
                                 .bins = DEFAULT_BINS,
                                 .momentum = DEFAULT_MOMENTUM,
                                 .percentile = QNS_DEFAULT_PERCENTILE,
                                 .range = {.symmetric = true, .eps = eps},
                                 .per_channel = r->kind & PER_CHANNEL,
                                 .dtype = r->kind & HALF ? QNS_F16 : QNS_F32};
    qns_obs_spec_set_range(&out->weight, QNS_I8, false, narrow);
}

/* get_default_qat_qconfig() has two versions, which differ in how they train, not in ranges. */
static const char *without_version(char *buf, size_t size, const char *name)
{
    const size_t n = strlen(name);
    if (n < 7 || n >= size ||
        (strcmp(name + n - 7, "_qat_v0") != 0 && strcmp(name + n - 7, "_qat_v1") != 0))
        return name;
    memcpy(buf, name, n - 3);
    buf[n - 3] = '\0';
    return buf;
}

bool qns_qconfig_preset(qns_qconfig *out, const char *name)
{
    char buf[64];
    name = without_version(buf, sizeof buf, name);
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
