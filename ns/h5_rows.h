/* SPDX-License-Identifier: MIT */
/* Samples on their way into datasets that grow. HDF5 says where a chunk lies; what is not
 * compressed is written there without it, by any thread, in pieces that stay in the cache between
 * being turned row-major and being written. */
#ifndef QNS_H5_ROWS_H
#define QNS_H5_ROWS_H

#include "ns/h5_dataset.h"
#include "ns/h5_out.h"

typedef struct qns_h5_column {
    hid_t dset;
    qns_h5_dims dims;
    hid_t type; /* in memory; a constant of the library */
    bool compressed;
    hsize_t most;         /* rows that will come; 0: unknown */
    haddr_t chunk;        /* of the next row, unless it begins one; not when compressed */
    hsize_t rows, extent; /* that have their place in the file; when compressed: that are in it */
    char *buf;            /* of a chunk that waits to be full and compressed */
    size_t n_buf;
    size_t piece; /* bytes of the largest piece in which it is written */
} qns_h5_column;

/* One sample on its way: where each of its rows goes, and memory to turn them in. */
typedef struct qns_h5_lane {
    uint64_t *place; /* by column: where in the file, or when compressed in `rows` */
    char *rows;
    qns_h5_box box;
} qns_h5_lane;

/* After qns_h5_make_dataset(): the rest. */
qns_status qns_h5_column_init(qns_h5_column *c, const qns_cap_desc *d, const qns_h5_how *how,
                              qns_err *err);

qns_status qns_h5_lane_init(qns_h5_lane *l, const qns_h5_column *c, size_t n, qns_err *err);
void qns_h5_lane_fini(qns_h5_lane *l);
/* Gives the next row of a column that is not compressed its place. Called with the lock held; false
 * with disk->error or HDF5's error stack set. */
bool qns_h5_column_place(uint64_t *at, qns_h5_column *c, qns_h5_disk *disk);
/* Hands the lane's row of a column, in any layout, to the file; keeps it when it will be
 * compressed. Any thread, without the lock; false with disk->error set. */
bool qns_h5_lane_write(qns_h5_lane *l, const qns_h5_column *c, uint32_t column, qns_h5_out *out,
                       const qns_tensor *t);
/* The next row of a column that is compressed. Called with the lock held. */
bool qns_h5_column_add(qns_h5_column *c, const char *row);
/* Writes rows that wait for their chunk to be full. Called with the lock held. */
bool qns_h5_column_push(qns_h5_column *c);

/* Also for the lists of a capture. Called with the lock held. */
bool qns_h5_set_rows(hid_t dset, const hsize_t *row_dim, hsize_t n);
bool qns_h5_write_rows(hid_t dset, hid_t type, const hsize_t *row_dim, int rank, hsize_t first,
                       hsize_t n, const void *data);

#endif
