/* SPDX-License-Identifier: MIT */
/* Convolution on codes: uint8 input, int8 weights, uint8 output, for both roundings. */
#include "core/base/mem.h"
#include "core/ops/conv_impl.h"
#include "core/ops/gemm_quant.h"

static const char *reject(const qns_call *c, qk_scheme scheme)
{
    const char *why = qns_gemm_quant_reject(c, scheme);

    if (why)
        return why;
    return c->in[0].layout == QNS_CHLAST || qns_layout_trivial(&c->in[0].shape)
               ? NULL
               : "the input is not channels-last";
}

static const char *reject_fbgemm(const qns_call *c)
{
    return reject(c, QK_RQ_FBGEMM);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return reject(c, QK_RQ_QNNPACK);
}

static qns_status prepare(void **packed, const qns_call *c, bool qnnpack, qns_arena *a,
                          qns_err *err)
{
    const qns_conv_attr *attr = c->node->attr;
    const qns_shape *x = &c->in[0].shape;
    qns_geom g;
    qns_tiles t;
    int8_t *w;

    QNS_TRY(qns_window_lay(&g, &attr->win, x, err));
    qns_tiles_conv(&t, &g, (size_t)x->dim[0], (size_t)x->dim[1], (size_t)c->out[0].shape.dim[1],
                   (size_t)attr->groups, 1, true);
    /* Channels within a tap side by side, as they come in the windows. */
    QNS_TRY(qns_new((void **)&w, qns_tensor_count(&c->in[1]), 1, err));
    qns_tensor_relayout(w, QNS_CHLAST, &c->in[1]);
    const qns_status st = qns_qgemm_create((qns_qgemm **)packed, c, &t, w, qnnpack, a, err);
    qns_free(w);
    return st;
}

static qns_status prepare_fbgemm(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare(packed, c, false, a, err);
}

static qns_status prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare(packed, c, true, a, err);
}

static size_t scratch_size(const qns_call *c)
{
    return qns_qgemm_scratch(c->packed);
}

static void run(const qns_call *c)
{
    qns_qgemm_run(c->out[0].data, c->packed, c->in[0].data, c);
}

const qns_impl qns_conv_u8s8_fbgemm = {
    .name = "conv.u8s8.fbgemm",
    .reject = reject_fbgemm,
    .prepare = prepare_fbgemm,
    .scratch_size = scratch_size,
    .run = run,
};

const qns_impl qns_conv_u8s8_qnnpack = {
    .name = "conv.u8s8.qnnpack",
    .reject = reject_qnnpack,
    .prepare = prepare_qnnpack,
    .scratch_size = scratch_size,
    .run = run,
};
