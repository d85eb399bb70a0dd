/* SPDX-License-Identifier: MIT */
/* Attributes of batch norm, and its form for training. */
#ifndef QNS_OP_BATCHNORM_H
#define QNS_OP_BATCHNORM_H

#include "core/graph/op.h"

typedef struct qns_batchnorm_attr {
    float eps;
    float momentum;   /* training: how much of the old mean and variance stays */
    int64_t training; /* statistics are those of the batch; outputs 1 and 2 are the new averages */
} qns_batchnorm_attr;

extern const qns_impl qns_batchnorm_training;

#endif
