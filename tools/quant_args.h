/* SPDX-License-Identifier: MIT */
/* What is quantized and how: the options of the commands that quantize. */
#ifndef QNS_QUANT_ARGS_H
#define QNS_QUANT_ARGS_H

#include "core/quant/qconfig.h"
#include "tools/cmd.h"

typedef struct qns_quant_args {
    const char *qconfig, *backend, *preset, *skip[64];
    size_t n_skip;
} qns_quant_args;

extern const struct argp qns_quant_argp; /* a child parser; its input is a qns_quant_args */

/* Fails with NOTFOUND for an unknown backend, and as qns_qconfig_read() does. */
qns_status qns_quant_settings(qns_qconfig_set **out, const qns_quant_args *a, qns_err *err);

#endif
