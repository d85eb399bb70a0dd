/* SPDX-License-Identifier: MIT */
/* The result of a search as a file, kind "search", both ways. */
#ifndef QNS_SEARCH_JSON_H
#define QNS_SEARCH_JSON_H

#include "core/base/str.h"
#include "ns/search.h"

#include <jansson.h>

qns_status qns_search_to_json(qns_str *out, const qns_search_result *r, bool compact, qns_err *err);
/* Fails with FORMAT, naming the place. Free with qns_search_result_free(). */
qns_status qns_search_from_doc(qns_search_result **out, const json_t *doc, qns_err *err);

/* Words of the file, by their enums. */
extern const char *const qns_search_end_words[3];   /* qns_search_end */
extern const char *const qns_search_check_words[4]; /* qns_search_verdict */

#endif
