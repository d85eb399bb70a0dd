/* SPDX-License-Identifier: MIT */
/* e2e_boundary. */
#include "golden_case.h"

static void absent(gd *c)
{
    gd_skip(c, "not written yet");
}

const gd_kind gd_boundary_kinds[] = {{"e2e_boundary", NULL, absent}, {NULL, NULL, NULL}};
const gd_kind gd_e2e_kinds[] = {{"e2e_*", NULL, absent}, {NULL, NULL, NULL}};
