/* SPDX-License-Identifier: MIT */
/* A regression while it is being made; for regress*.c. */
#ifndef QNS_REGRESS_INTERNAL_H
#define QNS_REGRESS_INTERNAL_H

#include "ns/cmp.h"
#include "ns/regression.h"

/* A layer of the result, in the two comparisons; QNS_CMP_NONE: not there. */
typedef struct qns_both {
    uint32_t was, now;
} qns_both;

typedef struct qns_three {
    qns_cmp was, now; /* two comparisons with one reference and the same rows */
    const qns_regress_opts *o;
    qns_regression *r;
    qns_both *layer; /* in the order of r->layer */
    qns_cmp text;    /* findings and texts of the whole; its arena is r's */
} qns_three;

/* regress_output.c: what became of the answers. */
qns_status qns_regress_output(qns_three *g, qns_err *err);
/* regress_advice.c: a reason for each regression, and findings. After verdicts and output. */
qns_status qns_regress_advise(qns_three *g, qns_err *err);

#endif
