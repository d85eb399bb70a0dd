/* SPDX-License-Identifier: MIT */
/* Sums, products and norms over any axes, and what they share with extremes (op_extreme.c). Floats
 * are added up in double and in memory order, so the order of the sum is fixed; integers wrap
 * around. One more kind is one line in each switch. */
#include "core/ops/op_reduce.h"

#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX, MIN, SUM, PROD, L1, L2, LOG_SUM, LOG_SUM_EXP, SUM_SQUARE, N_KINDS };
static const char *const types[N_KINDS] = {"ReduceMax",    "ReduceMin",       "ReduceSum",
                                           "ReduceProd",   "ReduceL1",        "ReduceL2",
                                           "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};

static qns_status find_axes(bool reduce[QNS_MAX_RANK], const qns_reduce_attr *a, int32_t rank,
                            qns_err *err)
{
    for (int32_t i = 0; i < rank; i++)
        reduce[i] = a->axes.n == 0 && !a->noop;
    for (int64_t i = 0; i < a->axes.n; i++) {
        int32_t axis;
        QNS_TRY(qns_axis_resolve(&axis, a->axes.axis[i], rank, err));
        reduce[axis] = true;
    }
    return QNS_OK;
}

qns_status qns_reduce_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_reduce_attr *a = n->attr;
    bool reduce[QNS_MAX_RANK];
    qns_shape s = {0};
    if (in[0].dtype != QNS_F32 && !(qns_is_int(in[0].dtype) && a->kind <= PROD))
        QNS_FAIL(err, UNSUPPORTED, "%s of %s", types[a->kind], qns_dtype_name(in[0].dtype));
    QNS_TRY(find_axes(reduce, a, in[0].shape.rank, err));
    for (int32_t i = 0; i < in[0].shape.rank; i++)
        if (!reduce[i] || a->axes.keep)
            s.dim[s.rank++] = reduce[i] ? 1 : in[0].shape.dim[i];
    out[0].dtype = in[0].dtype;
    out[0].shape = s;
    out[0].qp = a->kind <= MIN ? in[0].qp : NULL;
    return QNS_OK;
}

static qns_status read_common(qns_reduce_attr *a, const qns_onnx_node *n, qns_err *err)
{
    while (a->kind < N_KINDS - 1 && strcmp(types[a->kind], n->type) != 0)
        a->kind++;
    return qns_attrs_int(&a->axes.keep, n->attrs, "keepdims", 1, err);
}

qns_status qns_reduce_read_1(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_reduce_attr *a = attr;
    const int64_t *v;
    size_t count;
    QNS_TRY(read_common(a, n, err));
    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, "axes", err));
    if (count > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "%zu axes are too many", count);
    for (size_t i = 0; i < count; i++)
        a->axes.axis[i] = v[i];
    a->axes.n = (int64_t)count;
    return QNS_OK;
}

/* The axes are an input: ReduceSum from opset 13 on, the others from 18 on. */
qns_status qns_reduce_read_13(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_reduce_attr *a = attr;
    size_t count = 0;
    QNS_TRY(read_common(a, n, err));
    QNS_TRY(qns_attrs_int(&a->noop, n->attrs, "noop_with_empty_axes", 0, err));
    if (qns_onnx_given(n, 1))
        QNS_TRY(qns_onnx_ints(a->axes.axis, &count, QNS_MAX_RANK, n, 1, "axes", err));
    a->axes.n = (int64_t)count;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

qns_status qns_reduce_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_reduce_attr *a = n->attr;
    const bool noop = a->axes.n == 0 && a->noop;
    const bool as_input = a->kind == SUM || noop || w->opset >= 18;
    w->type = types[a->kind];
    w->since = a->kind != SUM && as_input ? 18 : 0;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "keepdims", a->axes.keep != 0, err));
    if (noop)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "noop_with_empty_axes", 1, err));
    if (a->axes.n == 0)
        return QNS_OK;
    return as_input ? qns_onnx_add_ints(w, "axes", a->axes.axis, (size_t)a->axes.n, err)
                    : qns_attrs_add_ints(&w->attrs, "axes", a->axes.axis, (size_t)a->axes.n, err);
}

void qns_reduce_describe(char *out, size_t size, const qns_node *n)
{
    const qns_reduce_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, "%s, %s", types[a->kind] + strlen("Reduce"),
                                  a->axes.n ? "axes"
                                  : a->noop ? "no axes"
                                            : "all axes");
    for (int64_t i = 0; i < a->axes.n && len < size; i++)
        len +=
            (size_t)snprintf(out + len, size - len, "%s%" PRId64, i ? "," : " ", a->axes.axis[i]);
}

/* ---- running ---- */

/* The walk goes over the input; array 0 is the output. */
static qns_walk lay(const qns_call *c)
{
    const qns_reduce_attr *a = c->node->attr;
    const qns_shape *s = &c->in[0].shape;
    bool reduce[QNS_MAX_RANK];
    qns_shape kept = *s;
    qns_walk w;
    (void)find_axes(reduce, a, s->rank, NULL); /* infer() has checked the axes */
    for (int32_t i = 0; i < s->rank; i++)
        kept.dim[i] = reduce[i] ? 1 : s->dim[i];
    qns_walk_init(&w, s);
    qns_walk_broadcast(&w, 0, &kept);
    return w;
}

size_t qns_reduce_scratch(const qns_call *c)
{
    return 2 * qns_tensor_count(&c->out[0]) * sizeof(double);
}

