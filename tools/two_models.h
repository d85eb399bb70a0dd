/* SPDX-License-Identifier: MIT */
/* A float model, the quantized one and data: what commands that run both start with. */
#ifndef QNS_TWO_MODELS_H
#define QNS_TWO_MODELS_H

#include "core/model/source.h"
#include "ns/shadow.h"
#include "tools/cmd.h"

typedef struct qns_two_args {
    const char *model[2], *backend;
    size_t n;
} qns_two_args;

/* --backend; a child parser, its input is a qns_two_args. */
extern const struct argp qns_two_argp;
/* For ARGP_KEY_ARG. */
void qns_two_take(struct argp_state *state, qns_two_args *a, const char *arg);

typedef struct qns_two_models {
    qns_model *ref, *test;
    qns_source *source;
    qns_exec_opts exec[2];
    qns_shadow_side side[2]; /* float, quantized; they point into this struct */
} qns_two_models;

/* Start from {0}; close in every case. */
qns_status qns_two_open(qns_two_models *t, const qns_two_args *a, const qns_data_args *d,
                        const qns_common *c, qns_err *err);
void qns_two_close(qns_two_models *t);

#endif
