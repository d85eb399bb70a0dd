/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_llong fail_at = -1;

static bool must_fail(void)
{
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) < 0)
        return false;
    /* Stays at 0 once reached: a program that ignored one failure meets the next. */
    long long left = atomic_load(&fail_at);
    while (left > 0 && !atomic_compare_exchange_weak(&fail_at, &left, left - 1))
        ;
    return left <= 0;
}

void qns_mem_fail_at(int64_t n)
{
    atomic_store(&fail_at, n);
}

void *qns_calloc(size_t n, size_t size)
{
    size_t bytes;
    /* calloc() checks, too, but sanitizers take an overflow for a defect. */
    if (must_fail() || __builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return calloc(n ? n : 1, size ? size : 1);
}

/* Weights and activations of megabytes are walked in long strides; on pages of 4 KiB a good part of
 * the time goes into finding the pages. The system may refuse, which changes nothing but speed. */
static void ask_for_huge_pages(void *p, size_t size)
{
#if defined(MADV_HUGEPAGE)
    (void)madvise(p, size, MADV_HUGEPAGE);
#else
    (void)p, (void)size;
#endif
}

void *qns_malloc64(size_t size)
{
    enum { LINE = 64, HUGE = 2 << 20 };
    const size_t align = size >= HUGE ? HUGE : LINE;
    void *p = NULL;
    if (must_fail() || size > PTRDIFF_MAX - HUGE)
        return NULL;
    if (posix_memalign(&p, align, (size + LINE - 1) / LINE * LINE + (size == 0 ? LINE : 0)))
        return NULL;
    if (align == HUGE)
        ask_for_huge_pages(p, size);
    return p;
}

void *qns_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (must_fail() || __builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return realloc(p, bytes ? bytes : 1);
}

char *qns_strdup(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *out = qns_calloc(n, 1);
    if (out)
        memcpy(out, s, n);
    return out;
}

void qns_free(void *p)
{
    free(p);
}

qns_status qns_new(void **out, size_t n, size_t size, qns_err *err)
{
    void *p = qns_calloc(n, size);
    if (!p)
        QNS_FAIL(err, NOMEM, "cannot get %zu x %zu bytes", n, size);
    *out = p;
    return QNS_OK;
}
