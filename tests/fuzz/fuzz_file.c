/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Allocations that a limit of ours should have stopped return NULL instead of ending the run: that
 * they are handled is part of what is tested. Leaks of libraries are not ours. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:detect_leaks=0";
}

/* In memory where there is such a folder. A new file each time: HDF5 remembers files that a damaged
 * one made it forget to close, by their inode. */
void qns_fuzz_file(char *path, const uint8_t *data, size_t size)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, 64, "%s/qns_fuzz_%ld", folder, (long)getpid());
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size) || close(fd) != 0)
        abort();
}
