/* SPDX-License-Identifier: MIT */
/* A map from text to uint32_t. Keys are not copied: they must outlive the map. */
#ifndef QNS_MAP_H
#define QNS_MAP_H

#include "core/base/status.h"

typedef struct qns_map {
    struct qns_map_slot *slot;
    size_t cap, n;
} qns_map;

#define QNS_MAP_NONE UINT32_MAX

void qns_map_fini(qns_map *m);
/* Replaces the value of a key that is there. */
qns_status qns_map_put(qns_map *m, const char *key, uint32_t value, qns_err *err);
/* QNS_MAP_NONE when the key is not there. */
uint32_t qns_map_get(const qns_map *m, const char *key);

#endif
