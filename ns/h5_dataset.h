/* SPDX-License-Identifier: MIT */
/* Creates the datasets of a capture with their names, chunks and attributes. For h5_write.c. */
#ifndef QNS_H5_DATASET_H
#define QNS_H5_DATASET_H

#include "ns/h5_util.h"
#include "ns/h5_write.h"

enum {
    QNS_H5_MAX_RANK = QNS_MAX_RANK + 1,
    QNS_H5_LIST_ROWS = 1024 /* in a chunk of a list */
};

typedef struct qns_h5_dims {
    int rank; /* of the dataset; dim[0] of one that grows is 0 */
    hsize_t dim[QNS_H5_MAX_RANK];
    size_t row_bytes, chunk_rows; /* of one that grows */
} qns_h5_dims;

hid_t qns_h5_file_type(qns_dtype t);
hid_t qns_h5_mem_type(qns_dtype t);

/* *dset: the caller closes it. Fails with UNSUPPORTED (type, a sample above 4 GiB) or IO. */
typedef struct qns_h5_how {
    qns_compress compress;
    int64_t samples; /* at most; 0: unknown */
} qns_h5_how;
qns_status qns_h5_make_dataset(hid_t *dset, qns_h5_dims *dims, hid_t group, const qns_cap_desc *d,
                               const qns_h5_how *how, qns_err *err);
/* A growing dataset of 64-bit ids or of rows of bytes, for samples, labels and digests. */
qns_status qns_h5_make_list(hid_t *dset, hid_t file, const char *name, hid_t type, hsize_t width,
                            qns_err *err);
/* Fails with UNSUPPORTED, saying what would do. */
qns_status qns_h5_check_compress(qns_compress c, qns_err *err);

#endif
