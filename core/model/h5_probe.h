/* SPDX-License-Identifier: MIT */
/* HDF5 crashes on some damaged files (bad pointers in metadata, 1.10 and later), and no check from
 * outside can tell which. So an unknown file is first read by a child process: if that one dies,
 * the file is refused.
 *
 * What remains: reading beyond what the child read, and damage that writes where it should not
 * without being noticed. Files from untrusted people belong into a sandbox. */
#ifndef QNS_H5_PROBE_H
#define QNS_H5_PROBE_H

#include "core/base/status.h"

/* Opens and reads what the parent is going to read, ignores errors, and returns. It may leave what
 * it found in memory that both share (qns_arena_create_shared()), so that the parent need not. */
typedef void qns_h5_try(const char *path, void *ctx);

/* Runs fn in a child process. Fails with FORMAT when that dies or takes more than 30 seconds. Where
 * no process can be made, nothing is checked. Takes qns_h5_lock() while the process is doubled, so
 * that no other thread is inside HDF5 then; the caller does not hold it. */
qns_status qns_h5_probe(const char *path, qns_h5_try *fn, void *ctx, qns_err *err);

/* The same in two parts, so that several children run side by side. Each that was started must be
 * waited for. */
typedef struct qns_h5_child {
    const char *path; /* the caller's */
    int pid;          /* < 0: none */
} qns_h5_child;
void qns_h5_probe_start(qns_h5_child *out, const char *path, qns_h5_try *fn, void *ctx);
qns_status qns_h5_probe_wait(const qns_h5_child *c, qns_err *err);

#endif
