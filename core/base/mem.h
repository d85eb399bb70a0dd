/* SPDX-License-Identifier: MIT */
/* Heap memory. The only place that calls malloc, so that a test can make call number N fail.
 * Everything here is thread-safe. Free with qns_free(). */
#ifndef QNS_MEM_H
#define QNS_MEM_H

#include "core/base/status.h"

/* NULL when out of memory, or when n * size overflows. Zeroed. A size of 0 gives a unique pointer.
 */
void *qns_calloc(size_t n, size_t size);
/* Not zeroed, aligned to 64 bytes (a cache line and an AVX-512 register). */
void *qns_malloc64(size_t size);
/* Keeps the old block on failure. */
void *qns_realloc(void *p, size_t n, size_t size);
char *qns_strdup(const char *s);
void qns_free(void *p);

/* The same, with the standard message. */
qns_status qns_new(void **out, size_t n, size_t size, qns_err *err);

/* Test hook: the n-th allocation from now fails, and every one after it; -1 switches it off. */
void qns_mem_fail_at(int64_t n);

#endif
