/* SPDX-License-Identifier: MIT */
/* Data sets of an HDF5 file as input samples: integers, booleans and floats of any byte order, rank
 * 1 to 8, contiguous or in chunks (stored, deflated, shuffled, with checksums).
 *
 * HDF5 trusts its files more than we do. A child process tries the file first (h5_probe.h). Then
 * this checks that the data lie inside the file, that every chunk was written and is of reasonable
 * size, and refuses what leads out of the file or into code that is not built in: external files,
 * virtual data sets, soft and external links, other filters. */
#ifndef QNS_H5_SOURCE_H
#define QNS_H5_SOURCE_H

#include "core/graph/shape.h"
#include "core/model/elem.h"
#include "core/model/names.h"

typedef struct qns_h5 qns_h5;

/* Fails with IO or FORMAT. */
qns_status qns_h5_file_open(qns_h5 **out, const char *path, qns_err *err);
void qns_h5_file_close(qns_h5 *f);
/* Paths of all data sets, without the first slash. */
const qns_names *qns_h5_file_names(const qns_h5 *f);

typedef struct qns_h5_data qns_h5_data;

/* name is one of the names above. Must be closed before the file. */
qns_status qns_h5_data_open(qns_h5_data **out, qns_h5 *f, const char *name, qns_err *err);
void qns_h5_data_close(qns_h5_data *d);
/* half precision in the file is given out as float32 */
qns_elem qns_h5_data_elem(const qns_h5_data *d);
const qns_shape *qns_h5_data_shape(const qns_h5_data *d);
/* Sample number i of the first axis, in C order. */
qns_status qns_h5_data_read(void *out, qns_h5_data *d, int64_t i, qns_err *err);

#endif
