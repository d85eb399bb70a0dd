/* SPDX-License-Identifier: MIT */
/* What the files of conv and linear share. */
#ifndef QNS_CONV_IMPL_H
#define QNS_CONV_IMPL_H

#include "core/graph/op.h"
#include "core/ops/tiles.h"

typedef struct qns_conv_attr {
    qns_window win;
    int64_t groups;
} qns_conv_attr;

/* The int8 matrix product with requantization behind both operators: prepared once, run with any
 * input of the prepared shape. */
typedef struct qns_qgemm qns_qgemm;
/* w: rows of t->k codes, one for each of out_ch output channels, taps in kernel order and channels
 * within a tap side by side. qnnpack: the other scheme. t is copied. */
qns_status qns_qgemm_create(qns_qgemm **out, const qns_call *c, const qns_tiles *t, const int8_t *w,
                            bool qnnpack, qns_arena *a, qns_err *err);
size_t qns_qgemm_scratch(const qns_qgemm *q);
void qns_qgemm_run(uint8_t *out, const qns_qgemm *q, const uint8_t *in, const qns_call *c);

/* The float matrix product by the function table: bits do not depend on ISA or threads. Packing can
 * be done once, or, when the weight is no constant, in every run. */
size_t qns_fgemm_pack_size(const qns_tiles *t); /* floats */
void qns_fgemm_pack(float *packed, const qns_tiles *t, const float *w);
typedef struct qns_fgemm {
    const qns_tiles *t;
    const float *packed, *bias; /* bias may be NULL */
    qns_range clamp;
} qns_fgemm;
/* scratch: t->threads * qns_tile_mem_size(t) bytes. */
void qns_fgemm_run(float *out, const qns_fgemm *f, const float *in, const qk_table *k,
                   void *scratch);

/* Folds an affine into the weight in[1] and the bias in[2] (made if there is none). The new
 * constants keep the origins of the old. linear: the association of spec 7.1 for linear layers.
 * Fails with UNSUPPORTED when the weight is no float constant of a->n output channels. */
qns_status qns_fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                           const qns_affine *a, bool linear, qns_err *err);

extern const qns_impl qns_conv_u8s8_fbgemm, qns_conv_u8s8_qnnpack, qns_conv_f32_onednn,
    qns_conv_f32_reference;

#endif
