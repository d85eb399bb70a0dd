/* SPDX-License-Identifier: MIT */
/* A model, its data and a plan that is ready to run: what most commands start with. */
#ifndef QNS_SESSION_H
#define QNS_SESSION_H

#include "core/model/source.h"
#include "tools/cmd.h"

#define QNS_VERSION_TEXT qns_version_text()
const char *qns_version_text(void);

typedef struct qns_session {
    qns_model *model;
    qns_plan *plan;
    int lanes; /* samples that should run side by side, on plans that share the weights of this one
                */
    qns_source *source;
    qns_tensor *in, *out; /* with memory, one for each graph input and output */
    float *score;         /* room for output 0 as floats */
} qns_session;

/* Start from {0}; close in every case. The plan is made for all threads and one sample at a time.
 */
qns_status qns_session_open(qns_session *s, const char *model, const char *backend,
                            const qns_common *c, const qns_data_args *d, qns_err *err);
/* The same for samples side by side, as many as s->lanes says. */
qns_status qns_session_open_lanes(qns_session *s, const char *model, const char *backend,
                                  const qns_common *c, const qns_data_args *d, qns_err *err);
/* Runs all samples, side by side; see() gets the results, in the order of samples, one call at a
 * time; it may be NULL. Ctrl-C stops it. */
typedef qns_status (*qns_session_see)(void *ctx, const qns_tensor *out, int64_t sample,
                                      qns_err *err);
qns_status qns_session_run_all(qns_session *s, qns_session_see see, void *ctx, qns_err *err);
/* Reads the sample and runs the plan; results are in s->out. */
qns_status qns_session_run(qns_session *s, int64_t sample, qns_err *err);
void qns_session_close(qns_session *s);

#endif
