/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files, formats 1.0 to 3.0: booleans, integers and floats, C and Fortran order. One
 * sample (an index of the first axis) is read at a time; the file may be larger than memory.
 *
 * Refused by name: big-endian data, objects, records, complex numbers, text, dates. */
#ifndef QNS_NPY_H
#define QNS_NPY_H

#include "core/graph/tensor.h"
#include "core/model/elem.h"

typedef struct qns_npy qns_npy;

/* Fails with IO, FORMAT (damaged, or shorter than its shape says) or UNSUPPORTED. */
qns_status qns_npy_open(qns_npy **out, const char *path, qns_err *err);
/* The same from memory, which must outlive the result; name stands for the path in messages. */
qns_status qns_npy_open_bytes(qns_npy **out, const void *p, size_t n, const char *name,
                              qns_err *err);
void qns_npy_close(qns_npy *f);

qns_elem qns_npy_elem(const qns_npy *f);
const qns_shape *qns_npy_shape(const qns_npy *f);

/* Copies sample number i, in C order, in the file's own element type: as many elements as the axes
 * behind the first have together. The rank must be at least 1 and i within the first axis. */
qns_status qns_npy_read(void *out, qns_npy *f, int64_t i, qns_err *err);

/* A whole file, converted to dtype with a check (elem.h); NaN and infinity are kept. *data is in C
 * order; free it with qns_free(). */
qns_status qns_npy_load(void **data, qns_shape *shape, const char *path, qns_dtype dtype,
                        qns_err *err);

/* Writes a row-major tensor as format 1.0; the file appears complete or not at all. */
qns_status qns_npy_write(const char *path, const qns_tensor *t, qns_err *err);

#endif
