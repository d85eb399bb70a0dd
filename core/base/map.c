/* SPDX-License-Identifier: MIT */
#include "core/base/map.h"

#include "core/base/mem.h"

#include <string.h>
#include <xxhash.h>

typedef struct qns_map_slot {
    const char *key;
    uint32_t value;
} qns_map_slot;

void qns_map_fini(qns_map *m)
{
    qns_free(m->slot);
    *m = (qns_map){0};
}

/* The slot of the key, or the empty one where it belongs; the table is never full. */
static qns_map_slot *find(const qns_map *m, const char *key)
{
    size_t i = (size_t)XXH3_64bits(key, strlen(key)) & (m->cap - 1);
    while (m->slot[i].key && strcmp(m->slot[i].key, key) != 0)
        i = (i + 1) & (m->cap - 1);
    return &m->slot[i];
}

static qns_status grow(qns_map *m, qns_err *err)
{
    qns_map big = {.cap = m->cap ? m->cap * 2 : 64, .n = m->n};
    QNS_TRY(qns_new((void **)&big.slot, big.cap, sizeof *big.slot, err));
    for (size_t i = 0; i < m->cap; i++)
        if (m->slot[i].key)
            *find(&big, m->slot[i].key) = m->slot[i];
    qns_free(m->slot);
    *m = big;
    return QNS_OK;
}

qns_status qns_map_put(qns_map *m, const char *key, uint32_t value, qns_err *err)
{
    if (2 * (m->n + 1) > m->cap)
        QNS_TRY(grow(m, err));
    qns_map_slot *s = find(m, key);
    m->n += !s->key;
    *s = (qns_map_slot){key, value};
    return QNS_OK;
}

uint32_t qns_map_get(const qns_map *m, const char *key)
{
    if (!m->cap)
        return QNS_MAP_NONE;
    const qns_map_slot *s = find(m, key);
    return s->key ? s->value : QNS_MAP_NONE;
}
