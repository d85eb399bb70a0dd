/* SPDX-License-Identifier: MIT */
/* Depthwise int8 convolutions line by line, from codes to codes (kernels/dwconv/dwline.h). Threads
 * take lines of the output, or, where there are few, blocks of channels; no number depends on it.
 */
#ifndef QNS_DEPTHWISE_H
#define QNS_DEPTHWISE_H

#include "core/graph/op.h"
#include "core/ops/tiles.h"
#include "kernels/kernels.h"

typedef struct qns_depthwise {
    qns_geom g;
    size_t ch, n_lines, m, span; /* lines of all images; outputs and input columns of a line */
    size_t n_rows;               /* of the kernel: depth times height */
    size_t some;                 /* lines whose columns are listed at a time */
    bool by_lines;
    int threads;
    const int8_t *packed;
    const qk_requant *rq;
    const uint8_t *pad; /* ch codes that stand for padding */
} qns_depthwise;

/* Whether the tiles are of that kind. The weights may have no zero points besides. */
bool qns_depthwise_takes(const qns_tiles *t);
/* w: [channel][taps]. col_sum: out_ch sums of weights. rq and pad are used when it runs. */
qns_status qns_depthwise_make(qns_depthwise *d, int32_t *col_sum, const qns_tiles *t,
                              const int8_t *w, qns_arena *a, qns_err *err);
size_t qns_depthwise_scratch(const qns_depthwise *d); /* of all threads */
void qns_depthwise_run(uint8_t *out, const qns_depthwise *d, const uint8_t *in, const qns_call *c);

#endif
