/* SPDX-License-Identifier: MIT */
/* Reads a file where the page cache holds it, without a copy. A view maps a window of bounded size,
 * because the system counts what is mapped as memory of the process. A view belongs to one thread.
 *
 * A file that is cut while it is mapped would kill the program (SIGBUS). The window then becomes
 * zeros, and qns_view_lost() tells: what was read through a view counts only if it says no. The
 * handler is there while there are views, and leaves signals that are not about them to whoever had
 * them before. */
#ifndef QNS_VIEW_H
#define QNS_VIEW_H

#include "core/base/status.h"

#include <signal.h>

typedef struct qns_view {
    char *window; /* NULL: none */
    size_t size;
    uint64_t first; /* where it begins in the file */
    int fd;
    volatile sig_atomic_t lost;
    struct qns_view *next; /* of this thread */
} qns_view;

/* v stays where it is until qns_view_fini(), which the same thread calls. */
void qns_view_init(qns_view *v);
void qns_view_fini(qns_view *v);
/* `size` bytes of the file from `at` on, of `all` that will be wanted one after the other; they
 * stay until the next call. NULL: they cannot be mapped, or it does not pay; read them. */
const void *qns_view_get(qns_view *v, int fd, uint64_t at, size_t size, uint64_t all);
/* Something was not there when it was looked at: the file was cut, or its disk fails. */
bool qns_view_lost(const qns_view *v);

#endif
