/* SPDX-License-Identifier: MIT */
/* The decision table of `qns quantize --explain`. */
#ifndef QNS_EXPLAIN_H
#define QNS_EXPLAIN_H

#include "core/quant/prepare.h"

#include <jansson.h>

qns_status qns_explain_print(const qns_decisions *d, qns_err *err);
qns_status qns_explain_json(json_t *array, const qns_decisions *d, qns_err *err);

#endif
