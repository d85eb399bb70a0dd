/* SPDX-License-Identifier: MIT */
/* The rows. A new contract is a new row; if it rounds in a new way, also a scheme in
 * kernels/requant. */
#include "core/graph/backend.h"

#include <string.h>

/* PyTorch on x86 servers: float bias, per-channel weights; its presets limit activations to 0..127.
 */
static const qns_backend fbgemm = {
    .name = "fbgemm",
    .requant = QNS_REQUANT_FBGEMM,
    .act = QNS_U8,
    .weight = QNS_I8,
    .float_bias = true,
    .weight_per_channel = true,
    .default_preset = "fbgemm",
};

/* The same contract as FBGEMM keeps it on two kinds of CPU, whatever this machine is. */
static const qns_backend fbgemm_avx2 = {
    .name = "fbgemm-avx2",
    .requant = QNS_REQUANT_FBGEMM,
    .accum = QNS_ACCUM_PAIRS,
    .act = QNS_U8,
    .weight = QNS_I8,
    .float_bias = true,
    .weight_per_channel = true,
    .default_preset = "fbgemm",
};

static const qns_backend fbgemm_vnni = {
    .name = "fbgemm-vnni",
    .requant = QNS_REQUANT_FBGEMM,
    .accum = QNS_ACCUM_PAIRS_DEPTHWISE,
    .act = QNS_U8,
    .weight = QNS_I8,
    .float_bias = true,
    .weight_per_channel = true,
    .default_preset = "fbgemm",
};

/* PyTorch on phones: int32 bias, one scale for all weights of a layer, activations use all codes.
 */
static const qns_backend qnnpack = {
    .name = "qnnpack",
    .requant = QNS_REQUANT_QNNPACK,
    .act = QNS_U8,
    .weight = QNS_I8,
    .float_bias = false,
    .weight_per_channel = false,
    .default_preset = "qnnpack",
};

/* ONNX Runtime's operators on x86: what models of other tools were measured with. */
static const qns_backend onnxruntime = {
    .name = "onnxruntime",
    .requant = QNS_REQUANT_ONNX,
    .act = QNS_U8,
    .weight = QNS_I8,
    .float_bias = false,
    .weight_per_channel = true,
    .default_preset = "fbgemm",
};

static const qns_backend *const backends[] = {&fbgemm,  &fbgemm_avx2, &fbgemm_vnni,
                                              &qnnpack, &onnxruntime, NULL};

const qns_backend *qns_backend_find(const char *name)
{
    for (size_t i = 0; backends[i]; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

const qns_backend *const *qns_backends(void)
{
    return backends;
}

const char *qns_backend_names(void)
{
    return "fbgemm, fbgemm-avx2, fbgemm-vnni, qnnpack and onnxruntime";
}

const char *qns_backend_difference(const qns_backend *made, const qns_backend *run)
{
    if (made->requant != run->requant)
        return "the bias (float or int32), the rounding of sums, additions, averages and tables, "
               "and the limits of intermediate sums differ";
    if (made->accum == run->accum)
        return "";
    if (run->accum == QNS_ACCUM_PAIRS)
        return "sums of two products saturate at 16 bits in convolutions and linear layers";
    if (run->accum == QNS_ACCUM_PAIRS_DEPTHWISE)
        return made->accum == QNS_ACCUM_EXACT
                   ? "sums of two products saturate at 16 bits in depthwise convolutions"
                   : "sums of two products saturate at 16 bits in depthwise convolutions only";
    return "sums of products are exact and no longer saturate at 16 bits";
}
