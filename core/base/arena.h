/* SPDX-License-Identifier: MIT */
/* A bump allocator: many small objects with one lifetime, freed in one call. A graph and a plan own
 * one each. Under AddressSanitizer, red zones lie between the objects. Not thread-safe. */
#ifndef QNS_ARENA_H
#define QNS_ARENA_H

#include "core/base/status.h"

typedef struct qns_arena qns_arena;

qns_status qns_arena_create(qns_arena **out, qns_err *err);
/* One that a child process fills for its parent, which finds everything at the same address when
 * the child has ended: it lies in memory that both share, at most `size` bytes of it, which cost
 * nothing before they are used. Fails with NOMEM where the system has no such memory. */
qns_status qns_arena_create_shared(qns_arena **out, size_t size, qns_err *err);
void qns_arena_free(qns_arena *a);

/* Zeroed memory, aligned to 64 bytes; NULL when out of memory or when n * size overflows. */
void *qns_arena_get(qns_arena *a, size_t n, size_t size);
/* The same, with the standard message. */
qns_status qns_arena_new(void **out, qns_arena *a, size_t n, size_t size, qns_err *err);
char *qns_arena_strdup(qns_arena *a, const char *s);
void *qns_arena_dup(qns_arena *a, const void *p, size_t size);

#endif
