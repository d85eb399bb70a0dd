/* SPDX-License-Identifier: MIT */
/* A comparison's result as a JSON document, and back.
 *
 * The document is what `qns compare --json` prints. Keys always come in the same order. Infinite
 * and undefined values are the strings "inf", "-inf" and "nan"; a key that is missing is a number
 * nobody measured. Numbers have 17 digits, so that reading gives back the same bits. Layers are
 * ranked by name; by index where a name is not unique.
 *
 * Documents come from anywhere. Reading checks every type, count and reference, and fails with one
 * message that names the place in the document: layers[3].weight.sqnr_db. Unknown keys are skipped.
 */
#ifndef QNS_RESULT_JSON_H
#define QNS_RESULT_JSON_H

#include "core/base/str.h"
#include "ns/result.h"

#include <jansson.h>

/* Appends the document and a line feed. compact: no spaces, one line. */
qns_status qns_result_to_json(qns_str *out, const qns_result *r, bool compact, qns_err *err);
/* Fails with FORMAT. Free with qns_result_free(). */
qns_status qns_result_from_json(qns_result **out, const char *text, size_t n, qns_err *err);

qns_status qns_result_from_doc(qns_result **out, const json_t *doc, qns_err *err);

qns_status qns_result_save(const char *path, const qns_result *r, qns_err *err);
qns_status qns_result_load(qns_result **out, const char *path, qns_err *err);

#endif
