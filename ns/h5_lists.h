/* SPDX-License-Identifier: MIT */
/* The lists of a capture: number, digest of the inputs and label of each sample. They are kept in
 * memory, 32 bytes a sample, and written in a flush. For h5_write.c; called with the lock held. */
#ifndef QNS_H5_LISTS_H
#define QNS_H5_LISTS_H

#include "core/base/digest.h"
#include "ns/h5_driver.h"

typedef struct qns_h5_list {
    hid_t dset;
    hid_t type;
    hsize_t width; /* elements of a row */
    size_t row_bytes;
    char *at; /* the rows */
    size_t n, cap;
} qns_h5_list;

enum { QNS_H5_IDS, QNS_H5_DIGESTS, QNS_H5_LABELS, QNS_H5_LISTS };

typedef struct qns_h5_lists {
    qns_h5_list of[QNS_H5_LISTS]; /* labels: dset 0 when there are none */
    hsize_t written;              /* rows in the file */
    hsize_t placed;               /* rows they must have in the file to keep their last chunk */
} qns_h5_lists;

/* Makes the datasets. */
qns_status qns_h5_lists_make(qns_h5_lists *l, hid_t file, bool labels, qns_err *err);
/* Chunks get their places with a sample, the first one in them, and not with a flush, which comes
 * when it comes: so the file does not depend on time. Until that sample is whole there must be no
 * flush. */
bool qns_h5_lists_place(qns_h5_lists *l, qns_h5_disk *disk, hsize_t row);
qns_status qns_h5_lists_add(qns_h5_lists *l, int64_t id, const qns_digest *inputs, int64_t label,
                            qns_err *err);
size_t qns_h5_lists_n(const qns_h5_lists *l);
/* Makes the lists in the file n long; rows before `written` are there. */
bool qns_h5_lists_write(qns_h5_lists *l, hsize_t n);
void qns_h5_lists_shut(qns_h5_lists *l); /* the datasets */
void qns_h5_lists_fini(qns_h5_lists *l); /* the memory */

#endif
