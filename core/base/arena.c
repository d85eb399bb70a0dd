/* SPDX-License-Identifier: MIT */
#include "core/base/arena.h"

#include "core/base/mem.h"

#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define RED_ZONE       64
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define RED_ZONE       0
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

/* Blocks grow with the arena, up to a size for which malloc64() asks for huge pages. */
enum { ALIGN = 64, BLOCK = 64 * 1024, LARGE_BLOCK = 4 << 20 };

typedef struct block {
    struct block *next;
    size_t size, used; /* of the bytes behind the header, which takes ALIGN bytes */
} block;

struct qns_arena {
    block *head;
    size_t total;  /* bytes of all blocks */
    size_t shared; /* bytes of the mapping that this and its one block are in; 0: none */
};

qns_status qns_arena_create(qns_arena **out, qns_err *err)
{
    return qns_new((void **)out, 1, sizeof **out, err);
}

/* No red zones: what the child unpoisons would stay poisoned in the parent. */
qns_status qns_arena_create_shared(qns_arena **out, size_t size, qns_err *err)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        QNS_FAIL(err, NOMEM, "cannot share %zu bytes with a process", size);
    qns_arena *a = p;
    a->shared = size;
    a->head = (block *)(void *)((char *)p + ALIGN);
    a->head->size = size - 2 * ALIGN;
    *out = a;
    return QNS_OK;
}

void qns_arena_free(qns_arena *a)
{
    if (!a)
        return;
    if (a->shared > 0) {
        munmap(a, a->shared);
        return;
    }
    for (block *b = a->head; b;) {
        block *next = b->next;
        UNPOISON((char *)b + ALIGN, b->size);
        qns_free(b);
        b = next;
    }
    qns_free(a);
}

static block *new_block(size_t size)
{
    block *b = qns_malloc64(ALIGN + size);
    if (!b)
        return NULL;
    memset(b, 0, ALIGN + size);
    b->size = size;
    POISON((char *)b + ALIGN, size);
    return b;
}

static size_t block_size(const qns_arena *a)
{
    size_t size = BLOCK;

    while (size < LARGE_BLOCK && size <= a->total / 8)
        size *= 2;
    return size;
}

void *qns_arena_get(qns_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 4 * ALIGN)
        return NULL;
    const size_t need = (bytes + RED_ZONE + ALIGN - 1) / ALIGN * ALIGN + (bytes == 0 ? ALIGN : 0);
    if (!a->head || a->head->size - a->head->used < need) {
        if (a->shared > 0)
            return NULL;
        /* A large object gets a block of its own behind the current one, whose rest stays usable.
         */
        const size_t usual = block_size(a), whole = need > usual / 4 ? need : usual;
        block *b = new_block(whole);
        if (!b)
            return NULL;
        a->total += whole;
        if (a->head && need > usual / 4) {
            b->next = a->head->next;
            a->head->next = b;
            b->used = need;
            UNPOISON((char *)b + ALIGN, bytes);
            return (char *)b + ALIGN;
        }
        b->next = a->head;
        a->head = b;
    }
    char *p = (char *)a->head + ALIGN + a->head->used;
    a->head->used += need;
    UNPOISON(p, bytes);
    return p;
}

qns_status qns_arena_new(void **out, qns_arena *a, size_t n, size_t size, qns_err *err)
{
    void *p = qns_arena_get(a, n, size);
    if (!p)
        QNS_FAIL(err, NOMEM, "cannot get %zu x %zu bytes", n, size);
    *out = p;
    return QNS_OK;
}

void *qns_arena_dup(qns_arena *a, const void *p, size_t size)
{
    void *out = qns_arena_get(a, size, 1);
    if (out && size)
        memcpy(out, p, size);
    return out;
}

char *qns_arena_strdup(qns_arena *a, const char *s)
{
    return qns_arena_dup(a, s, strlen(s) + 1);
}
