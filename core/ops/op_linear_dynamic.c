/* SPDX-License-Identifier: MIT */
/* Dynamic linear layer: float [..., K] times constant weights [N, K] of int8 codes or float16, plus
 * a float bias [N]. The input is quantized in the run, with a scale of its own (spec section 6);
 * input that is not finite gives NaN. In files it is DynamicQuantizeLinear, MatMulInteger and what
 * belongs to them, which choose scale and zero point in another way (lower_dynamic.h). */
#include "core/ops/op_linear_dynamic.h"

#include "core/ops/dynamic_linear.h"
#include "core/ops/op_help.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *w = &in[1].shape;

    if (w->rank != 2 || w->dim[0] < 1 || w->dim[1] < 1)
        QNS_FAIL(err, SHAPE, "the weight has shape %s, must have two axes, not empty",
                 qns_shape_str(w).s);
    if (x->rank < 1 || x->dim[x->rank - 1] != w->dim[1])
        QNS_FAIL(err, SHAPE, "the input has shape %s, its last axis must be %lld",
                 qns_shape_str(x).s, (long long)w->dim[1]);
    if (n->n_in > 2 && in[2].dtype != QNS_DTYPE_COUNT &&
        (in[2].shape.rank != 1 || in[2].shape.dim[0] != w->dim[0]))
        QNS_FAIL(err, SHAPE, "the bias has shape %s, must be [%lld]", qns_shape_str(&in[2].shape).s,
                 (long long)w->dim[0]);
    out[0].dtype = QNS_F32;
    out[0].shape = *x;
    out[0].shape.dim[x->rank - 1] = w->dim[0];
    return QNS_OK;
}

static const char *reject_common(const qns_call *c)
{
    if (c->in[0].dtype != QNS_F32 || c->out[0].dtype != QNS_F32)
        return "input and output must be float32";
    if (!c->in[1].data)
        return "the weight is not constant";
    if (qns_call_has(c, 2) && (c->in[2].dtype != QNS_F32 || !c->in[2].data))
        return "the bias is not a float32 constant";
    return NULL;
}

static const char *reject_codes(const qns_call *c, qns_requant scheme)
{
    const qns_tensor *w = &c->in[1];

    if (c->be->requant != scheme)
        return "the backend computes dynamic layers in another way";
    if (w->dtype != QNS_I8 || !w->qp)
        return "the weight is not int8 codes";
    if (w->qp->axis > 0)
        return "the weight has scales along another axis than the outputs";
    return reject_common(c);
}

static const char *reject_fbgemm(const qns_call *c)
{
    return reject_codes(c, QNS_REQUANT_FBGEMM);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return reject_codes(c, QNS_REQUANT_QNNPACK);
}

static const char *reject_half(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_FBGEMM)
        return "the backend has no linear layer with float16 weights";
    if (c->in[1].dtype != QNS_F16)
        return "the weight is neither int8 codes nor float16";
    return reject_common(c);
}

static size_t rows_of(const qns_call *c)
{
    return qns_shape_span(&c->in[0].shape, 0, c->in[0].shape.rank - 1);
}

static qns_status prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_linear_dynamic_attr none = {0}, *attr = c->node->attr ? c->node->attr : &none;
    const qns_tensor *w = &c->in[1];
    const qns_dynlin_spec spec = {
        .rule = {c->be->requant, attr->full_range, attr->fb8},
        .n = (size_t)w->shape.dim[0],
        .k = (size_t)w->shape.dim[1],
        .w = w->dtype == QNS_I8 ? w->data : NULL,
        .qp = w->qp,
        .half = w->dtype == QNS_F16 ? w->data : NULL,
        .bias = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL,
        .clamp = c->node->clamp,
    };

    return qns_dynlin_create((qns_dynlin **)packed, a, &spec, err);
}

static size_t scratch_size(const qns_call *c)
{
    return qns_dynlin_scratch(c->packed, rows_of(c));
}

static void run(const qns_call *c)
{
    /* A failure has made the output NaN, which is how numbers report themselves. */
    qns_dynlin_run(qns_f32(&c->out[0]), c->packed, qns_cf32(&c->in[0]), rows_of(c), c->k,
                   c->scratch, NULL);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)in[1].shape.dim[1];
}

static const qns_impl fbgemm = {
    .name = "linear_dynamic.s8.fbgemm",
    .reject = reject_fbgemm,
    .prepare = prepare,
    .scratch_size = scratch_size,
    .run = run,
};

static const qns_impl qnnpack = {
    .name = "linear_dynamic.s8.qnnpack",
    .reject = reject_qnnpack,
    .prepare = prepare,
    .scratch_size = scratch_size,
    .run = run,
};

static const qns_impl half = {
    .name = "linear_dynamic.f16.fbgemm",
    .reject = reject_half,
    .prepare = prepare,
    .scratch_size = scratch_size,
    .run = run,
};

static const qns_impl *const impls[] = {&fbgemm, &qnnpack, &half, NULL};

const qns_op qns_op_linear_dynamic = {
    .name = "linear_dynamic",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_linear_dynamic_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .quant = {.out = QNS_OUT_FLOAT, .weight = 1, .bias = 2},
    .takes_clamp = true,
    .macs = macs,
    .impls = impls,
};
