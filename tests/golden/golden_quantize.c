/* SPDX-License-Identifier: MIT */
/* quantize: floats to codes and back; choose_qparams: a range to scale and zero point. */
#include "core/graph/choose_dynamic.h"
#include "core/model/elem.h"
#include "core/ops/codes.h"
#include "core/ops/op_quantize.h"
#include "core/ops/tensor_quantize.h"
#include "golden_op.h"

static qns_dtype code_type(gd *c)
{
    const char *t = gd_text(c, "dtype");
    if (t && strcmp(t, "u8") == 0)
        return QNS_U8;
    if (t && strcmp(t, "s8") == 0)
        return QNS_I8;
    if (t && strcmp(t, "s32") == 0)
        return QNS_I32;
    gd_stop(c, "'dtype' is neither u8 nor s8 nor s32");
}

static void store(void *out, qns_dtype type, size_t i, int32_t q)
{
    if (type == QNS_U8)
        ((uint8_t *)out)[i] = (uint8_t)q;
    else if (type == QNS_I8)
        ((int8_t *)out)[i] = (int8_t)q;
    else
        ((int32_t *)out)[i] = q;
}

typedef int32_t code_fn(float x, float inv, int32_t zero, int32_t lo, int32_t hi);

/* One code at a time, by the library's scalar formulas. */
static void check_scalar(gd *c, const char *field, const qns_qparams *qp, code_fn *f)
{
    size_t n;
    const float *x = gd_floats(c, "x", &n);
    const float inv = 1.0f / (float)qp->scale[0];
    void *out = gd_mem(c, n, qns_dtype_size(qp->dtype));
    const qns_shape s = gd_get(c, "x").shape;
    for (size_t i = 0; i < n; i++)
        store(out, qp->dtype, i,
              f(x[i], inv, qp->zero[0], qns_dtype_min(qp->dtype), qns_dtype_max(qp->dtype)));
    gd_same(c, field, out, (int)qns_elem_of(qp->dtype), &s);
}

static void by_operators(gd *c, const qns_qparams *qp, const char *x, const char *q,
                         const char *codes, const char *dq)
{
    const qns_quantize_attr attr = {qp};
    if (q) {
        gd_op r = {.op = "quantize", .attr = &attr, .n_in = 1, .in = {gd_tensor(c, x)}};
        gd_op_check(c, &r, q);
    }
    gd_op r = {.op = "dequantize", .attr = &attr, .n_in = 1, .in = {gd_codes(c, codes, qp)}};
    gd_op_check(c, &r, dq);
}

/* The tensor functions. codes: of qns_quantize_...(); dq: of the codes in the field from. */
static void by_functions(gd *c, const qns_qparams *qp, const char *codes, const char *from,
                         const char *dq)
{
    const qns_tensor x = gd_tensor(c, "x"), source = gd_codes(c, from, qp);
    qns_arena *a;
    qns_tensor q, back;
    qns_err err = {0};
    gd_ok(c, qns_arena_create(&a, &err), &err, "arena");
    gd_ok(c,
          qp->axis < 0
              ? qns_quantize_per_tensor(&q, a, &x, qp->scale[0], qp->zero[0], qp->dtype, &err)
              : qns_quantize_per_channel(&q, a, &x, qp->scale, qp->zero, qp->axis, qp->dtype, &err),
          &err, "quantize");
    gd_ok(c, qns_dequantize(&back, a, &source, &err), &err, "dequantize");
    const qns_tensor ints = qns_int_repr(&q);
    gd_same_tensor(c, codes, &ints, "int_repr");
    gd_same_tensor(c, dq, &back, "dequantize");
    qns_arena_free(a);
}

static void per_tensor(gd *c)
{
    const qns_qparams *qp = gd_qp_keys(c, code_type(c), "scale", "zero_point");
    const bool wide = qp->dtype == QNS_I32;
    check_scalar(c, "q_native", qp, qns_code_of_native);
    if (wide)
        check_scalar(c, "q_fbgemm", qp, qns_code_of);
    by_operators(c, qp, "x", wide ? NULL : "q_fbgemm", "q_native", "dq_of_native");
    by_functions(c, qp, "q_fbgemm", "q_native", "dq_of_native");
}

