/* SPDX-License-Identifier: MIT */
/* The only way to look inside a run. Calibration, capture and shadow runs are taps; the graph is
 * never edited to be observed, so looking does not change what is looked at. */
#ifndef QNS_TAP_H
#define QNS_TAP_H

#include "core/graph/graph.h"

typedef struct qns_tap {
    void *ctx;
    /* Asked once for every value when the tap is bound to a plan. Constants are not offered. */
    bool (*wants)(void *ctx, const qns_value *v);
    /* Called right after the node that made the value (graph inputs: before the first node) and
     * before its memory can be reused. t lives until return; its layout is the value's own. */
    qns_status (*see)(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                      qns_err *err);
} qns_tap;

typedef struct qns_taps {
    const qns_tap *tap;
    size_t n;
} qns_taps;

#endif
