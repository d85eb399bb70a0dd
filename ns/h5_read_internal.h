/* SPDX-License-Identifier: MIT */
/* What an open capture is made of; for the files that read captures only. */
#ifndef QNS_H5_READ_INTERNAL_H
#define QNS_H5_READ_INTERNAL_H

#include "core/graph/dtype.h"
#include "ns/h5_read.h"
#include "ns/h5_driver.h"

/* Numbers that lie in the file as they are wanted, read without HDF5: whole samples in chunks, or
 * all of a dataset in one piece, which counts as one chunk. */
typedef struct qns_cap_direct {
    size_t size; /* of an element; 0: HDF5 reads this dataset */
    hsize_t chunk_rows;
    const haddr_t *at; /* of each chunk; HADDR_UNDEF: it is not there */
} qns_cap_direct;

typedef struct qns_cap_entry {
    qns_cap_data d;
    hid_t dset;         /* 0: not open; qns_cap_dataset() opens it */
    const void *memory; /* h5_memory.c: the whole tensor, and no dataset */
    qns_dtype dtype;    /* of memory */
    bool by_bytes;      /* stored as 8-bit codes: read as they are */
    bool is_signed;
    bool filtered; /* its chunks */
    qns_cap_direct direct;
    int32_t rank; /* of the dataset */
    hsize_t dim[QNS_MAX_RANK + 1];
} qns_cap_entry;

struct qns_capture {
    qns_arena *arena;
    int fd;           /* for direct reading; -1: none */
    hid_t file;       /* 0: HDF5 has not been asked, or not in this process */
    qns_h5_disk disk; /* HDF5's own */
    qns_cap_info info;
    struct {
        qns_cap_entry *at;
        size_t n, cap;
    } entry;
    struct {
        const char **at;
        size_t n, cap;
    } skipped;
};

/* Reads everything but the numbers by HDF5: the file's own facts and every dataset. c has its path,
 * arena and fd. Called with qns_h5_lock() held. */
qns_status qns_cap_read_contents(qns_capture *c, qns_err *err);
/* Opens the file for HDF5, or does nothing when it is. Called with the lock held. */
qns_status qns_cap_open_file(qns_capture *c, qns_err *err);
/* Fills one entry from a dataset. *why: NULL, or why it is left out. e->dset is not kept open by
 * this function. */
qns_status qns_cap_describe(qns_cap_entry *e, const char **why, qns_capture *c, hid_t dset,
                            qns_group group, const char *path, qns_err *err);
/* Sets e->direct. Called with the lock held. */
qns_status qns_cap_find_direct(qns_cap_entry *e, qns_capture *c, hid_t dset, qns_err *err);

/* Opens e->dset. Called with the lock held. */
qns_status qns_cap_dataset(qns_capture *c, qns_cap_entry *e, qns_err *err);
/* The part as it lies in the file; e->direct.size > 0. */
qns_status qns_cap_read_direct(void *out, qns_capture *c, const qns_cap_part *p, qns_err *err);

/* Elements of a tensor in memory: as they are (codes), or as floats. */
void qns_cap_from_memory(void *out, const qns_cap_entry *e, size_t first, size_t n, bool codes);

#endif
