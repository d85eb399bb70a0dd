/* SPDX-License-Identifier: MIT */
/* One thread at a time in HDF5: builds of it without thread safety exist. A data source reads while
 * a capture is written by several threads, so all take this lock. Not recursive. */
#ifndef QNS_H5_LOCK_H
#define QNS_H5_LOCK_H

void qns_h5_lock(void); /* also switches HDF5's printing off in this thread */
void qns_h5_unlock(void);

#endif
