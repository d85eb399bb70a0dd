/* SPDX-License-Identifier: MIT */
/* A model file made ready to run: read, then fused (a float model) or lowered to integer operators
 * (a Q/DQ model). This is where most programs start; qns_graph and qns_plan are the parts below it.
 */
#ifndef QNS_MODEL_H
#define QNS_MODEL_H

#include "core/exec/plan.h"
#include "core/model/onnx_read.h"

typedef struct qns_model qns_model;

typedef struct qns_model_opts {
    qns_onnx_opts onnx;
    const char *backend; /* NULL: what the file says (qns.backend), else fbgemm */
    bool no_fuse;        /* keep a float model as it was written */
} qns_model_opts;

/* opts may be NULL. A Q/DQ model that was quantized for another backend than opts asks for gets a
 * warning. Fails as qns_onnx_read() does. */
qns_status qns_model_load(qns_model **out, const char *path, const qns_model_opts *opts,
                          qns_err *err);
void qns_model_free(qns_model *m);

const char *qns_model_path(const qns_model *m);
const qns_graph *qns_model_source(const qns_model *m); /* as read */
const qns_graph *qns_model_graph(const qns_model *m);  /* to run */
const qns_backend *qns_model_backend(const qns_model *m);
bool qns_model_is_quantized(const qns_model *m);

#endif
