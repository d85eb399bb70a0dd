/* SPDX-License-Identifier: MIT */
/* Shared by build_search*.c. */
#ifndef QNS_BUILD_SEARCH_H
#define QNS_BUILD_SEARCH_H

#include "ns/search.h"
#include "reports/build.h"

void qns_build_search_tables(qns_build *b, const qns_search_result *r);
qns_status qns_build_search_plot(qns_build *b, const qns_search_result *r, qns_err *err);

/* A value of the target's metric, with its unit. */
const char *qns_build_value(qns_build *b, const qns_search_result *r, double value);
/* Of the total; NaN when that is unknown. */
double qns_search_share(const qns_search_result *r, const double cost[QNS_COSTS], qns_cost c);
/* Of the layers in float of a trial: "a, b and 3 more"; "none". */
const char *qns_search_names(qns_build *b, const qns_search_result *r, const qns_search_trial *t,
                             uint32_t most);

#endif
