/* SPDX-License-Identifier: MIT */
/* What qns inspect says about each kind of file. With json not NULL an object is appended to it and
 * nothing is printed. */
#ifndef QNS_INSPECT_H
#define QNS_INSPECT_H

#include "tools/cmd.h"

#include <jansson.h>

qns_status qns_inspect_model(json_t *json, const char *path, const qns_common *c, qns_err *err);
qns_status qns_inspect_capture(json_t *json, const char *path, const qns_common *c, qns_err *err);
qns_status qns_inspect_result(json_t *json, const char *path, const qns_common *c, qns_err *err);
qns_status qns_inspect_data(json_t *json, const char *path, const qns_common *c, qns_err *err);
/* Calibrates the float model and prints what each observer saw. qconfig may be NULL. */
qns_status qns_inspect_observers(json_t *json, const char *path, const qns_common *c,
                                 const qns_data_args *data, const char *qconfig, qns_err *err);

#endif
