/* SPDX-License-Identifier: MIT */
/* fakequant. */
#include "golden_case.h"

static void absent(gd *c)
{
    gd_skip(c, "the library has no fake quantization yet");
}

const gd_kind gd_train_kinds[] = {{"fakequant", NULL, absent}, {NULL, NULL, NULL}};
