/* SPDX-License-Identifier: MIT */
/* Ranges for many sets of decisions about one graph from one calibration. Which nodes run in
 * integers decides who is observed, with what settings, and which values share an observer; what an
 * observer answers depends on its settings and its values only. So every different observer is fed
 * once, and decisions that ask for it get the answer that their own calibration would give, bit for
 * bit. */
#ifndef QNS_RANGES_H
#define QNS_RANGES_H

#include "core/quant/calibrate.h"

typedef struct qns_ranges qns_ranges;

qns_status qns_ranges_create(qns_ranges **out, const qns_graph *fused, qns_err *err);
void qns_ranges_free(qns_ranges *r);

/* Notes the observers of d. *missing, which may be NULL: how many of them were not fed yet. */
qns_status qns_ranges_want(uint32_t *missing, qns_ranges *r, const qns_decisions *d, qns_err *err);
/* One pass for all observers that were noted since the last one; no pass when there are none. Every
 * call must give the same samples. Fails as qns_calibrate() does. */
qns_status qns_ranges_calibrate(qns_ranges *r, const qns_calibration *c, qns_err *err);
/* Settles decisions whose observers were fed. r must outlive d. */
qns_status qns_ranges_settle(const qns_ranges *r, qns_decisions *d, qns_err *err);

#endif
