/* SPDX-License-Identifier: MIT */
/* Parts of documents that all kinds of results have: how one tensor differs, a side, findings. */
#ifndef QNS_RESULT_PARTS_H
#define QNS_RESULT_PARTS_H

#include "core/base/map.h"
#include "reports/json_get.h"
#include "reports/json_put.h"
#include "reports/result_keys.h"

/* result_json.c */
void qns_put_diff(qns_json_writer *w, json_t *o, const qns_diff *d); /* into o itself */
json_t *qns_side_json(qns_json_writer *w, const qns_side *s);
json_t *qns_findings_json(qns_json_writer *w, const qns_finding *v, uint32_t n);

/* Names where they are unique, as written in doc's "layers"; numbers where they are not. */
qns_status qns_put_ranking(qns_json_writer *w, json_t *doc, const uint32_t *ranking, uint32_t n,
                           qns_err *err);

/* result_json_read.c */
qns_status qns_read_diff(qns_json_reader *rd, qns_diff *d, const json_t *o,
                         const qns_json_place *at);
/* A diff below its own key; all NaN when there is none. */
qns_status qns_get_diff(qns_json_reader *rd, qns_diff *d, const json_t *o, const char *key,
                        const qns_json_place *up);
qns_status qns_get_side(qns_json_reader *rd, qns_side *s, const json_t *doc, const char *key);
qns_status qns_get_findings(qns_json_reader *rd, const qns_finding **out, uint32_t *n,
                            const json_t *doc);
/* Names or indices of layers, none twice. names maps to the first layer of that name. */
qns_status qns_get_ranking(qns_json_reader *rd, const uint32_t **out, uint32_t *n,
                           const json_t *doc, const qns_map *names, uint32_t n_layers);
/* One of n words; the first when missing. */
qns_status qns_get_word(qns_json_reader *rd, int *out, const json_t *o, const char *key,
                        const char *const *word, int n, const qns_json_place *up);

#endif
