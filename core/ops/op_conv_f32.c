/* SPDX-License-Identifier: MIT */
/* Float convolution: by oneDNN, and the reference by the function table, whose bits are the same on
 * every machine. */
#include "core/float/conv.h"
#include "core/ops/conv_impl.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <string.h>

const char *qns_conv_reject_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);

    if (why)
        return why;
    return c->in[0].layout == QNS_CHLAST || qns_layout_trivial(&c->in[0].shape)
               ? NULL
               : "the input is not channels-last";
}

static const char *reject_onednn(const qns_call *c)
{
    const char *why = qns_conv_reject_f32(c);

    if (why)
        return why;
    if (c->engine == QNS_ENGINE_REFERENCE)
        return "the reference engine was asked for";
    if (!c->in[1].data || (qns_call_has(c, 2) && !c->in[2].data))
        return "the weight is not constant";
    return NULL;
}

static qns_status spec_of(qns_fconv_spec *s, const qns_call *c, qns_err *err)
{
    const qns_conv_attr *attr = c->node->attr;
    const qns_shape *x = &c->in[0].shape;
    const int32_t n = (int32_t)attr->win.rank, lead = QNS_SPATIAL - n;
    qns_geom g;

    QNS_TRY(qns_window_lay(&g, &attr->win, x, err));
    *s = (qns_fconv_spec){.spatial = n,
                          .batch = x->dim[0],
                          .in_ch = x->dim[1],
                          .out_ch = c->out[0].shape.dim[1],
                          .groups = attr->groups,
                          .clamp = c->node->clamp};
    for (int32_t i = 0; i < n; i++) {
        s->in[i] = g.in[lead + i];
        s->out[i] = g.out[lead + i];
        s->kernel[i] = g.kernel[lead + i];
        s->stride[i] = g.stride[lead + i];
        s->dilation[i] = g.dilation[lead + i];
        s->pad_lo[i] = g.pad_lo[lead + i];
        s->pad_hi[i] = g.pad_hi[lead + i];
    }
    return QNS_OK;
}

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const float *bias = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL;
    qns_fconv_spec s;

    if (!qns_tensor_count(&c->out[0]))
        return QNS_OK;
    QNS_TRY(spec_of(&s, c, err));
    return qns_fconv_create((qns_fconv **)packed, &s, qns_cf32(&c->in[1]), bias, a, err);
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

/* Reference: packed weights, or NULL when the weight is no constant and is packed in every run. */
typedef struct reference {
    const qns_conv_kind *kind;
    qns_tiles t;
    float *packed;
} reference;

static qns_status lay_plain(qns_geom *g, const qns_call *c, qns_err *err)
{
    return qns_window_lay(g, &((const qns_conv_attr *)c->node->attr)->win, &c->in[0].shape, err);
}

static void weight_plain(void *rows, const qns_call *c)
{
    qns_tensor_relayout(rows, QNS_CHLAST, &c->in[1]);
}

const qns_conv_kind qns_conv_plain = {lay_plain, weight_plain};

qns_status qns_conv_reference_prepare(void **packed, const qns_call *c, const qns_conv_kind *kind,
                                      qns_arena *a, qns_err *err)
{
    const qns_conv_attr *attr = c->node->attr;
    const qns_shape *x = &c->in[0].shape;
    reference *r;
    qns_geom g;
    float *w;

    QNS_TRY(qns_arena_new((void **)&r, a, 1, sizeof *r, err));
    r->kind = kind;
    QNS_TRY(kind->lay(&g, c, err));
    qns_tiles_conv(&r->t, &g, (size_t)x->dim[0], (size_t)x->dim[1], (size_t)c->out[0].shape.dim[1],
                   (size_t)attr->groups, sizeof(float), false);
    QNS_TRY(qns_arena_new(&r->t.pad, a, r->t.in_ch, sizeof(float), err));
    *packed = r;
    if (!c->in[1].data)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&r->packed, a, qns_fgemm_pack_size(&r->t), sizeof *w, err));
    QNS_TRY(qns_arena_new((void **)&w, a, qns_tensor_count(&c->in[1]), sizeof *w, err));
    kind->weight(w, c);
    qns_fgemm_pack(r->packed, &r->t, w);
    return QNS_OK;
}

static qns_status prepare_reference(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_conv_reference_prepare(packed, c, &qns_conv_plain, a, err);
}

static size_t round_up(size_t v)
{
    return (v + 63) / 64 * 64;
}

size_t qns_conv_reference_scratch(const qns_call *c)
{
    const reference *r = c->packed;
    size_t n = (size_t)r->t.threads * qns_tile_mem_size(&r->t);

    if (!r->packed)
        n += round_up(qns_tensor_bytes(&c->in[1])) +
             round_up(qns_fgemm_pack_size(&r->t) * sizeof(float));
    return n;
}

void qns_conv_reference_run(const qns_call *c)
{
    const reference *r = c->packed;
    char *scratch = c->scratch;
    qns_fgemm f = {&r->t, r->packed, NULL, c->node->clamp};

    if (qns_call_has(c, 2))
        f.bias = qns_cf32(&c->in[2]);
    if (!r->packed) {
        float *w = (float *)(void *)scratch;
        float *packed = (float *)(void *)(scratch + round_up(qns_tensor_bytes(&c->in[1])));

        scratch = (char *)packed + round_up(qns_fgemm_pack_size(&r->t) * sizeof(float));
        r->kind->weight(w, c);
        qns_fgemm_pack(packed, &r->t, w);
        f.packed = packed;
    }
    qns_fgemm_run(qns_f32(&c->out[0]), &f, qns_cf32(&c->in[0]), c->k, scratch);
}

const qns_impl qns_conv_f32_onednn = {
    .name = "conv.f32.onednn",
    .reject = reject_onednn,
    .prepare = prepare_onednn,
    .share = share_onednn,
    .release = release_onednn,
    .scratch_size = scratch_onednn,
    .run = run_onednn,
};

const qns_impl qns_conv_f32_reference = {
    .name = "conv.f32.reference",
    .reject = qns_conv_reject_f32,
    .prepare = prepare_reference,
    .scratch_size = qns_conv_reference_scratch,
    .run = qns_conv_reference_run,
};
