/* SPDX-License-Identifier: MIT */
/* All that knows HDF5's handles. Included by ns/h5_*.c only, so hid_t goes no further.
 *
 * Every call into the library is made under qns_h5_lock() (core/model/h5_lock.h); the functions
 * here expect that the caller holds it. HDF5 prints nothing; qns_h5_fail()
 * turns the innermost record of its error stack into the text of a qns_err. */
#ifndef QNS_H5_UTIL_H
#define QNS_H5_UTIL_H

#include "core/base/arena.h"
#include "core/model/h5_lock.h"
#include "ns/h5_layout.h"

#include <hdf5.h>

/* Returns code; text is "<what fmt says>: <innermost HDF5 message, or the errno text in it>". */
qns_status qns_h5_fail(qns_err *err, qns_status code, const char *file, int line, const char *fmt,
                       ...) __attribute__((format(printf, 5, 6)));
#define QNS_H5_FAIL(err, code, ...)                                                                \
    return qns_h5_fail((err), QNS_E_##code, __FILE__, __LINE__, __VA_ARGS__)
#define QNS_H5_FAIL_DONE(err, code, ...)                                                           \
    do {                                                                                           \
        st = qns_h5_fail((err), QNS_E_##code, __FILE__, __LINE__, __VA_ARGS__);                    \
        goto done;                                                                                 \
    } while (0)

/* What is created with this list does not keep when that was: the same contents are the same bytes.
 */
bool qns_h5_without_times(hid_t create);

/* Closes whatever kind of handle it is and sets it to 0; handles <= 0 are ignored. */
void qns_h5_shut(hid_t *id);

/* ---- attributes; the setters create, or overwrite one of the same kind ---- */

qns_status qns_h5_set_int(hid_t obj, const char *name, int64_t v, qns_err *err);
qns_status qns_h5_set_u64(hid_t obj, const char *name, uint64_t v, qns_err *err);
qns_status qns_h5_set_double(hid_t obj, const char *name, double v, qns_err *err);
qns_status qns_h5_set_text(hid_t obj, const char *name, const char *v, qns_err *err);
qns_status qns_h5_set_texts(hid_t obj, const char *name, const char *const *v, size_t n,
                            qns_err *err);
qns_status qns_h5_set_array(hid_t obj, const char *name, hid_t file_type, hid_t mem_type,
                            const void *v, size_t n, qns_err *err);

/* The getters leave *out as it is when the attribute is absent, and fail with FORMAT when it is of
 * another kind or too large. Results lie in the arena. */
qns_status qns_h5_get_int(int64_t *out, hid_t obj, const char *name, qns_err *err);
qns_status qns_h5_get_text(const char **out, hid_t obj, const char *name, qns_arena *a,
                           qns_err *err);
qns_status qns_h5_get_texts(const char *const **out, uint32_t *n, hid_t obj, const char *name,
                            qns_arena *a, qns_err *err);
/* max: largest number of elements that is accepted. */
qns_status qns_h5_get_doubles(const double **out, uint32_t *n, hid_t obj, const char *name,
                              uint32_t max, qns_arena *a, qns_err *err);

#endif
