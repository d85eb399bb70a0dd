/* SPDX-License-Identifier: MIT */
#include "core/ops/qoperator.h"

#include "core/base/str.h"
#include "core/ops/op_help.h"
#include "core/ops/qdq_onnx.h"

extern const qns_op qns_op_dequantize;

/* A node as QuantizeLinear and DequantizeLinear have it, for their reader. */
static qns_status read_params(const qns_qparams **out, const qns_onnx_node *n, qns_vid x,
                              uint32_t scale, int32_t axis, bool quantize, qns_err *err)
{
    qns_quantize_attr attr;
    qns_attrs attrs = {.arena = n->attrs->arena};
    qns_onnx_node sub = {.type = n->type, .name = n->name, .opset = n->opset, .gb = n->gb};
    if (!qns_onnx_given(n, scale))
        QNS_FAIL(err, FORMAT, "input %u, a scale, is missing", scale);
    sub.attrs = &attrs;
    sub.in[0] = x;
    sub.in[1] = n->in[scale];
    sub.in[2] = qns_onnx_given(n, scale + 1) ? n->in[scale + 1] : QNS_NO_VALUE;
    sub.n_in = 3;
    qns_status st = qns_attrs_add_int(&attrs, "axis", axis, err);
    if (st == QNS_OK)
        st = qns_qdq_read(&attr, &sub, quantize, err);
    if (st == QNS_OK)
        *out = attr.qp;
    else
        qns_err_note(err, "scale in input %u", scale);
    qns_attrs_fini(&attrs);
    return st;
}

qns_status qns_qop_dequantize(qns_vid *out, qns_onnx_node *n, qns_vid codes, const qns_qparams *qp,
                              qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_quantize_attr attr = {qp};
    const qns_value *v = qns_gb_value(n->gb, codes);
    const char *origin = v->origin;
    qns_str name = {0}, node = {0};
    qns_str_addf(&name, "%s_real", v->name);
    qns_str_addf(&node, "%s/dequantize", n->name);
    if (name.failed || node.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot make a name");
    const char *const text = qns_str_get(&name);
    const qns_node_spec s = {.op = &qns_op_dequantize,
                             .name = qns_str_get(&node),
                             .attr = &attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = &codes,
                             .n_in = 1,
                             .n_out = 1,
                             .out_name = &text,
                             .out_origin = &origin};
    st = qns_gb_node(out, n->gb, &s, err);
done:
    qns_str_fini(&name);
    qns_str_fini(&node);
    return st;
}

qns_status qns_qop_input(qns_vid *out, qns_onnx_node *n, uint32_t i, int32_t axis, qns_err *err)
{
    const qns_qparams *qp;
    if (!qns_onnx_given(n, i))
        QNS_FAIL(err, FORMAT, "input %u is missing", i);
    QNS_TRY(read_params(&qp, n, n->in[i], i + 1, axis, false, err));
    return qns_qop_dequantize(out, n, n->in[i], qp, err);
}

qns_status qns_qop_output(qns_onnx_node *n, uint32_t i, qns_err *err)
{
    QNS_TRY(read_params(&n->out_qp, n, n->in[0], i, 0, true, err));
    if (n->out_qp->axis >= 0)
        QNS_FAIL(err, UNSUPPORTED, "input %u gives the output %d scales, must be one", i,
                 (int)n->out_qp->n);
    return QNS_OK;
}

const qns_qparams *qns_qop_qparams(const qns_onnx_node *n, qns_vid v)
{
    const qns_node *dq = qns_has(v) ? qns_gb_maker(n->gb, v) : NULL;
    return dq && dq->op == &qns_op_dequantize ? ((const qns_quantize_attr *)dq->attr)->qp : NULL;
}

qns_status qns_qop_bias(qns_vid *out, qns_onnx_node *n, uint32_t i, qns_vid x, qns_vid w,
                        qns_err *err)
{
    const qns_qparams *qx = qns_qop_qparams(n, x), *qw = qns_qop_qparams(n, w), *qp;
    const qns_value *b = qns_gb_value(n->gb, n->in[i]);
    double *scale;
    int32_t *zero;
    if (b->dtype != QNS_I32 || b->shape.rank != 1)
        QNS_FAIL(err, SHAPE, "the bias is %s %s, must be int32 with one axis",
                 qns_dtype_name(b->dtype), qns_shape_str(&b->shape).s);
    if (qx->n != 1 || (qw->n != 1 && qw->n != b->shape.dim[0]))
        QNS_FAIL(err, SHAPE, "the bias has shape %s, but there are %d scales of the weight",
                 qns_shape_str(&b->shape).s, (int)qw->n);
    qns_arena *a = qns_gb_arena(n->gb);
    QNS_TRY(qns_arena_new((void **)&scale, a, (size_t)qw->n, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, (size_t)qw->n, sizeof *zero, err));
    for (int32_t c = 0; c < qw->n; c++)
        scale[c] = (double)(float)(qw->scale[c] * qx->scale[0]);
    QNS_TRY(qns_qparams_new(&qp, a, QNS_I32, qw->n == 1 ? -1 : 0, qw->n, scale, zero, err));
    return qns_qop_dequantize(out, n, n->in[i], qp, err);
}

qns_status qns_qop_read_unary(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_vid x;
    (void)attr;
    QNS_TRY(qns_qop_output(n, 3, err));
    QNS_TRY(qns_qop_input(&x, n, 0, 0, err));
    n->in[0] = x;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

qns_status qns_qop_read_binary(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_vid a, b;
    (void)attr;
    QNS_TRY(qns_qop_output(n, 6, err));
    QNS_TRY(qns_qop_input(&a, n, 0, 0, err));
    QNS_TRY(qns_qop_input(&b, n, 3, 0, err));
    n->in[0] = a;
    n->in[1] = b;
    qns_onnx_keep_inputs(n, 2);
    return QNS_OK;
}

qns_status qns_qop_transpose(bool *done, qns_vid *v, qns_onnx_node *n, qns_err *err)
{
    const qns_qparams *qp = qns_qop_qparams(n, *v);
    const qns_value *codes = qns_gb_value(n->gb, qns_gb_maker(n->gb, *v)->in[0]);
    const uint8_t *from = codes->constant;
    uint8_t *to;
    qns_vid now;
    *done = false;
    if (!from || codes->shape.rank != 2 || !qns_is_code(codes->dtype))
        return QNS_OK;
    const size_t d0 = (size_t)codes->shape.dim[0], d1 = (size_t)codes->shape.dim[1];
    QNS_TRY(qns_arena_new((void **)&to, qns_gb_arena(n->gb), d0 * d1, 1, err));
    for (size_t i = 0; i < d0; i++)
        for (size_t j = 0; j < d1; j++)
            to[j * d0 + i] = from[i * d1 + j];
    const qns_const_spec s = {.name = codes->name,
                              .origin = codes->origin,
                              .dtype = codes->dtype,
                              .shape = {2, {codes->shape.dim[1], codes->shape.dim[0]}},
                              .data = to};
    QNS_TRY(qns_gb_constant(&now, n->gb, &s, err));
    if (qp->axis >= 0)
        QNS_TRY(qns_qparams_new(&qp, qns_gb_arena(n->gb), qp->dtype, 1 - qp->axis, qp->n, qp->scale,
                                qp->zero, err));
    QNS_TRY(qns_qop_dequantize(v, n, now, qp, err));
    *done = true;
    return QNS_OK;
}
