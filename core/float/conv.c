/* SPDX-License-Identifier: MIT */
/* Float convolution by oneDNN. */
#include "core/float/conv.h"

#include "core/base/mem.h"
#include "core/float/onednn.h"

struct qns_fconv {
    qns_dnn dnn;
    int in, out;
};

/* Memory descriptions from which the primitive is chosen. */
typedef struct descs {
    dnnl_memory_desc_t src, dst, w_any, w_plain, bias;
} descs;

static qns_status describe(dnnl_memory_desc_t *md, const qns_fconv_spec *s, const int64_t lead[],
                           int n_lead, const int64_t *spatial, dnnl_format_tag_t tag, qns_err *err)
{
    dnnl_dims_t dims;

    for (int i = 0; i < n_lead; i++)
        dims[i] = lead[i];
    for (int i = 0; i < s->spatial; i++)
        dims[n_lead + i] = spatial[i];
    return qns_dnn_describe(md, n_lead + s->spatial, dims, tag, err);
}

static qns_status describe_all(descs *d, const qns_fconv_spec *s, qns_err *err)
{
    static const dnnl_format_tag_t act[] = {dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};
    static const dnnl_format_tag_t plain[2][3] = {{dnnl_oiw, dnnl_oihw, dnnl_oidhw},
                                                  {dnnl_goiw, dnnl_goihw, dnnl_goidhw}};
    const int64_t src[] = {s->batch, s->in_ch}, dst[] = {s->batch, s->out_ch};
    const int64_t w[] = {s->groups, s->out_ch / s->groups, s->in_ch / s->groups};
    const bool grouped = s->groups > 1;
    const int64_t *lead = grouped ? w : w + 1;
    const int n_lead = grouped ? 3 : 2, i = s->spatial - 1;

    QNS_TRY(describe(&d->src, s, src, 2, s->in, act[i], err));
    QNS_TRY(describe(&d->dst, s, dst, 2, s->out, act[i], err));
    QNS_TRY(describe(&d->w_any, s, lead, n_lead, s->kernel, dnnl_format_tag_any, err));
    QNS_TRY(describe(&d->w_plain, s, lead, n_lead, s->kernel, plain[grouped][i], err));
    return qns_dnn_describe(&d->bias, 1, &s->out_ch, dnnl_a, err);
}

typedef union problem {
    dnnl_convolution_desc_t conv;
    dnnl_deconvolution_desc_t transposed;
} problem;

static qns_status state(problem *p, const qns_fconv_spec *s, const descs *d, bool has_bias,
                        qns_err *err)
{
    dnnl_dims_t stride = {0}, dilation = {0}, pad_lo = {0}, pad_hi = {0};
    const dnnl_memory_desc_t *bias = has_bias ? &d->bias : NULL;

    for (int i = 0; i < s->spatial; i++) {
        stride[i] = s->stride[i];
        dilation[i] = s->dilation[i] - 1;
        pad_lo[i] = s->pad_lo[i];
        pad_hi[i] = s->pad_hi[i];
    }
    if (s->transposed)
        return qns_dnn_check(dnnl_dilated_deconvolution_forward_desc_init(
                                 &p->transposed, dnnl_forward_inference, dnnl_deconvolution_direct,
                                 &d->src, &d->w_any, bias, &d->dst, stride, dilation, pad_lo,
                                 pad_hi),
                             "describing a transposed convolution", err);
    return qns_dnn_check(dnnl_dilated_convolution_forward_desc_init(
                             &p->conv, dnnl_forward_inference, dnnl_convolution_direct, &d->src,
                             &d->w_any, bias, &d->dst, stride, dilation, pad_lo, pad_hi),
                         "describing a convolution", err);
}

static qns_status make(qns_fconv *f, const qns_fconv_spec *s, const float *w, const float *bias,
                       qns_arena *a, qns_err *err)
{
    problem p;
    descs d;

    QNS_TRY(describe_all(&d, s, err));
    QNS_TRY(state(&p, s, &d, bias != NULL, err));
    QNS_TRY(qns_dnn_init(&f->dnn, err));
    QNS_TRY(qns_dnn_make(&f->dnn, &p, s->clamp, err));
    QNS_TRY(qns_dnn_arg(&f->in, &f->dnn, DNNL_ARG_SRC, dnnl_query_src_md, err));
    QNS_TRY(qns_dnn_arg(&f->out, &f->dnn, DNNL_ARG_DST, dnnl_query_dst_md, err));
    QNS_TRY(qns_dnn_constant(&f->dnn, DNNL_ARG_WEIGHTS,
                             qns_dnn_desc(&f->dnn, dnnl_query_weights_md), &d.w_plain, w, a, err));
    if (bias)
        QNS_TRY(qns_dnn_constant(&f->dnn, DNNL_ARG_BIAS, &d.bias, &d.bias, bias, a, err));
    return qns_dnn_scratch(&f->dnn, err);
}

qns_status qns_fconv_create(qns_fconv **out, const qns_fconv_spec *s, const float *w,
                            const float *bias, qns_arena *a, qns_err *err)
{
    qns_fconv *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    const qns_status st = make(f, s, w, bias, a, err);
    if (st != QNS_OK) {
        qns_fconv_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

qns_status qns_fconv_share(qns_fconv **out, const qns_fconv *of, qns_err *err)
{
    qns_fconv *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    *f = *of;
    const qns_status st = qns_dnn_share(&f->dnn, &of->dnn, err);
    if (st != QNS_OK) {
        qns_fconv_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

void qns_fconv_free(qns_fconv *f)
{
    if (!f)
        return;
    qns_dnn_fini(&f->dnn);
    qns_free(f);
}

size_t qns_fconv_scratch(const qns_fconv *f)
{
    return f->dnn.scratch_size;
}

void qns_fconv_run(float *out, qns_fconv *f, const float *in, void *scratch)
{
    qns_dnn_set(&f->dnn, f->in, in);
    qns_dnn_set(&f->dnn, f->out, out);
    qns_dnn_run(&f->dnn, scratch);
}
