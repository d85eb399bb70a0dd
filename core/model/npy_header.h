/* SPDX-License-Identifier: MIT */
/* The header of a .npy file: a Python dictionary such as
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
#ifndef QNS_NPY_HEADER_H
#define QNS_NPY_HEADER_H

#include "core/graph/shape.h"
#include "core/model/elem.h"

enum {
    QNS_NPY_PREFIX = 12, /* bytes from the start that tell the length of the rest, at most */
    QNS_NPY_MAX_HEADER = 64 * 1024
};

typedef struct qns_npy_header {
    qns_elem elem;
    bool fortran;
    qns_shape shape;
} qns_npy_header;

/* From the first n bytes of a file (QNS_NPY_PREFIX, or all it has): where the dictionary starts and
 * how long it is. Fails with FORMAT. */
qns_status qns_npy_prefix(size_t *start, size_t *length, const unsigned char *p, size_t n,
                          qns_err *err);
/* text is terminated behind its n bytes. Fails with FORMAT or UNSUPPORTED. */
qns_status qns_npy_parse_header(qns_npy_header *out, const char *text, size_t n, qns_err *err);

#endif
