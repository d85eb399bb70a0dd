/* SPDX-License-Identifier: MIT */
/* Attributes of batch norm. */
#ifndef QNS_OP_BATCHNORM_H
#define QNS_OP_BATCHNORM_H

typedef struct qns_batchnorm_attr {
    float eps;
} qns_batchnorm_attr;

#endif
