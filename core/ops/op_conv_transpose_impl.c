/* SPDX-License-Identifier: MIT */
/* Ways to run a transposed convolution: those of conv, over the spread input. */
#include "core/base/mem.h"
#include "core/float/conv.h"
#include "core/ops/conv_impl.h"

#include <string.h>

static qns_status lay(qns_geom *g, const qns_call *c, qns_err *err)
{
    return qns_conv_transpose_lay(g, c->node->attr, &c->in[0].shape, err);
}

/* The weight [in, out / groups, taps] with the output channels first: rows of taps in reverse with
 * channels within a tap side by side, or, for oneDNN, [out][in / groups][taps]. */
static void turn(void *to, const qns_call *c, bool rows)
{
    const qns_tensor *w = &c->in[1];
    const size_t groups = (size_t)((const qns_conv_attr *)c->node->attr)->groups;
    const size_t cg = (size_t)w->shape.dim[0] / groups, og = (size_t)w->shape.dim[1];
    const size_t taps = qns_shape_span(&w->shape, 2, w->shape.rank),
                 size = qns_dtype_size(w->dtype);
    const char *from = w->data;

    for (size_t in = 0; in < groups * cg; in++)
        for (size_t j = 0; j < og; j++)
            for (size_t t = 0; t < taps; t++, from += size) {
                const size_t out = in / cg * og + j, i = in % cg;
                const size_t at =
                    rows ? (out * taps + taps - 1 - t) * cg + i : (out * cg + i) * taps + t;

                memcpy((char *)to + at * size, from, size);
            }
}

static void weight(void *rows, const qns_call *c)
{
    turn(rows, c, true);
}

static const qns_conv_kind kind = {lay, weight};

/* ---- codes ---- */

/* The weight's qparams for each output channel: scales along axis 1 repeat in every group. */
static qns_status spread_qp(const qns_qparams **out, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_qparams *qp = c->in[1].qp;
    const int32_t n = (int32_t)c->out[0].shape.dim[1];
    double *scale;
    int32_t *zero;

    QNS_TRY(qns_arena_new((void **)&scale, a, (size_t)n, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, (size_t)n, sizeof *zero, err));
    for (int32_t i = 0; i < n; i++) {
        scale[i] = qp->scale[i % qp->n];
        zero[i] = qp->zero[i % qp->n];
    }
    return qns_qparams_new(out, a, qp->dtype, 0, n, scale, zero, err);
}

static const char *reject_s8(const qns_call *c, qns_gemm_contract contract)
{
    qns_tensor in[3];
    qns_qparams qp;
    qns_call as_conv = *c;

    if (c->in[1].qp && c->in[1].qp->axis == 0)
        return "the weight has scales along another axis than the output channels";
    if (!c->in[1].qp || c->in[1].qp->axis != 1)
        return qns_conv_reject_s8(c, contract);
    memcpy(in, c->in, c->node->n_in * sizeof *in);
    qp = *c->in[1].qp;
    qp.axis = 0;
    in[1].qp = &qp;
    as_conv.in = in;
    return qns_conv_reject_s8(&as_conv, contract);
}

static const char *reject_fbgemm(const qns_call *c)
{
    return reject_s8(c, QNS_GEMM_FBGEMM);
}

static const char *reject_onnx(const qns_call *c)
{
    return reject_s8(c, QNS_GEMM_ONNX);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return reject_s8(c, QNS_GEMM_QNNPACK);
}

static qns_status prepare_s8(void **packed, const qns_call *c, qns_qgemm_kind scheme, qns_arena *a,
                             qns_err *err)
{
    qns_tensor in[3];
    qns_call as_conv = *c;

    if (c->in[1].qp->axis < 0)
        return qns_conv_s8_prepare(packed, c, &kind, scheme, a, err);
    memcpy(in, c->in, c->node->n_in * sizeof *in);
    QNS_TRY(spread_qp(&in[1].qp, c, a, err));
    as_conv.in = in;
    return qns_conv_s8_prepare(packed, &as_conv, &kind, scheme, a, err);
}

static qns_status prepare_fbgemm(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare_s8(packed, c, QNS_QGEMM_FBGEMM, a, err);
}

static qns_status prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare_s8(packed, c, QNS_QGEMM_QNNPACK, a, err);
}

/* ---- float ---- */

