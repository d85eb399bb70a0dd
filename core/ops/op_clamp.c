/* SPDX-License-Identifier: MIT */
/* Clamp to a range: relu is [0, inf), relu6 is [0, 6], clip is any other. On codes it is an integer
 * minimum and maximum with the quantized bounds, and the quantization stays (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"
#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static qns_status set(qns_clamp_attr *a, float lo, float hi, qns_err *err)
{
    if (isnan(lo) || isnan(hi))
        QNS_FAIL(err, DATA, "a bound is not a number");
    /* Exporters write "no bound" as the largest float. */
    a->range.lo = lo <= -FLT_MAX ? -INFINITY : lo;
    a->range.hi = hi >= FLT_MAX ? INFINITY : hi;
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const bool whole = qns_is_int(in[0].dtype) && !in[0].qp;
    return whole ? qns_infer_same(out, n, in, err) : qns_infer_unary(out, n, in, err);
}

static qns_status read_relu(void *attr, qns_onnx_node *n, qns_err *err)
{
    return set(attr, 0.0f, INFINITY, err);
}

static qns_status read_clip_6(void *attr, qns_onnx_node *n, qns_err *err)
{
    float lo, hi;
    QNS_TRY(qns_attrs_float(&lo, n->attrs, "min", -INFINITY, err));
    QNS_TRY(qns_attrs_float(&hi, n->attrs, "max", INFINITY, err));
    return set(attr, lo, hi, err);
}

/* A float, or an integer that a float holds exactly. */
static qns_status bound(float *out, const qns_onnx_node *n, uint32_t i, float def, const char *what,
                        qns_err *err)
{
    qns_tensor t;
    if (!qns_onnx_given(n, i) || qns_gb_value(n->gb, n->in[i])->dtype == QNS_F32)
        return qns_onnx_float(out, n, i, def, what, err);
    QNS_TRY(qns_onnx_constant(&t, n, i, what, err));
    if (!qns_is_int(t.dtype) || t.qp || qns_tensor_count(&t) != 1)
        QNS_FAIL(err, SHAPE, "input '%s' must be one number, is %s %s", what,
                 qns_dtype_name(t.dtype), qns_shape_str(&t.shape).s);
    const int64_t v = qns_int_at(&t, 0);
    if (v < -(1 << 24) || v > 1 << 24)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' is beyond 2^24", what);
    *out = (float)v;
    return QNS_OK;
}

static qns_status read_clip_11(void *attr, qns_onnx_node *n, qns_err *err)
{
    float lo, hi;
    QNS_TRY(bound(&lo, n, 1, -INFINITY, "min", err));
    QNS_TRY(bound(&hi, n, 2, INFINITY, "max", err));
    qns_onnx_keep_inputs(n, 1);
    return set(attr, lo, hi, err);
}

static bool is_relu(qns_range r)
{
    return r.lo == 0.0f && isinf(r.hi);
}