/* The largest number of each result: what is subtracted before exp(), so that it cannot overflow.
 */
static void find_top(double *top, const qns_call *c)
{
    const float *x = qns_cf32(&c->in[0]);
    qns_walk w = lay(c);
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++)
        top[i] = -INFINITY;
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++, qns_walk_next(&w))
        if ((double)x[i] > top[w.pos[0]])
            top[w.pos[0]] = (double)x[i];
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++)
        top[i] = isinf(top[i]) ? 0.0 : top[i];
}

static double step_of(int64_t kind, double acc, double x, double top)
{
    switch (kind) {
    case PROD:
        return acc * x;
    case MAX:
        return x > acc || isnan(x) ? x : acc;
    case MIN:
        return x < acc || isnan(x) ? x : acc;
    case L1:
        return acc + fabs(x);
    case L2:
    case SUM_SQUARE:
        return acc + x * x;
    case LOG_SUM_EXP:
        return acc + exp(x - top);
    default:
        return acc + x;
    }
}

static double start_of(int64_t kind)
{
    return kind == PROD ? 1.0 : kind == MAX ? -INFINITY : kind == MIN ? INFINITY : 0.0;
}

static double end_of(int64_t kind, double acc, double top)
{
    return kind == L2            ? sqrt(acc)
           : kind == LOG_SUM     ? log(acc)
           : kind == LOG_SUM_EXP ? log(acc) + top
                                 : acc;
}

static void run_f32(const qns_call *c)
{
    const int64_t kind = ((const qns_reduce_attr *)c->node->attr)->kind;
    const size_t n = qns_tensor_count(&c->out[0]);
    const float *x = qns_cf32(&c->in[0]);
    double *acc = c->scratch, *top = acc + n;
    qns_walk w = lay(c);
    for (size_t i = 0; i < n; i++) {
        acc[i] = start_of(kind);
        top[i] = 0.0;
    }
    if (kind == LOG_SUM_EXP)
        find_top(top, c);
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++, qns_walk_next(&w))
        acc[w.pos[0]] = step_of(kind, acc[w.pos[0]], (double)x[i], top[w.pos[0]]);
    for (size_t i = 0; i < n; i++)
        qns_f32(&c->out[0])[i] = (float)end_of(kind, acc[i], top[i]);
}

void qns_reduce_run_int(const qns_call *c)
{
    const int64_t kind = ((const qns_reduce_attr *)c->node->attr)->kind;
    const size_t n = qns_tensor_count(&c->out[0]);
    const qns_dtype type = c->out[0].dtype;
    int64_t *acc = c->scratch;
    qns_walk w = lay(c);
    for (size_t i = 0; i < n; i++)
        acc[i] = kind == PROD  ? 1
                 : kind == MAX ? qns_int_min(type)
                 : kind == MIN ? qns_int_max(type)
                               : 0;
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++, qns_walk_next(&w)) {
        const int64_t x = qns_int_at(&c->in[0], i), y = acc[w.pos[0]];
        const bool above = qns_int_rank(type, x) > qns_int_rank(type, y);
        acc[w.pos[0]] = kind == PROD             ? (int64_t)((uint64_t)y * (uint64_t)x)
                        : kind == SUM            ? (int64_t)((uint64_t)y + (uint64_t)x)
                        : (kind == MAX) == above ? x
                                                 : y;
    }
    for (size_t i = 0; i < n; i++)
        qns_int_put(&c->out[0], i, acc[i]);
}

static const char *reject_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : qns_reject_not_plain(c);
}

static const char *reject_int(const qns_call *c)
{
    return qns_is_int(c->in[0].dtype) ? qns_reject_not_plain(c) : "the input has no integers";
}

const qns_impl qns_reduce_f32 = {
    .name = "reduce.f32", .reject = reject_f32, .scratch_size = qns_reduce_scratch, .run = run_f32};
const qns_impl qns_reduce_int = {.name = "reduce.int",
                                 .reject = reject_int,
                                 .scratch_size = qns_reduce_scratch,
                                 .run = qns_reduce_run_int};
static const qns_impl *const impls[] = {&qns_reduce_int, &qns_reduce_f32, NULL};

static const qns_onnx_rule rules[] = {{"ReduceSum", 1, qns_reduce_read_1},
                                      {"ReduceSum", 13, qns_reduce_read_13},
                                      {"ReduceProd", 1, qns_reduce_read_1},
                                      {"ReduceProd", 18, qns_reduce_read_13},
                                      {"ReduceL1", 1, qns_reduce_read_1},
                                      {"ReduceL1", 18, qns_reduce_read_13},
                                      {"ReduceL2", 1, qns_reduce_read_1},
                                      {"ReduceL2", 18, qns_reduce_read_13},
                                      {"ReduceLogSum", 1, qns_reduce_read_1},
                                      {"ReduceLogSum", 18, qns_reduce_read_13},
                                      {"ReduceLogSumExp", 1, qns_reduce_read_1},
                                      {"ReduceLogSumExp", 18, qns_reduce_read_13},
                                      {"ReduceSumSquare", 1, qns_reduce_read_1},
                                      {"ReduceSumSquare", 18, qns_reduce_read_13},
                                      {NULL, 0, NULL}};

const qns_op qns_op_reduce = {
    .name = "reduce",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_reduce_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_reduce_infer,
    .onnx = rules,
    .onnx_write = qns_reduce_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = qns_reduce_describe,
    .impls = impls,
};
