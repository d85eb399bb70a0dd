/* SPDX-License-Identifier: MIT */
/* Preloaded: the process is killed right before its DIE_AT-th pwrite(). Without DIE_AT the number
 * of calls is written to the file DIE_COUNT at the end. */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t pwrite(int fd, const void *p, size_t n, off_t at);

typedef ssize_t pwrite_fn(int fd, const void *p, size_t n, off_t at);

static atomic_long calls;

static ssize_t count(const char *name, int fd, const void *p, size_t n, off_t at)
{
    const char *last = getenv("DIE_AT");
    pwrite_fn *real = (pwrite_fn *)dlsym(RTLD_NEXT, name);
    if (atomic_fetch_add(&calls, 1) + 1 == (last ? atol(last) : -1))
        raise(SIGKILL);
    return real(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return count("pwrite64", fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return count("pwrite", fd, p, n, at);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("DIE_COUNT");
    FILE *f = path && calls > 0 ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%ld\n", (long)calls);
        fclose(f);
    }
}
