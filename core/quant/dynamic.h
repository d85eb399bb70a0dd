/* SPDX-License-Identifier: MIT */
/* Nodes whose weights become codes or float16 while their activations stay float32: scales of the
 * activations are found in every run (spec section 6), or never (float16). */
#ifndef QNS_DYNAMIC_H
#define QNS_DYNAMIC_H

#include "core/quant/qconfig.h"

enum { QNS_DYNAMIC_SLOTS = 3 }; /* weights are among the first inputs */

/* By input slot; dtype QNS_DTYPE_COUNT where the input is none of the weights. int8 codes with
 * qparams, or float16 bits, in the layout of the constant. */
typedef struct qns_dynamic {
    qns_tensor weight[QNS_DYNAMIC_SLOTS];
} qns_dynamic;

/* Packs the weights of a node. *out is NULL and *why says so (a string literal) when it cannot be
 * dynamic on this backend. Fails with DATA when a weight is NaN or infinite. */
qns_status qns_dynamic_pack(const qns_dynamic **out, const char **why, qns_arena *a,
                            const qns_graph *g, const qns_node *n, const qns_backend *be,
                            const qns_obs_spec *weight, qns_hist_version hist, bool half,
                            qns_err *err);
/* The weights of any operator in float16, limited to its range (spec section 6). *out is NULL when
 * it has none. Fails with DATA as qns_dynamic_pack(). */
qns_status qns_dynamic_pack_half(const qns_dynamic **out, qns_arena *a, const qns_graph *g,
                                 const qns_node *n, qns_err *err);

#endif
