/* SPDX-License-Identifier: MIT */
/* stage 1 of the end-to-end files */
#include "golden_nodes.h"
void gd_check_calibration(gd *c, const char *backend)
{
    gd_skip(c, "calibration: not written yet");
}
void gd_check_boundaries(gd *c)
{
    gd_skip(c, "observers: not written yet");
}
