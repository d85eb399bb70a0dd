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

static const qns_backend *const backends[] = {&fbgemm, &qnnpack, NULL};

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