static qns_status spec_of(qns_fconv_spec *s, const qns_call *c, qns_err *err)
{
    const qns_conv_attr *attr = c->node->attr;
    const int32_t n = (int32_t)attr->win.rank, lead = QNS_SPATIAL - n;
    qns_geom g;

    QNS_TRY(lay(&g, c, err));
    *s = (qns_fconv_spec){.spatial = n,
                          .batch = c->in[0].shape.dim[0],
                          .in_ch = c->in[0].shape.dim[1],
                          .out_ch = c->out[0].shape.dim[1],
                          .groups = attr->groups,
                          .clamp = c->node->clamp,
                          .transposed = true};
    for (int32_t i = 0; i < n; i++) {
        const int64_t span = (attr->win.kernel[i] - 1) * attr->win.dilation[i] + 1;

        s->in[i] = g.in[lead + i];
        s->out[i] = g.out[lead + i];
        s->kernel[i] = attr->win.kernel[i];
        s->stride[i] = attr->win.stride[i];
        s->dilation[i] = attr->win.dilation[i];
        s->pad_lo[i] = span - 1 - g.pad_lo[lead + i];
        s->pad_hi[i] = (s->in[i] - 1) * s->stride[i] + span - s->pad_lo[i] - s->out[i];
    }
    return QNS_OK;
}

static const char *reject_onednn(const qns_call *c)
{
    const char *why = qns_conv_reject_f32(c);
    qns_fconv_spec s;

    if (why)
        return why;
    if (c->engine == QNS_ENGINE_REFERENCE)
        return "the reference engine was asked for";
    if (!c->in[1].data || (qns_call_has(c, 2) && !c->in[2].data))
        return "the weight is not constant";
    if (spec_of(&s, c, NULL) != QNS_OK)
        return "the window does not fit";
    for (int32_t i = 0; i < s.spatial; i++) {
        const int64_t span = (s.kernel[i] - 1) * s.dilation[i] + 1;

        if (s.pad_lo[i] >= span || s.pad_hi[i] >= span || s.pad_hi[i] <= -s.stride[i])
            return "oneDNN takes no such padding";
    }
    return NULL;
}

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const float *bias = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL;
    qns_fconv_spec s;
    float *w;

    if (!qns_tensor_count(&c->out[0]))
        return QNS_OK;
    QNS_TRY(spec_of(&s, c, err));
    QNS_TRY(qns_new((void **)&w, qns_tensor_count(&c->in[1]), sizeof *w, err));
    turn(w, c, false);
    const qns_status st = qns_fconv_create((qns_fconv **)packed, &s, w, bias, a, err);
    qns_free(w);
    return st;
}

static qns_status share_onednn(void **packed, const void *of, qns_err *err)
{
    return qns_fconv_share((qns_fconv **)packed, of, err);
}

static void release_onednn(void *packed)
{
    qns_fconv_free(packed);
}

static size_t scratch_onednn(const qns_call *c)
{
    return c->packed ? qns_fconv_scratch(c->packed) : 0;
}

static void run_onednn(const qns_call *c)
{
    if (c->packed)
        qns_fconv_run(qns_f32(&c->out[0]), c->packed, qns_cf32(&c->in[0]), c->scratch);
}

static qns_status prepare_reference(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_reference_prepare(packed, c, &kind, a, err);
}

const qns_impl qns_conv_transpose_u8s8_fbgemm = {
    .name = "conv_transpose.u8s8.fbgemm",
    .reject = reject_fbgemm,
    .prepare = prepare_fbgemm,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
};

const qns_impl qns_conv_transpose_u8s8_onnx = {
    .name = "conv_transpose.u8s8.onnx",
    .reject = reject_onnx,
    .prepare = prepare_fbgemm,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
};

const qns_impl qns_conv_transpose_u8s8_qnnpack = {
    .name = "conv_transpose.u8s8.qnnpack",
    .reject = reject_qnnpack,
    .warn = qns_gemm_quant_warn,
    .prepare = prepare_qnnpack,
    .scratch_size = qns_conv_s8_scratch,
    .run = qns_conv_s8_run,
    .on_team = true,
};

const qns_impl qns_conv_transpose_f32_onednn = {
    .name = "conv_transpose.f32.onednn",
    .reject = reject_onednn,
    .prepare = prepare_onednn,
    .share = share_onednn,
    .release = release_onednn,
    .scratch_size = scratch_onednn,
    .run = run_onednn,
};

const qns_impl qns_conv_transpose_f32_reference = {
    .name = "conv_transpose.f32.reference",
    .reject = qns_conv_reject_f32,
    .prepare = prepare_reference,
    .scratch_size = qns_conv_reference_scratch,
    .run = qns_conv_reference_run,
};
