/* SPDX-License-Identifier: MIT */
/* The thread that writes a capture, and the queue that feeds it. Only this thread touches the file
 * between start and stop. The queue holds a bounded number of bytes: a producer that is faster than
 * the disk waits. */
#ifndef QNS_WRITE_QUEUE_H
#define QNS_WRITE_QUEUE_H

#include "ns/h5_write.h"

typedef struct qns_wqueue qns_wqueue;

typedef struct qns_wqueue_sample { /* marks the end of a sample */
    int64_t id, label;
    qns_digest inputs;
    bool has_label;
} qns_wqueue_sample;

/* largest: bytes of the largest row. */
qns_status qns_wqueue_start(qns_wqueue **out, qns_cap_writer *w, size_t largest, qns_err *err);
/* One row of a column, which is copied. Waits while the queue is full, and fails with what the
 * writer failed with. */
qns_status qns_wqueue_row(qns_wqueue *q, uint32_t column, const qns_tensor *t, qns_err *err);
qns_status qns_wqueue_end_sample(qns_wqueue *q, const qns_wqueue_sample *s, qns_err *err);
/* Waits until all is written, ends the thread, frees q. Fails with what the writer failed with.
 * NULL is fine. */
qns_status qns_wqueue_stop(qns_wqueue *q, qns_err *err);

#endif
