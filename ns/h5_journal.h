/* SPDX-License-Identifier: MIT */
/* A flush in one step. HDF5 writes changed metadata piece by piece, and a process that is killed
 * between two pieces leaves a file that nobody can read. So the pieces are held back, written as a
 * whole to a file beside, PATH.flush, then to their places, and the file beside is removed. If one
 * is found later, its digest tells whether it is whole: then the flush is done again, which is
 * harmless however far it had come; else it had not begun. */
#ifndef QNS_H5_JOURNAL_H
#define QNS_H5_JOURNAL_H

#include "core/base/status.h"

typedef struct qns_journal {
    bool on; /* pieces are held back */
    char *at;
    size_t n, cap; /* bytes */
} qns_journal;

/* false: no memory. */
bool qns_journal_add(qns_journal *j, uint64_t at, const void *data, size_t size);
/* Puts what is held back over what was read from the file at the same place. */
void qns_journal_overlay(const qns_journal *j, uint64_t at, void *data, size_t size);
/* Writes everything that was held back to fd, which is the file `path`. 0, or errno: then the
 * pieces are still held back, and it can be called again. */
int qns_journal_write(qns_journal *j, int fd, const char *path);
void qns_journal_fini(qns_journal *j);

/* Removes a file beside `path`: the file at path begins anew. */
void qns_journal_forget(const char *path);
/* Does again what a killed process left beside `path`. Does nothing while the process that wrote it
 * lives. Fails with IO when path cannot be written. */
qns_status qns_journal_finish(const char *path, qns_err *err);

/* pwrite() of everything; false with errno. */
bool qns_pwrite(int fd, const void *data, size_t size, uint64_t at);

#endif
