/* SPDX-License-Identifier: MIT */
/* Calibration: the fused float graph runs over samples, a tap feeds the observers. One pass, one
 * sample in memory; one sample is one batch for every observer. Values are observed in run order,
 * so a shared observer sees its tensors in the same order as PyTorch's. */
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
    /* Both may be NULL. progress: after each sample. cancelled: asked before each sample. */
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

/* The pass alone: the float graph over all samples, with any tap. */
qns_status qns_calibration_run(const qns_graph *g, const qns_tap *tap, const qns_calibration *c,
                               qns_err *err);

#endif
