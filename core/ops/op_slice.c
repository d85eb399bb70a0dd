/* SPDX-License-Identifier: MIT */
/* A part of a tensor: start, end and step along some axes. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/strided.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t clip(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* First element and number of elements along an axis of size d. */
static void part(int64_t *first, int64_t *n, const qns_slice_attr *a, int64_t i, int64_t d)
{
    const int64_t step = a->step[i];
    int64_t start = a->start[i] < 0 ? a->start[i] + d : a->start[i];
    int64_t end = a->end[i] < 0 ? a->end[i] + d : a->end[i];
    if (step > 0) {
        start = clip(start, 0, d);
        end = clip(end, 0, d);
        *n = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
        start = d > 0 ? clip(start, 0, d - 1) : -1;
        end = clip(end, -1, d - 1);
        /* -(step + 1) + 1 would overflow for the smallest step; 2^31 skips every axis as well. */
        const int64_t back = step < -INT32_MAX ? INT32_MAX : -step;
        *n = start > end ? (start - end - 1) / back + 1 : 0;
    }
    *first = start;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_slice_attr *a = n->attr;
    bool seen[QNS_MAX_RANK] = {false};
    QNS_TRY(qns_infer_same(out, n, in, err));
    for (int64_t i = 0; i < a->n; i++) {
        int32_t axis;
        int64_t first;
        QNS_TRY(qns_axis_resolve(&axis, a->axis[i], in[0].shape.rank, err));
        if (seen[axis])
            QNS_FAIL(err, SHAPE, "axis %d is named twice", (int)axis);
        if (a->step[i] == 0)
            QNS_FAIL(err, SHAPE, "the step along axis %d is 0", (int)axis);
        seen[axis] = true;
        part(&first, &out[0].shape.dim[axis], a, i, in[0].shape.dim[axis]);
    }
    return QNS_OK;
}

static qns_status check_counts(const qns_slice_attr *a, size_t starts, size_t ends, qns_err *err)
{
    if (starts != ends || starts != (size_t)a->n)
        QNS_FAIL(err, FORMAT, "%zu starts and %zu ends for %" PRId64 " axes", starts, ends, a->n);
    return QNS_OK;
}

static qns_status copy(int64_t *to, size_t *n_out, qns_onnx_node *n, const char *name, qns_err *err)
{
    const int64_t *v;
    QNS_TRY(qns_attrs_ints(&v, n_out, n->attrs, name, err));
    if (*n_out > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "attribute '%s' has %zu numbers", name, *n_out);
    for (size_t i = 0; i < *n_out; i++)
        to[i] = v[i];
    return QNS_OK;
}

static void defaults(qns_slice_attr *a, size_t n, size_t n_axes)
{
    a->n = (int64_t)(n_axes ? n_axes : n);
    for (int64_t i = 0; i < QNS_MAX_RANK; i++) {
        if (n_axes == 0)
            a->axis[i] = i < a->n ? i : 0;
        a->step[i] = i < a->n ? 1 : 0;
    }
}

static qns_status read_1(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_slice_attr *a = attr;
    size_t starts, ends, axes;
    QNS_TRY(copy(a->start, &starts, n, "starts", err));
    QNS_TRY(copy(a->end, &ends, n, "ends", err));
    QNS_TRY(copy(a->axis, &axes, n, "axes", err));
    defaults(a, starts, axes);
    return check_counts(a, starts, ends, err);
}

static qns_status read_10(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_slice_attr *a = attr;
    size_t starts, ends, axes = 0, steps;
    QNS_TRY(qns_onnx_ints(a->start, &starts, QNS_MAX_RANK, n, 1, "starts", err));
    QNS_TRY(qns_onnx_ints(a->end, &ends, QNS_MAX_RANK, n, 2, "ends", err));
    if (qns_onnx_given(n, 3))
        QNS_TRY(qns_onnx_ints(a->axis, &axes, QNS_MAX_RANK, n, 3, "axes", err));
    defaults(a, starts, axes);
    if (qns_onnx_given(n, 4)) {
        QNS_TRY(qns_onnx_ints(a->step, &steps, QNS_MAX_RANK, n, 4, "steps", err));
        if (steps != (size_t)a->n)
            QNS_FAIL(err, FORMAT, "%zu steps for %" PRId64 " axes", steps, a->n);
    }
    qns_onnx_keep_inputs(n, 1);
    return check_counts(a, starts, ends, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_slice_attr *a = n->attr;
    w->type = "Slice";
    QNS_TRY(qns_onnx_add_ints(w, "starts", a->start, (size_t)a->n, err));
    QNS_TRY(qns_onnx_add_ints(w, "ends", a->end, (size_t)a->n, err));
    QNS_TRY(qns_onnx_add_ints(w, "axes", a->axis, (size_t)a->n, err));
    return qns_onnx_add_ints(w, "steps", a->step, (size_t)a->n, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_slice_attr *a = n->attr;
    size_t len = 0;
    if (size)
        out[0] = 0;
    for (int64_t i = 0; i < a->n && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, "%saxis %" PRId64 " from %" PRId64,
                                i ? ", " : "", a->axis[i], a->start[i]);
        if (a->end[i] < INT32_MAX && len < size)
            len += (size_t)snprintf(out + len, size - len, " to %" PRId64, a->end[i]);
        if (a->step[i] != 1 && len < size)
            len += (size_t)snprintf(out + len, size - len, " step %" PRId64, a->step[i]);
    }
}

static void run(const qns_call *c)
{
    const qns_slice_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0];
    qns_block_copy b = {.shape = c->out[0].shape, .size = qns_dtype_size(x->dtype)};
    int64_t from = 0;
    if (qns_tensor_count(&c->out[0]) == 0)
        return;
    qns_strides_of(b.dst_step, &c->out[0]);
    qns_strides_of(b.src_step, x);
    for (int64_t i = 0; i < a->n; i++) {
        const int64_t axis = a->axis[i] < 0 ? a->axis[i] + x->shape.rank : a->axis[i];
        int64_t first, n;
        part(&first, &n, a, i, x->shape.dim[axis]);
        from += first * b.src_step[axis];
        /* A step is only taken when there are two elements; then it is within the axis. */
        b.src_step[axis] = n > 1 ? b.src_step[axis] * a->step[i] : 0;
    }
    qns_copy_block(c->out[0].data, (const char *)x->data + (size_t)from * b.size, &b);
}

static const qns_impl any = {.name = "slice", .reject = qns_reject_not_moved, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"Slice", 1, read_1}, {"Slice", 10, read_10}, {NULL, 0, NULL}};

const qns_op qns_op_slice = {
    .name = "slice",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_slice_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
