/* SPDX-License-Identifier: MIT */
/* What the files of conv, conv_transpose and linear share. */
#ifndef QNS_CONV_IMPL_H
#define QNS_CONV_IMPL_H

#include "core/graph/op.h"
#include "core/ops/gemm_quant.h"
#include "core/ops/tiles.h"

typedef struct qns_conv_attr {
    qns_window win;
    int64_t groups;
} qns_conv_attr;

/* Begins like qns_conv_attr. */
typedef struct qns_conv_transpose_attr {
    qns_conv_attr conv;
    int64_t out_pad[QNS_SPATIAL];
    int64_t out_size[QNS_SPATIAL]; /* all 0: by the formula; else the padding follows from it */
} qns_conv_transpose_attr;

/* conv and conv_transpose differ in how the window is laid and in how the weight lies in the file.
 */
typedef struct qns_conv_kind {
    qns_status (*lay)(qns_geom *g, const qns_call *c, qns_err *err);
    void (*weight)(void *rows, const qns_call *c); /* rows: [out][taps][in / groups] */
} qns_conv_kind;
extern const qns_conv_kind qns_conv_plain;
const char *qns_conv_reject_f32(const qns_call *c);
qns_status qns_conv_reference_prepare(void **packed, const qns_call *c, const qns_conv_kind *kind,
                                      qns_arena *a, qns_err *err);
size_t qns_conv_reference_scratch(const qns_call *c);
void qns_conv_reference_run(const qns_call *c);

/* Shared with other convolutions of this attribute: shapes of two or three inputs; attributes of a
 * node whose weight is input `weight`; writing them back as Conv. */
qns_status qns_conv_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);
qns_status qns_conv_read_attr(qns_conv_attr *a, qns_onnx_node *n, uint32_t weight, qns_err *err);
qns_status qns_conv_write_attr(qns_onnx_out *w, const qns_graph *g, const qns_node *n,
                               qns_err *err);
uint64_t qns_conv_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out);
void qns_conv_describe(char *out, size_t size, const qns_node *n);

/* The int8 matrix product with requantization behind both operators: prepared once, run with any
 * input of the prepared shape. */
typedef struct qns_qgemm qns_qgemm;
typedef enum qns_qgemm_kind {
    QNS_QGEMM_FBGEMM,
    QNS_QGEMM_PAIRS, /* sums of two neighbouring products saturate at 16 bits (spec section 4.1) */
    QNS_QGEMM_QNNPACK
} qns_qgemm_kind;
/* w: rows of t->k codes, one for each of out_ch output channels, taps in kernel order and channels
 * within a tap side by side. t is copied. */
qns_status qns_qgemm_create(qns_qgemm **out, const qns_call *c, const qns_tiles *t, const int8_t *w,
                            qns_qgemm_kind kind, qns_arena *a, qns_err *err);
size_t qns_qgemm_scratch(const qns_call *c);
const void *qns_qgemm_weights(const qns_call *c); /* qns_impl, reads_first */
bool qns_qgemm_gives_pieces(const qns_call *c, size_t piece);
void qns_qgemm_run(uint8_t *out, const qns_qgemm *q, const uint8_t *in, const qns_call *c);
const char *qns_conv_reject_s8(const qns_call *c, qns_gemm_contract contract);
qns_status qns_conv_s8_prepare(void **packed, const qns_call *c, const qns_conv_kind *kind,
                               qns_qgemm_kind scheme, qns_arena *a, qns_err *err);
size_t qns_conv_s8_scratch(const qns_call *c);
void qns_conv_s8_run(const qns_call *c);

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
 * transposed: 0, or the number of groups of a weight [in, out / groups, ...]. Fails with
 * UNSUPPORTED when the weight is no float constant of a->n output channels. */
typedef struct qns_fold_kind {
    bool linear;
    int64_t transposed;
} qns_fold_kind;
qns_status qns_fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                           const qns_affine *a, qns_fold_kind kind, qns_err *err);

extern const qns_impl qns_conv_u8s8_fbgemm, qns_conv_u8s8_fbgemm_pairs, qns_conv_u8s8_onnx,
    qns_conv_u8s8_qnnpack, qns_conv_f32_onednn, qns_conv_f32_reference;
extern const qns_impl qns_conv_transpose_u8s8_fbgemm, qns_conv_transpose_u8s8_onnx,
    qns_conv_transpose_u8s8_qnnpack, qns_conv_transpose_f32_onednn,
    qns_conv_transpose_f32_reference;
/* The window over the input spread out: a convolution with stride 1 and the kernel reversed. */
qns_status qns_conv_transpose_lay(qns_geom *g, const qns_conv_transpose_attr *a,
                                  const qns_shape *in, qns_err *err);

#endif
