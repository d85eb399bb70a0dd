/* SPDX-License-Identifier: MIT */
/* How captures reach the disk. HDF5's own driver has two gaps: it hides errno, and a
 * file whose last writes fail can be closed neither then nor at exit (HDF5 1.10 crashes there).
 * This one tells errno, and can be told to give up: from then on writes succeed and go nowhere, the
 * file on disk stays as it is, and HDF5 closes it in peace. */
#ifndef QNS_H5_DRIVER_H
#define QNS_H5_DRIVER_H

#include "ns/h5_journal.h"
#include "ns/h5_util.h"

#include <stdatomic.h>

typedef struct qns_h5_disk { /* outlives the file */
    int fd;                  /* -1: not open */
    atomic_int error;        /* errno of the first failure, 0: none */
    bool given_up;
    qns_journal journal; /* of the present flush; qns_journal_fini() at the end */
    haddr_t cut_to;      /* how long the file is after it */
    haddr_t asked;       /* where HDF5 wanted to write or read what this driver leaves to others */
    size_t asked_size;
    int reserve; /* file descriptor of an unlinked file that holds room on the disk; -1: none */
} qns_h5_disk;

/* Keeps a few MiB of the disk that path is on, for the last flush; gives them back. */
void qns_h5_reserve_take(qns_h5_disk *disk, const char *path);
void qns_h5_reserve_give(qns_h5_disk *disk);

/* Makes the file access list use this driver. false: HDF5 cannot. */
bool qns_h5_driver_set(hid_t access, qns_h5_disk *disk);
/* Makes room for an unfiltered chunk of so many bytes, which begins at row first[0], and tells
 * where. HDF5 takes it for written; what is written there comes from qns_h5_disk_write(). */
bool qns_h5_driver_place(haddr_t *at, qns_h5_disk *disk, hid_t dset, const hsize_t *first,
                         size_t size);
/* Where a chunk lies and its size in the file; it is not read. */
bool qns_h5_driver_find(haddr_t *at, size_t *size, qns_h5_disk *disk, hid_t dset,
                        const hsize_t *first);
/* Any thread, without qns_h5_lock(). Goes nowhere after giving up. */
bool qns_h5_disk_write(qns_h5_disk *disk, haddr_t at, const void *data, size_t size);
/* Any thread. False also when the file ends before. */
bool qns_h5_read_at(int fd, haddr_t at, void *out, size_t size);
/* Flushes the file, which is at `path`, all of it or nothing, if this process is killed, too.
 * Nothing is written before there is room for all. */
bool qns_h5_driver_flush(qns_h5_disk *disk, hid_t file, const char *path);

#endif
