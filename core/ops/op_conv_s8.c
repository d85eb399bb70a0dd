/* SPDX-License-Identifier: MIT */
/* Convolution on codes: uint8 input, int8 weights, uint8 output, for both roundings. What has
 * external linkage is for conv_transpose, too. */
#include "core/base/mem.h"
#include "core/ops/conv_impl.h"
#include "core/ops/gemm_quant.h"

const char *qns_conv_reject_s8(const qns_call *c, bool qnnpack)
{
    const char *why = qns_gemm_quant_reject(c, qnnpack ? QK_RQ_QNNPACK : QK_RQ_FBGEMM);

    if (why)
        return why;
    return c->in[0].layout == QNS_CHLAST || qns_layout_trivial(&c->in[0].shape)
               ? NULL
               : "the input is not channels-last";
}

static const char *reject_fbgemm(const qns_call *c)
{
    return qns_conv_reject_s8(c, false);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return qns_conv_reject_s8(c, true);
}

qns_status qns_conv_s8_prepare(void **packed, const qns_call *c, const qns_conv_kind *kind,
                               bool qnnpack, qns_arena *a, qns_err *err)
{
    const qns_conv_attr *attr = c->node->attr;
    const qns_shape *x = &c->in[0].shape;
    qns_geom g;
    qns_tiles t;
    int8_t *w;

    QNS_TRY(kind->lay(&g, c, err));
    qns_tiles_conv(&t, &g, (size_t)x->dim[0], (size_t)x->dim[1], (size_t)c->out[0].shape.dim[1],
                   (size_t)attr->groups, 1, true);
    /* Channels within a tap side by side, as they come in the windows. */
    QNS_TRY(qns_new((void **)&w, qns_tensor_count(&c->in[1]), 1, err));
    kind->weight(w, c);
    const qns_status st = qns_qgemm_create((qns_qgemm **)packed, c, &t, w, qnnpack, a, err);
    qns_free(w);
    return st;
}

static qns_status prepare_fbgemm(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_s8_prepare(packed, c, &qns_conv_plain, false, a, err);
}

static qns_status prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_s8_prepare(packed, c, &qns_conv_plain, true, a, err);
}

size_t qns_conv_s8_scratch(const qns_call *c)
{
    return qns_qgemm_scratch(c->packed);
}

void qns_conv_s8_run(const qns_call *c)
{
    qns_qgemm_run(c->out[0].data, c->packed, c->in[0].data, c);
}

const qns_impl qns_conv_u8s8_fbgemm = {
    .name = "conv.u8s8.fbgemm",
    .reject = reject_fbgemm,
    .prepare = prepare_fbgemm,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
};

const qns_impl qns_conv_u8s8_qnnpack = {
    .name = "conv.u8s8.qnnpack",
    .reject = reject_qnnpack,
    .prepare = prepare_qnnpack,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
};
