/* SPDX-License-Identifier: MIT */
/* linear_dynamic and rnn_dynamic. */
#include "golden_case.h"

static void absent(gd *c)
{
    gd_skip(c, "the library has no dynamic quantization yet");
}

const gd_kind gd_dynamic_kinds[] = {
    {"linear_dynamic", NULL, absent},
    {"rnn_dynamic", NULL, absent},
    {NULL, NULL, NULL},
};
