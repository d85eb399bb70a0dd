/* SPDX-License-Identifier: MIT */
/* Calibration: the fused float graph runs over samples, a tap feeds the observers. One pass; one
 * sample is one batch for every observer. Every observer sees its values in run order and the order
 * of samples, so a shared one sees its tensors in the same order as PyTorch's; samples run side by
 * side all the same (core/exec/lanes.h). */
#ifndef QNS_CALIBRATE_H
#define QNS_CALIBRATE_H

#include "core/exec/plan.h"
#include "core/model/source.h"
#include "core/quant/prepare.h"

/* Where samples come from. get() fills in[i].data, as qns_source_get(). */
typedef struct qns_samples {
    void *ctx;
    int64_t n;
    qns_status (*get)(qns_tensor *in, void *ctx, int64_t sample, qns_err *err);
} qns_samples;

qns_samples qns_samples_of(qns_source *s);

typedef struct qns_calibration {
    qns_samples samples;
    qns_exec_opts exec;
    /* Both may be NULL; one call at a time, but from any thread. progress: after each sample.
     * cancelled: asked before each sample. */
    void (*progress)(void *ctx, int64_t done, int64_t total);
    bool (*cancelled)(void *ctx);
    void *ctx;
    /* Recording observers keep nothing in memory (QNS_RECORD_LIMIT bytes otherwise): the caller
     * captures those values into a file. */
    bool record_elsewhere;
} qns_calibration;

/* Feeds all samples and settles the qparams. Fails with DATA when a number is NaN or a range cannot
 * be coded (naming value and sample) or when there are no samples, with CANCELLED, and with what
 * running and reading fail with. */
qns_status qns_calibrate(qns_decisions *d, const qns_calibration *c, qns_err *err);

/* What observes a run. Both functions may be called from any thread, see() for one observer not
 * from two at once. */
typedef struct qns_watch {
    void *ctx;
    uint32_t n;      /* observers */
    bool one_by_one; /* samples must not run side by side */
    /* Asked before the run. Constants are not offered. */
    bool (*wants)(void *ctx, uint32_t observer, const qns_value *v);
    /* t has elements. seen: qns_range_of() all of them. */
    qns_status (*see)(void *ctx, uint32_t observer, const qns_value *v, const qns_tensor *t,
                      qns_range seen, qns_err *err);
} qns_watch;

/* The pass alone: the float graph over all samples. */
qns_status qns_calibration_run(const qns_graph *g, const qns_watch *w, const qns_calibration *c,
                               qns_err *err);

#endif
