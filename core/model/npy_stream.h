/* SPDX-License-Identifier: MIT */
/* A .npy file of float32 rows written one at a time; it appears under its name when committed. */
#ifndef QNS_NPY_STREAM_H
#define QNS_NPY_STREAM_H

#include "core/graph/shape.h"

typedef struct qns_npy_stream qns_npy_stream;

/* row: shape of one row; an axis 0 of size 1 (the batch) becomes the axis of the rows. */
qns_status qns_npy_stream_create(qns_npy_stream **out, const char *path, const qns_shape *row,
                                 qns_err *err);
qns_status qns_npy_stream_add(qns_npy_stream *w, const float *x, qns_err *err);
/* Writes the header with the number of rows, syncs, renames. */
qns_status qns_npy_stream_commit(qns_npy_stream *w, qns_err *err);
/* Removes what was written unless it was committed. */
void qns_npy_stream_free(qns_npy_stream *w);

#endif
