/* SPDX-License-Identifier: MIT */
#include "reports/build.h"

qns_status qns_build_plots(qns_build *b, qns_err *err)
{
    return QNS_OK;
}
