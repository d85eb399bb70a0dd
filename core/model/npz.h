/* SPDX-License-Identifier: MIT */
/* .npz files: a zip archive of .npy files, stored or deflated. An array is read into memory as a
 * whole, up to QNS_NPZ_MAX_BYTES; larger ones belong into a .npy or HDF5 file of their own. */
#ifndef QNS_NPZ_H
#define QNS_NPZ_H

#include "core/model/names.h"

#define QNS_NPZ_MAX_BYTES ((uint64_t)2 << 30)

typedef struct qns_npz qns_npz;

/* Fails with IO, FORMAT or UNSUPPORTED. */
qns_status qns_npz_open(qns_npz **out, const char *path, qns_err *err);
/* The same from memory, which must outlive the result. */
qns_status qns_npz_open_bytes(qns_npz **out, const void *p, size_t n, const char *name,
                              qns_err *err);
void qns_npz_close(qns_npz *z);

/* Without the ".npy". Members that are not .npy files are left out. */
const qns_names *qns_npz_names(const qns_npz *z);
/* Unpacks one of the arrays: *p are the *n bytes of its .npy file; free with qns_free(). */
qns_status qns_npz_unpack(void **p, size_t *n, qns_npz *z, const char *name, qns_err *err);

#endif
