/* SPDX-License-Identifier: MIT */
/* Samples on their way into a dataset that grows. HDF5 says where a chunk lies; what is not
 * compressed is written there without it, in pieces that stay in the cache between being turned
 * row-major and being written. */
#ifndef QNS_H5_ROWS_H
#define QNS_H5_ROWS_H

#include "ns/h5_dataset.h"
#include "ns/h5_driver.h"

typedef struct qns_h5_column {
    hid_t dset;
    qns_h5_dims dims;
    hid_t type; /* in memory; a constant of the library */
    bool compressed;
    char *buf; /* of rows that are small, or wait for their chunk to be full */
    size_t buf_rows, n_buf;
    haddr_t chunk;        /* of the next row, unless it begins one; not when compressed */
    hsize_t rows, extent; /* in the file */
} qns_h5_column;

/* Memory that threads use while they write. */
typedef struct qns_h5_team {
    qns_h5_disk *disk;
    char *piece;
    size_t piece_size; /* of each member */
    int threads;
} qns_h5_team;

void qns_h5_column_init(qns_h5_column *c, qns_compress compress);
/* Memory for a row; false when there is none. */
bool qns_h5_column_reserve(qns_h5_column *c, qns_h5_team *team, const qns_tensor *t);
/* The next row, in any layout, after the above. Takes qns_h5_lock() for itself; false with
 * disk->error or HDF5's error stack set. */
bool qns_h5_column_append(qns_h5_column *c, qns_h5_team *team, const qns_tensor *t);
/* Writes rows that wait. Called with the lock held. */
bool qns_h5_column_push(qns_h5_column *c, qns_h5_disk *disk);

/* Also for the lists of a capture. Called with the lock held. */
bool qns_h5_set_rows(hid_t dset, const hsize_t *row_dim, hsize_t n);
bool qns_h5_write_rows(hid_t dset, hid_t type, const hsize_t *row_dim, int rank, hsize_t first,
                       hsize_t n, const void *data);

#endif
