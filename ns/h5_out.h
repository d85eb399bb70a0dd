/* SPDX-License-Identifier: MIT */
/* Several threads that write to one file. The system lets one write at a time into it, and a thread
 * that wants to write meanwhile would spin. Here it leaves its piece in memory and goes on; who
 * writes, or wants to later, writes that piece, too. */
#ifndef QNS_H5_OUT_H
#define QNS_H5_OUT_H

#include "ns/h5_driver.h"

#include <pthread.h>

typedef struct qns_h5_piece {
    struct qns_h5_piece *next;
    struct qns_h5_box *box;
    char *data;
    uint64_t at;
    size_t size;
} qns_h5_piece;

enum { QNS_H5_PIECES = 4 };

/* The pieces of one thread. */
typedef struct qns_h5_box {
    qns_h5_piece piece[QNS_H5_PIECES];
    qns_h5_piece *idle; /* with memory, to be filled */
    int n_waiting;      /* for being written */
} qns_h5_box;

typedef struct qns_h5_out {
    qns_h5_disk *disk;
    pthread_mutex_t mutex; /* of what follows, and of all boxes */
    pthread_cond_t changed;
    qns_h5_piece *first, *last; /* that wait */
    bool busy;                  /* somebody writes */
    bool failed;                /* with disk->error */
} qns_h5_out;

void qns_h5_out_init(qns_h5_out *o, qns_h5_disk *disk);
void qns_h5_out_fini(qns_h5_out *o);

/* n pieces, at most QNS_H5_PIECES, of so many bytes each. */
qns_status qns_h5_box_init(qns_h5_box *b, int n, size_t bytes, qns_err *err);
void qns_h5_box_fini(qns_h5_box *b);

/* One that is idle, when there is one again; the caller fills data, at and size. */
qns_h5_piece *qns_h5_out_take(qns_h5_out *o, qns_h5_box *b);
/* Writes it, or leaves it; then it is idle again. False: something could not be written. */
bool qns_h5_out_put(qns_h5_out *o, qns_h5_piece *p);
/* Writes all of the caller's memory at once if nobody else writes; *done says so. */
bool qns_h5_out_try(bool *done, qns_h5_out *o, uint64_t at, const void *data, size_t size);
/* All of the box is in the file when this returns true. */
bool qns_h5_out_settle(qns_h5_out *o, qns_h5_box *b);

#endif
