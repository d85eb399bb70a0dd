/* SPDX-License-Identifier: MIT */
/* The counts of a selftest, and the rule that would catch what was missed: of limits on what the
 * local error, the weight, the layer's output or the network's output may lose, the one that
 * catches most. For selftest.c. */
#ifndef QNS_SELFTEST_SUM_H
#define QNS_SELFTEST_SUM_H

#include "reports/selftest.h"

/* Fills line (t->fault) and the sums of t from t->attempt. */
qns_status qns_selftest_sum(qns_selftest *t, qns_fault_line *line, qns_err *err);

#endif
