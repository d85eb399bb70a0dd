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
    qns_source *source;
    qns_tensor *in, *out; /* with memory, one for each graph input and output */
    float *score;         /* room for output 0 as floats */
} qns_session;

/* Start from {0}; close in every case. */
qns_status qns_session_open(qns_session *s, const char *model, const char *backend,
                            const qns_common *c, const qns_data_args *d, qns_err *err);
/* Reads the sample and runs the plan; results are in s->out. */
qns_status qns_session_run(qns_session *s, int64_t sample, qns_err *err);
void qns_session_close(qns_session *s);

#endif
