/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create() */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Allocations that a limit of ours should have stopped return NULL instead of ending the run: that
 * they are handled is part of what is tested. Leaks of libraries are not ours. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:detect_leaks=0";
}

int qns_fuzz_file(char *path, const uint8_t *data, size_t size)
{
    const int fd = memfd_create("fuzz", 0);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}