/* A bound has the type of what is clamped; a float for codes, too. */
static qns_status add_bound(qns_onnx_out *w, const char *suffix, const qns_value *x, float v,
                            qns_err *err)
{
    int64_t whole;
    const qns_tensor t = {.dtype = x->dtype, .data = &whole};
    if (!qns_is_int(x->dtype) || x->qp)
        return qns_onnx_add_float(w, suffix, v, err);
    qns_int_put(&t, 0, qns_int_of_real(x->dtype, (double)v));
    return qns_onnx_add_tensor(w, suffix, &t, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_clamp_attr *a = n->attr;
    const qns_value *x = qns_graph_value(g, n->in[0]);
    if (is_relu(a->range)) {
        w->type = "Relu";
        return QNS_OK;
    }
    w->type = "Clip";
    if (isinf(a->range.lo))
        qns_onnx_add_none(w);
    else
        QNS_TRY(add_bound(w, "min", x, a->range.lo, err));
    if (!isinf(a->range.hi))
        QNS_TRY(add_bound(w, "max", x, a->range.hi, err));
    return QNS_OK;
}

static bool as_clamp(qns_range *range, const qns_graph *g, const qns_node *n)
{
    *range = ((const qns_clamp_attr *)n->attr)->range;
    return true;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_range r = ((const qns_clamp_attr *)n->attr)->range;
    if (is_relu(r))
        snprintf(out, size, "relu");
    else if (r.lo == 0.0f && r.hi == 6.0f)
        snprintf(out, size, "relu6");
    else
        snprintf(out, size, "clip [%g, %g]", (double)r.lo, (double)r.hi);
}

static void run_f32(const qns_call *c)
{
    const qns_range r = ((const qns_clamp_attr *)c->node->attr)->range;
    const size_t n = qns_tensor_count(&c->in[0]);
    const float *x = qns_cf32(&c->in[0]);
    float *y = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (n > QNS_PAR_MIN)
    for (size_t i = 0; i < n; i++) {
        const float v = x[i] < r.lo ? r.lo : x[i]; /* NaN stays */
        y[i] = v > r.hi ? r.hi : v;
    }
}

static const char *reject_ints(const qns_call *c)
{
    if (!qns_is_int(c->in[0].dtype) || c->in[0].qp)
        return "the input has no plain integers";
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static void run_ints(const qns_call *c)
{
    const qns_range r = ((const qns_clamp_attr *)c->node->attr)->range;
    const qns_dtype type = c->in[0].dtype;
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++) {
        int64_t v = qns_int_at(&c->in[0], i);
        /* The bounds are small: a value that is rounded as a double is far from them. */
        if (qns_int_real(type, v) < (double)r.lo)
            v = qns_int_of_real(type, (double)r.lo);
        if (qns_int_real(type, v) > (double)r.hi)
            v = qns_int_of_real(type, (double)r.hi);
        qns_int_put(&c->out[0], i, v);
    }
}

static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_reject_not_moved(c);
}

static const char *reject_s8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_I8);
    return why ? why : qns_reject_not_moved(c);
}

/* A thread has so many codes at least. */
enum { RUN = 1 << 15 };

static void clamp_codes(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const char *x = (const char *)c->in[0].data + first;
    char *y = (char *)c->out[0].data + first;
    int32_t lo, hi;
    qns_code_bounds(&lo, &hi, ((const qns_clamp_attr *)c->node->attr)->range, c->out[0].qp);
    if (lo > hi)
        lo = hi; /* as max first, then min */
    if (c->in[0].dtype == QNS_U8)
        c->k->clamp_u8((uint8_t *)y, (const uint8_t *)x, end - first, (uint8_t)lo, (uint8_t)hi);
    else
        c->k->clamp_s8((int8_t *)y, (const int8_t *)x, end - first, (int8_t)lo, (int8_t)hi);
}

static void run_codes(const qns_call *c)
{
    qns_parallel_ranges(c->team, qns_tensor_count(&c->in[0]), RUN, clamp_codes, c);
}

static const qns_impl u8 = {
    .name = "clamp.u8", .reject = reject_u8, .run = run_codes, .on_team = true, .in_place = true};
static const qns_impl s8 = {
    .name = "clamp.s8", .reject = reject_s8, .run = run_codes, .on_team = true, .in_place = true};
static const qns_impl ints = {
    .name = "clamp.int", .reject = reject_ints, .run = run_ints, .in_place = true};
static const qns_impl f32 = {
    .name = "clamp.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl *const impls[] = {&u8, &s8, &ints, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"Relu", 6, read_relu},
    {"Clip", 6, read_clip_6},
    {"Clip", 11, read_clip_11},
    {NULL, 0, NULL},
};

const qns_op qns_op_clamp = {
    .name = "clamp",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_clamp_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .as_clamp = as_clamp,
    .describe = describe,
    .impls = impls,
};
