/* SPDX-License-Identifier: MIT */
/* What softmax and log_softmax share. */
#include "core/ops/softmax.h"

#include "core/ops/op_help.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

qns_status qns_softmax_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    QNS_TRY(
        qns_axis_resolve(&axis, ((const qns_softmax_attr *)n->attr)->axis, in[0].shape.rank, err));
    QNS_TRY(qns_infer_unary(out, n, in, err));
    out[0].qp = NULL;
    return QNS_OK;
}

qns_status qns_softmax_read_1(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_softmax_attr *a = attr;
    a->flatten = 1;
    return qns_attrs_int(&a->axis, n->attrs, "axis", 1, err);
}

qns_status qns_softmax_read_13(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_int(&((qns_softmax_attr *)attr)->axis, n->attrs, "axis", -1, err);
}

static int32_t axis_of(const qns_softmax_attr *a, const qns_shape *s)
{
    return (int32_t)(a->axis < 0 ? a->axis + s->rank : a->axis);
}

qns_status qns_softmax_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_softmax_attr *a = n->attr;
    const qns_shape *s = &qns_graph_value(g, n->in[0])->shape;
    const int32_t axis = axis_of(a, s);
    if (a->flatten && qns_shape_span(s, axis + 1, s->rank) != 1)
        QNS_FAIL(err, UNSUPPORTED,
                 "softmax over several axes (opset < 13) cannot be written for opset 13");
    return qns_attrs_add_int(&w->attrs, "axis", axis, err);
}

void qns_softmax_describe(char *out, size_t size, const qns_node *n)
{
    const qns_softmax_attr *a = n->attr;
    snprintf(out, size, a->flatten ? "axes from %" PRId64 : "axis %" PRId64, a->axis);
}

qns_softmax_geom qns_softmax_lay(const qns_node *n, const qns_shape *s)
{
    const qns_softmax_attr *a = n->attr;
    const int32_t axis = axis_of(a, s);
    if (a->flatten)
        return (qns_softmax_geom){qns_shape_span(s, 0, axis), qns_shape_span(s, axis, s->rank), 1};
    return (qns_softmax_geom){qns_shape_span(s, 0, axis), (size_t)s->dim[axis],
                              qns_shape_span(s, axis + 1, s->rank)};
}

void qns_softmax_vector(float *y, const float *x, size_t n, size_t step, bool log_of)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        top = x[i * step] > top ? x[i * step] : top;
    for (size_t i = 0; i < n; i++) {
        const float e = expf(x[i * step] - top);
        sum += (double)e;
        y[i * step] = log_of ? x[i * step] - top : e;
    }
    const double log_sum = log_of ? log(sum) : 0;
    for (size_t i = 0; i < n; i++)
        y[i * step] = (float)(log_of ? (double)y[i * step] - log_sum : (double)y[i * step] / sum);
}

void qns_softmax_run(const qns_call *c, bool log_of)
{
    const qns_softmax_geom g = qns_softmax_lay(c->node, &c->in[0].shape);
    const float *x = qns_cf32(&c->in[0]);
    float *y = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (g.outer * g.n * g.inner > QNS_PAR_MIN)
    for (size_t v = 0; v < g.outer * g.inner; v++) {
        const size_t at = v / g.inner * g.n * g.inner + v % g.inner;
        qns_softmax_vector(y + at, x + at, g.n, g.inner, log_of);
    }
}
