/* SPDX-License-Identifier: MIT */
/* Preloaded: the file CUT_FILE is cut to nothing right after the CUT_AT-th mapping of a file to be
 * shared. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t from);

typedef void *mmap_fn(void *at, size_t n, int prot, int flags, int fd, off_t from);

static atomic_long calls;

static void *map(const char *name, void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    mmap_fn *real = (mmap_fn *)dlsym(RTLD_NEXT, name);
    const char *when = getenv("CUT_AT"), *file = getenv("CUT_FILE");
    void *p = real(at, n, prot, flags, fd, from);
    if (fd < 0 || !(flags & MAP_SHARED) || !when || !file)
        return p;
    if (atomic_fetch_add(&calls, 1) + 1 == atol(when))
        close(open(file, O_WRONLY | O_TRUNC));
    return p;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return map("mmap", at, n, prot, flags, fd, from);
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return map("mmap64", at, n, prot, flags, fd, from);
}
