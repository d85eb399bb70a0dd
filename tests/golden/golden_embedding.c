/* SPDX-License-Identifier: MIT */
/* embedding. */
#include "golden_case.h"

static void absent(gd *c)
{
    gd_skip(c, "the library has no embedding bags yet");
}

const gd_kind gd_embedding_kinds[] = {{"embedding", NULL, absent}, {NULL, NULL, NULL}};
