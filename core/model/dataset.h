/* SPDX-License-Identifier: MIT */
/* One array of samples, whatever kind of file holds it: .npy, .npz or HDF5, told by the name's end.
 */
#ifndef QNS_DATASET_H
#define QNS_DATASET_H

#include "core/graph/shape.h"
#include "core/model/elem.h"

typedef struct qns_dataset qns_dataset;

/* name    which array of a .npz or HDF5 file. Not exact: if there is none of that name, the only
 * one (not counting "labels") is taken, and a .npy needs no name. Exact: that one or none.
 *
 * Fails with IO, FORMAT, UNSUPPORTED, with NOTFOUND when there is no such array, and with SHAPE
 * when it has no axis of samples. */
qns_status qns_dataset_open(qns_dataset **out, const char *path, const char *name, bool exact,
                            qns_err *err);
void qns_dataset_close(qns_dataset *d);

/* For messages: "'eval.npy'", "'eval.npz': 'images'". */
const char *qns_dataset_label(const qns_dataset *d);
qns_elem qns_dataset_elem(const qns_dataset *d);
/* Samples are on the first axis; the rank is at least 1. */
const qns_shape *qns_dataset_shape(const qns_dataset *d);
/* The shape without that axis. */
qns_shape qns_dataset_sample_shape(const qns_dataset *d);
/* Sample number i in C order, in the file's own element type. */
qns_status qns_dataset_read(void *out, qns_dataset *d, int64_t i, qns_err *err);

/* True for the names that qns_dataset_open() can read. */
bool qns_dataset_is_file(const char *path);

#endif
