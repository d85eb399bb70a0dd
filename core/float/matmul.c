/* SPDX-License-Identifier: MIT */
/* Float matrix products by oneDNN. */
#include "core/float/matmul.h"

#include "core/base/mem.h"
#include "core/float/onednn.h"

#include <math.h>

struct qns_flinear {
    qns_dnn dnn;
    int in, out;
};

struct qns_fmatmul {
    qns_dnn dnn;
    int a, b, out;
};

static qns_status make_linear(qns_flinear *f, const int64_t mnk[3], const float *w,
                              const float *bias, qns_range clamp, qns_arena *a, qns_err *err)
{
    const int64_t src[] = {mnk[0], mnk[2]}, dst[] = {mnk[0], mnk[1]}, wgt[] = {mnk[1], mnk[2]};
    dnnl_memory_desc_t src_md, dst_md, w_md, plain_md, bias_md;
    dnnl_inner_product_desc_t ip;

    QNS_TRY(qns_dnn_describe(&src_md, 2, src, dnnl_ab, err));
    QNS_TRY(qns_dnn_describe(&dst_md, 2, dst, dnnl_ab, err));
    QNS_TRY(qns_dnn_describe(&w_md, 2, wgt, dnnl_format_tag_any, err));
    QNS_TRY(qns_dnn_describe(&plain_md, 2, wgt, dnnl_ab, err));
    QNS_TRY(qns_dnn_describe(&bias_md, 1, &mnk[1], dnnl_a, err));
    QNS_TRY(
        qns_dnn_check(dnnl_inner_product_forward_desc_init(&ip, dnnl_forward_inference, &src_md,
                                                           &w_md, bias ? &bias_md : NULL, &dst_md),
                      "describing an inner product", err));
    QNS_TRY(qns_dnn_init(&f->dnn, err));
    QNS_TRY(qns_dnn_make(&f->dnn, &ip, clamp, err));
    QNS_TRY(qns_dnn_arg(&f->in, &f->dnn, DNNL_ARG_SRC, dnnl_query_src_md, err));
    QNS_TRY(qns_dnn_arg(&f->out, &f->dnn, DNNL_ARG_DST, dnnl_query_dst_md, err));
    QNS_TRY(qns_dnn_constant(&f->dnn, DNNL_ARG_WEIGHTS,
                             qns_dnn_desc(&f->dnn, dnnl_query_weights_md), &plain_md, w, a, err));
    if (bias)
        QNS_TRY(qns_dnn_constant(&f->dnn, DNNL_ARG_BIAS, &bias_md, &bias_md, bias, a, err));
    return qns_dnn_scratch(&f->dnn, err);
}

qns_status qns_flinear_create(qns_flinear **out, int64_t m, int64_t n, int64_t k, const float *w,
                              const float *bias, qns_range clamp, qns_arena *a, qns_err *err)
{
    const int64_t mnk[3] = {m, n, k};
    qns_flinear *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    const qns_status st = make_linear(f, mnk, w, bias, clamp, a, err);
    if (st != QNS_OK) {
        qns_flinear_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

qns_status qns_flinear_share(qns_flinear **out, const qns_flinear *of, qns_err *err)
{
    qns_flinear *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    *f = *of;
    const qns_status st = qns_dnn_share(&f->dnn, &of->dnn, err);
    if (st != QNS_OK) {
        qns_flinear_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

void qns_flinear_free(qns_flinear *f)
{
    if (!f)
        return;
    qns_dnn_fini(&f->dnn);
    qns_free(f);
}

size_t qns_flinear_scratch(const qns_flinear *f)
{
    return f->dnn.scratch_size;
}

void qns_flinear_run(float *out, qns_flinear *f, const float *in, void *scratch)
{
    qns_dnn_set(&f->dnn, f->in, in);
    qns_dnn_set(&f->dnn, f->out, out);
    qns_dnn_run(&f->dnn, scratch);
}

static qns_status make_matmul(qns_fmatmul *f, const qns_shape *a, const qns_shape *b,
                              const qns_shape *product, qns_err *err)
{
    static const dnnl_format_tag_t row[] = {dnnl_ab,     dnnl_abc,     dnnl_abcd,    dnnl_abcde,
                                            dnnl_abcdef, dnnl_abcdefg, dnnl_abcdefgh};
    const dnnl_format_tag_t tag = row[a->rank - 2];
    dnnl_memory_desc_t a_md, b_md, out_md;
    dnnl_matmul_desc_t mm;

    QNS_TRY(qns_dnn_describe(&a_md, a->rank, a->dim, tag, err));
    QNS_TRY(qns_dnn_describe(&b_md, b->rank, b->dim, tag, err));
    QNS_TRY(qns_dnn_describe(&out_md, product->rank, product->dim, tag, err));
    QNS_TRY(qns_dnn_check(dnnl_matmul_desc_init(&mm, &a_md, &b_md, NULL, &out_md),
                          "describing a matrix product", err));
    QNS_TRY(qns_dnn_init(&f->dnn, err));
    QNS_TRY(qns_dnn_make(&f->dnn, &mm, QNS_NO_CLAMP, err));
    QNS_TRY(qns_dnn_arg(&f->a, &f->dnn, DNNL_ARG_SRC, dnnl_query_src_md, err));
    QNS_TRY(qns_dnn_arg(&f->b, &f->dnn, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, err));
    QNS_TRY(qns_dnn_arg(&f->out, &f->dnn, DNNL_ARG_DST, dnnl_query_dst_md, err));
    return qns_dnn_scratch(&f->dnn, err);
}

qns_status qns_fmatmul_create(qns_fmatmul **out, const qns_shape *a, const qns_shape *b,
                              const qns_shape *product, qns_err *err)
{
    qns_fmatmul *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    const qns_status st = make_matmul(f, a, b, product, err);
    if (st != QNS_OK) {
        qns_fmatmul_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

qns_status qns_fmatmul_share(qns_fmatmul **out, const qns_fmatmul *of, qns_err *err)
{
    qns_fmatmul *f;

    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    *f = *of;
    const qns_status st = qns_dnn_share(&f->dnn, &of->dnn, err);
    if (st != QNS_OK) {
        qns_fmatmul_free(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

void qns_fmatmul_free(qns_fmatmul *f)
{
    if (!f)
        return;
    qns_dnn_fini(&f->dnn);
    qns_free(f);
}

size_t qns_fmatmul_scratch(const qns_fmatmul *f)
{
    return f->dnn.scratch_size;
}

void qns_fmatmul_run(float *out, qns_fmatmul *f, const float *a, const float *b, void *scratch)
{
    qns_dnn_set(&f->dnn, f->a, a);
    qns_dnn_set(&f->dnn, f->b, b);
    qns_dnn_set(&f->dnn, f->out, out);
    qns_dnn_run(&f->dnn, scratch);
}
