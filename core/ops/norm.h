/* SPDX-License-Identifier: MIT */
/* Layer, group and instance norm: each group of numbers is brought to mean 0 and variance 1, then
 * scaled and shifted by gamma and beta. What differs is which numbers form a group and which gamma
 * a number gets. Codes follow spec section 5.4: the sums of a group are exact integers. */
#ifndef QNS_NORM_H
#define QNS_NORM_H

#include "core/graph/op.h"

typedef struct qns_layer_norm_attr {
    int64_t axis; /* the group: this and all later axes */
    float eps;
    int32_t unused;
} qns_layer_norm_attr;

typedef struct qns_group_norm_attr {
    int64_t groups;      /* 0: one for each channel (instance norm) */
    int64_t per_channel; /* gamma and beta have one number for each channel, else for each group */
    float eps;
    int32_t unused;
} qns_group_norm_attr;

/* Where the numbers lie: `groups` groups of outer x inner numbers each, and for number (o, i) of
 * group g the element and its parameter. */
typedef struct qns_norm {
    size_t groups, outer, inner;
    size_t batch; /* groups of one image; group g starts at g / batch * image + g % batch * group */
    size_t image, group;
    size_t outer_step, inner_step;                /* in elements */
    size_t param_group, param_outer, param_inner; /* parameter: (g % batch) * param_group + ... */
    float eps;
    bool layer; /* the association of layer norm */
} qns_norm;

/* gamma and beta are inputs 1 and 2; beta may be left out. Outputs 1 and 2, when the node has them,
 * get mean and 1 / deviation of every group. */
void qns_norm_run_f32(const qns_call *c, const qns_norm *n);
void qns_norm_run_u8(const qns_call *c, const qns_norm *n);
const char *qns_norm_reject_u8(const qns_call *c);

/* For group and instance norm: shape, cost, and the laying out of a channels-last or planar input.
 */
qns_status qns_group_norm_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in,
                                qns_err *err);
qns_norm qns_group_norm_lay(const qns_call *c);
void qns_group_norm_run_f32(const qns_call *c);
void qns_group_norm_run_u8(const qns_call *c);
uint64_t qns_norm_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out);
qns_status qns_norm_read_eps(float *eps, qns_onnx_node *n, qns_err *err);

#endif
