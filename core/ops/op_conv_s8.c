/* SPDX-License-Identifier: MIT */
/* Convolution on codes: uint8 input, int8 weights, uint8 output, for the contracts of gemm_quant.h.
 * What has external linkage is for conv_transpose, too. */
#include "core/base/mem.h"
#include "core/ops/conv_impl.h"
#include "core/ops/gemm_quant.h"

const char *qns_conv_reject_s8(const qns_call *c, qns_gemm_contract contract)
{
    const char *why = qns_gemm_quant_reject(c, contract);

    if (why)
        return why;
    return c->in[0].layout == QNS_CHLAST || qns_layout_trivial(&c->in[0].shape)
               ? NULL
               : "the input is not channels-last";
}

static bool all_are(const int64_t *x, int64_t n, int64_t a, int64_t b)
{
    for (int64_t i = 0; i < n; i++)
        if (x[i] != a && x[i] != b)
            return false;
    return true;
}

/* Windows that keep the size at stride 1, without holes. */
static bool is_centred(const qns_geom *g, int32_t rank)
{
    const int first = QNS_SPATIAL - rank;

    for (int i = first; i < QNS_SPATIAL; i++)
        if (g->pad_lo[i] != (g->kernel[i] - 1) / 2 || g->pad_hi[i] != g->pad_lo[i])
            return false;
    return all_are(g->dilation + first, rank, 1, 1) && all_are(g->stride + first, rank, 1, 2);
}

/* FBGEMM has a kernel of its own for these windows; it saturates on every CPU. */
static bool has_depthwise_kernel(const qns_geom *g, int32_t rank, size_t groups, size_t og)
{
    const int first = QNS_SPATIAL - rank;

    return rank >= 2 && groups % 8 == 0 && og <= 2 && all_are(g->kernel + first, rank, 3, 5) &&
           g->kernel[1] == g->kernel[2] && is_centred(g, rank);
}

/* ... and for these; it never saturates. */
static bool has_groupwise_kernel(const qns_geom *g, int32_t rank, size_t groups, size_t cg,
                                 size_t og)
{
    const int first = QNS_SPATIAL - rank;

    return rank >= 2 && cg == og && (cg == 4 || cg == 8 || cg == 16) && groups * cg % 8 == 0 &&
           groups > 1 && all_are(g->kernel + first, rank, 3, 3) && is_centred(g, rank);
}

/* Spec section 4.1, "vpmaddubsw saturation". */
static bool saturates(const qns_call *c)
{
    const qns_conv_attr *attr = c->node->attr;
    const qns_shape *x = &c->in[0].shape;
    const size_t groups = (size_t)attr->groups, cg = (size_t)x->dim[1] / groups;
    const size_t og = (size_t)c->in[1].shape.dim[0] / groups;
    const int32_t rank = x->rank - 2;
    qns_geom g;

    if (c->be->accum == QNS_ACCUM_EXACT || qns_window_lay(&g, &attr->win, x, NULL) != QNS_OK)
        return false;
    if (groups > 1 && cg == 1 && has_depthwise_kernel(&g, rank, groups, og))
        return true;
    return c->be->accum == QNS_ACCUM_PAIRS && !has_groupwise_kernel(&g, rank, groups, cg, og);
}

static const char *reject_fbgemm(const qns_call *c)
{
    const char *why = qns_conv_reject_s8(c, QNS_GEMM_FBGEMM);

    return why ? why : saturates(c) ? "the backend's pairs of products saturate" : NULL;
}

static const char *reject_pairs(const qns_call *c)
{
    const char *why = qns_conv_reject_s8(c, QNS_GEMM_FBGEMM);

    return why ? why : saturates(c) ? NULL : "the backend's sums are exact";
}

static const char *reject_onnx(const qns_call *c)
{
    return qns_conv_reject_s8(c, QNS_GEMM_ONNX);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return qns_conv_reject_s8(c, QNS_GEMM_QNNPACK);
}

qns_status qns_conv_s8_prepare(void **packed, const qns_call *c, const qns_conv_kind *kind,
                               qns_qgemm_kind scheme, qns_arena *a, qns_err *err)
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
    const qns_status st = qns_qgemm_create((qns_qgemm **)packed, c, &t, w, scheme, a, err);
    qns_free(w);
    return st;
}

static qns_status prepare_fbgemm(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_s8_prepare(packed, c, &qns_conv_plain, QNS_QGEMM_FBGEMM, a, err);
}

static qns_status prepare_pairs(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_s8_prepare(packed, c, &qns_conv_plain, QNS_QGEMM_PAIRS, a, err);
}

static qns_status prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_s8_prepare(packed, c, &qns_conv_plain, QNS_QGEMM_QNNPACK, a, err);
}

size_t qns_conv_s8_scratch(const qns_call *c)
{
    return qns_qgemm_scratch(c);
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
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_conv_u8s8_fbgemm_pairs = {
    .name = "conv.u8s8.fbgemm_pairs",
    .reject = reject_pairs,
    .prepare = prepare_pairs,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_conv_u8s8_onnx = {
    .name = "conv.u8s8.onnx",
    .reject = reject_onnx,
    .prepare = prepare_fbgemm, /* the same rounding; the bias tells where it is added */
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_conv_u8s8_qnnpack = {
    .name = "conv.u8s8.qnnpack",
    .reject = reject_qnnpack,
    .warn = qns_gemm_quant_warn,
    .prepare = prepare_qnnpack,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};
