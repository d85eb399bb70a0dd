/* SPDX-License-Identifier: MIT */
/* A stored result as what a newer one is measured against.
 *
 * Numbers of different models, weights, data or samples say nothing about each other: such a
 * baseline is refused. Only the test side, which is what changes, may differ. */
#ifndef QNS_BASELINE_H
#define QNS_BASELINE_H

#include "core/base/map.h"
#include "ns/result.h"

typedef struct qns_baseline {
    const qns_result *r; /* the caller's; must stay */
    qns_map by_name;
} qns_baseline;

/* Fails with MISMATCH, naming what differs: graph, weights or inputs of the float side, a digest
 * that only one of the two has, or the number of samples. *unknown: what neither of the two knows,
 * so that nobody can tell ("graph, inputs"); "" when all is known. out holds at least 64 bytes. */
qns_status qns_baseline_check(char *unknown, size_t size, const qns_result *r,
                              const qns_result *base, qns_err *err);

qns_status qns_baseline_init(qns_baseline *b, const qns_result *base, qns_err *err);
void qns_baseline_fini(qns_baseline *b);
/* The layer of that name; of several with one name, the one with the same operator index. NULL when
 * there is none. */
const qns_layer *qns_baseline_find(const qns_baseline *b, const qns_layer *l);

/* How much worse v is than base: better as in qns_gate_metric; negative when it got better. Two
 * infinities of the same sign are equal. NaN when one of them is NaN. */
double qns_baseline_worse(double v, double base, int better);

#endif
