/* SPDX-License-Identifier: MIT */
#include "core/base/vec.h"

qns_status qns_vec_grow(void **at, size_t *cap, size_t n, size_t size, qns_err *err)
{
    if (n < *cap)
        return QNS_OK;
    const size_t want = *cap ? *cap * 2 : 16;
    void *p = qns_realloc(*at, want, size);
    if (!p)
        QNS_FAIL(err, NOMEM, "cannot get %zu x %zu bytes", want, size);
    *at = p;
    *cap = want;
    return QNS_OK;
}
