/* SPDX-License-Identifier: MIT */
/* A regression (ns/regression.h) as a JSON document, and back. The conventions are those of
 * reports/result_json.h. */
#ifndef QNS_REGRESSION_JSON_H
#define QNS_REGRESSION_JSON_H

#include "ns/regression.h"
#include "reports/kind.h"

/* A view; r stays the caller's. */
qns_any_result qns_any_of_regression(const qns_regression *r);
/* build_regression.c */
qns_status qns_regression_report(qns_report **out, const qns_regression *r, qns_err *err);

#endif
