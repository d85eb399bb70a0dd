/* SPDX-License-Identifier: MIT */
/* linear_static and conv: codes through the integer operators of both backends. */
#include "core/model/elem.h"
#include "core/ops/conv_impl.h"
#include "core/quant/weight.h"
#include "golden_op.h"
#include "kernels/kernels.h"

static const qns_range relu = {0.0f, INFINITY};

static qns_conv_attr conv_attr(gd *c, const qns_shape *w)
{
    qns_conv_attr a = {.win = {.rank = w->rank - 2}, .groups = gd_int_or(c, "groups", 1)};
    const size_t n = (size_t)a.win.rank;
    for (size_t i = 0; i < n; i++)
        a.win.kernel[i] = w->dim[i + 2];
    gd_ints(a.win.stride, c, "stride", n, 1);
    gd_ints(a.win.dilation, c, "dilation", n, 1);
    gd_ints(a.win.pad_lo, c, "padding", n, 0);
    gd_ints(a.win.pad_hi, c, "padding", n, 0);
    return a;
}

static void check_backend(gd *c, gd_op *r, const char *be)
{
    r->be = be;
    gd_op_check(c, r, gd_name(c, "y_%s", be));
    if (r->impl && !strstr(r->impl, be))
        gd_fail(c, "'%s' ran on the backend %s", r->impl, be);
}

static void fill(gd *c, gd_op *r)
{
    const qns_qparams *x = gd_qp_keys(c, QNS_U8, "x_scale", "x_zero_point");
    const int32_t axis = gd_num(c, "per_channel") != 0 ? 0 : -1;
    r->in[0] = gd_codes(c, "x_q", x);
    r->in[1] = gd_codes(c, "w_q", gd_qp_arrays(c, QNS_I8, axis, "w_scales", "w_zero_points"));
    r->n_in = 2;
    if (gd_has(c, "bias"))
        r->in[r->n_in++] = gd_tensor(c, "bias");
    r->constants = 6;
    r->out_qp = gd_qp_keys(c, QNS_U8, "out_scale", "out_zero_point");
    r->clamp = gd_num_or(c, "relu", 0) != 0 ? &relu : NULL;
}

/* The accumulators by the library's matrix product, without bias. */
static void check_accumulators(gd *c, const gd_op *r)
{
    const qns_tensor *x = &r->in[0], *w = &r->in[1];
    const size_t m = (size_t)x->shape.dim[0], k = (size_t)x->shape.dim[1];
    const size_t n = (size_t)w->shape.dim[0], ld = (k + 3) / 4 * 4;
    uint8_t *rows = gd_mem(c, m * ld, 1);
    const uint8_t **row = gd_mem(c, m, sizeof *row);
    int8_t *packed = gd_mem(c, qk_pack_s8_size(n, k), 1);
    int32_t *col_sum = gd_mem(c, n, sizeof *col_sum), *acc = gd_mem(c, m * n, sizeof *acc);
    qk_table t;
    qk_table_init(&t, ~0u);
    qk_pack_s8(packed, col_sum, w->data, n, k);
    for (size_t i = 0; i < m; i++) {
        memcpy(rows + i * ld, (const uint8_t *)x->data + i * k, k);
        row[i] = rows + i * ld;
    }
    t.gemm_u8s8(acc, n, row, m, packed, n, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const int32_t za = x->qp->zero[0], zw = qns_qparams_zero(w->qp, (int32_t)j);
            int32_t sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += row[i][p];
            acc[i * n + j] += -za * col_sum[j] - zw * sum + (int32_t)k * za * zw;
        }
    const qns_shape s = {2, {(int64_t)m, (int64_t)n}};
    gd_same(c, "acc_int32", acc, QNS_ELEM_I32, &s);
}

static void check_bias(gd *c, const gd_op *r)
{
    const int32_t *codes;
    const qns_qparams *qp;
    qns_err err = {0};
    if (r->n_in < 3)
        return;
    const qns_value bias = {
        .name = "bias", .dtype = QNS_F32, .shape = r->in[2].shape, .constant = r->in[2].data};
    gd_ok(c,
          qns_bias_quantize(&codes, &qp, c->arena, &bias, r->in[0].qp->scale[0], r->in[1].qp, &err),
          &err, "bias");
    gd_same(c, "bias_q_qnnpack", codes, QNS_ELEM_I32, &bias.shape);
}

static void linear(gd *c)
{
    gd_op r = {.op = "linear"};
    fill(c, &r);
    if (r.in[0].shape.rank != 2 || r.in[1].shape.rank != 2 ||
        r.in[0].shape.dim[1] != r.in[1].shape.dim[1])
        gd_stop(c, "the shapes of x and w do not fit");
    check_backend(c, &r, "fbgemm");
    check_backend(c, &r, "qnnpack");
    check_accumulators(c, &r);
    check_bias(c, &r);
}

static void conv(gd *c)
{
    gd_op r = {.op = "conv", .layout = QNS_CHLAST};
    fill(c, &r);
    if (r.in[1].shape.rank < 3 || r.in[1].shape.rank > 5)
        gd_stop(c, "the weight has %d axes", (int)r.in[1].shape.rank);
    const qns_conv_attr a = conv_attr(c, &r.in[1].shape);
    r.attr = &a;
    check_backend(c, &r, "fbgemm");
    check_backend(c, &r, "qnnpack");
}

static void conv_transpose(gd *c)
{
    gd_op r = {.op = "conv_transpose", .layout = QNS_CHLAST};
    fill(c, &r);
    if (r.in[1].shape.rank < 3 || r.in[1].shape.rank > 5)
        gd_stop(c, "the weight has %d axes", (int)r.in[1].shape.rank);
    qns_conv_transpose_attr a = {.conv = conv_attr(c, &r.in[1].shape)};
    gd_ints(a.out_pad, c, "output_padding", (size_t)a.conv.win.rank, 0);
    r.attr = &a;
    check_backend(c, &r, "fbgemm");
    check_backend(c, &r, "qnnpack");
}

const gd_kind gd_gemm_kinds[] = {
    {"linear_static", "linear", linear},
    {"conv", "conv1d", conv},
    {"conv", "conv2d", conv},
    {"conv", "conv3d", conv},
    {"conv", "conv_transpose1d", conv_transpose},
    {"conv", "conv_transpose2d", conv_transpose},
    {"conv", "conv_transpose3d", conv_transpose},
    {NULL, NULL, NULL},
};