static void per_channel(gd *c)
{
    const int32_t axis = (int32_t)gd_int(c, "axis");
    const qns_qparams *qp = gd_qp_arrays(c, code_type(c), axis, "scales", "zero_points");
    by_operators(c, qp, "x", "q", "q", "dq");
    by_functions(c, qp, "q", "q", "dq");
}

static void float_qparams(gd *c)
{
    const gd_array x = gd_get(c, "x");
    const int32_t axis = (int32_t)gd_int(c, "axis");
    size_t channels, n_zero;
    const float *v = gd_floats(c, "x", NULL), *scale = gd_floats(c, "scales", &channels);
    const float *zero = gd_floats(c, "zero_points", &n_zero);
    const int32_t hi = qns_dtype_max(code_type(c));
    if (axis < 0 || axis >= x.shape.rank || channels != (size_t)x.shape.dim[axis] ||
        n_zero != channels || hi != 255)
        gd_stop(c, "scales and zero points do not fit the array");
    const size_t inner = qns_shape_span(&x.shape, axis + 1, x.shape.rank);
    uint8_t *q = gd_mem(c, x.n, 1);
    float *dq = gd_mem(c, x.n, sizeof *dq);
    for (size_t i = 0; i < x.n; i++) {
        const size_t ch = i / inner % channels;
        q[i] = (uint8_t)qns_code_of_float_zero(v[i], scale[ch], zero[ch], 0, hi);
        dq[i] = qns_value_of_float_zero(q[i], scale[ch], zero[ch]);
    }
    gd_same(c, "q", q, QNS_ELEM_U8, &x.shape);
    gd_same(c, "dq", dq, QNS_ELEM_F32, &x.shape);
}

const gd_kind gd_quantize_kinds[] = {
    {"quantize", "per_tensor", per_tensor},
    {"quantize", "per_channel", per_channel},
    {"quantize", "per_channel_float_qparams", float_qparams},
    {NULL, NULL, NULL},
};

/* ---- choose_qparams ---- */

typedef struct row {
    const double *lo, *hi, *qmin, *qmax, *sparse, *reduce;
} row;

static void choose(gd *c, const row *r, size_t n, qns_choose_variant v, double *scale,
                   int32_t *zero)
{
    for (size_t i = 0; i < n; i++) {
        const qns_choose_rule rule = {.variant = v,
                                      .qmin = (int32_t)r->qmin[i],
                                      .qmax = (int32_t)r->qmax[i],
                                      .preserve_sparsity = r->sparse[i] != 0,
                                      .reduce_range = r->reduce[i] != 0};
        const qns_range range = {(float)r->lo[i], (float)r->hi[i]};
        qns_err err = {0};
        gd_ok(c, qns_choose_dynamic(&scale[i], &zero[i], &rule, range, &err), &err,
              gd_name(c, "row %zu, range %.9g .. %.9g", i, r->lo[i], r->hi[i]));
    }
}

static void table(gd *c)
{
    const gd_array a = gd_get(c, "min");
    const size_t n = a.n;
    const row r = {gd_doubles(c, "min", n),
                   gd_doubles(c, "max", n),
                   gd_doubles(c, "qmin", n),
                   gd_doubles(c, "qmax", n),
                   gd_doubles(c, "preserve_sparsity", n),
                   gd_doubles(c, "reduce_range", n)};
    double *scale = gd_mem(c, n, sizeof *scale);
    int32_t *zero = gd_mem(c, n, sizeof *zero);
    float *rounded = gd_mem(c, n, sizeof *rounded);
    choose(c, &r, n, QNS_CHOOSE_TORCH, scale, zero);
    gd_same(c, "scale_torch_f64", scale, QNS_ELEM_F64, &a.shape);
    gd_same(c, "zp_torch", zero, QNS_ELEM_I32, &a.shape);
    choose(c, &r, n, QNS_CHOOSE_FB, scale, zero);
    for (size_t i = 0; i < n; i++)
        rounded[i] = (float)scale[i];
    gd_same(c, "scale_fbgemm_head_f32", rounded, QNS_ELEM_F32, &a.shape);
    gd_same(c, "zp_fbgemm_head", zero, QNS_ELEM_I32, &a.shape);
}

const gd_kind gd_choose_kinds[] = {{"choose_qparams", "table", table}, {NULL, NULL, NULL}};
