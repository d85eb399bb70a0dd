/* SPDX-License-Identifier: MIT */
/* Max and Min of any number of tensors, element by element and with broadcasting. NaN wins over
 * every number. Codes of one scale stay as they are: the larger code is the code of the larger
 * number. */
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct maximum_attr {
    int64_t min;
} maximum_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape s = in[0].shape;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const qns_shape so_far = s;
        if (in[i].dtype != in[0].dtype || (in[i].dtype != QNS_F32 && !qns_is_int(in[i].dtype)))
            QNS_FAIL(err, UNSUPPORTED, "cannot compare %s and %s", qns_dtype_name(in[0].dtype),
                     qns_dtype_name(in[i].dtype));
        QNS_TRY(qns_broadcast_shape(&s, &so_far, &in[i].shape, err));
    }
    out[0].dtype = in[0].dtype;
    out[0].shape = s;
    out[0].qp = in[0].qp;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    ((maximum_attr *)attr)->min = strcmp(n->type, "Min") == 0;
    return QNS_OK;
}

static const char *type_of(const qns_node *n)
{
    return ((const maximum_attr *)n->attr)->min ? "Min" : "Max";
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = type_of(n);
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%s", type_of(n));
}

static float pair(float x, float y, bool min)
{
    if (isnan(x) || isnan(y))
        return NAN;
    return (y > x) == !min && y != x ? y : x;
}

static void run_f32(const qns_call *c)
{
    const bool min = ((const maximum_attr *)c->node->attr)->min != 0;
    float *y = qns_f32(&c->out[0]);
    for (uint32_t k = 0; k < c->node->n_in; k++) {
        const float *x = qns_cf32(&c->in[k]);
        qns_walk w;
        qns_walk_init(&w, &c->out[0].shape);
        qns_walk_broadcast(&w, 0, &c->in[k].shape);
        for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++, qns_walk_next(&w))
            y[i] = k == 0 ? x[w.pos[0]] : pair(y[i], x[w.pos[0]], min);
    }
}

static void run_int(const qns_call *c)
{
    const bool min = ((const maximum_attr *)c->node->attr)->min != 0;
    const qns_dtype type = c->out[0].dtype;
    for (uint32_t k = 0; k < c->node->n_in; k++) {
        qns_walk w;
        qns_walk_init(&w, &c->out[0].shape);
        qns_walk_broadcast(&w, 0, &c->in[k].shape);
        for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++, qns_walk_next(&w)) {
            const int64_t x = qns_int_at(&c->in[k], (size_t)w.pos[0]);
            const int64_t y = k ? qns_int_at(&c->out[0], i) : x;
            const bool above = qns_int_rank(type, x) > qns_int_rank(type, y);
            qns_int_put(&c->out[0], i, min == above ? y : x);
        }
    }
}

static const char *reject_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : qns_reject_not_plain(c);
}

static const char *reject_int(const qns_call *c)
{
    return qns_is_int(c->in[0].dtype) ? qns_reject_not_plain(c) : "the inputs are no integers";
}

static const char *reject_codes(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        if (!qns_is_code(c->in[i].dtype) || !c->in[i].qp || c->in[i].qp->axis >= 0)
            return "an input has no codes of one scale";
        if (!qns_same_qp(&c->in[i], &c->out[0]))
            return "an input has other quantization parameters than the output";
        if (c->in[i].layout != QNS_ROW && !qns_layout_trivial(&c->in[i].shape))
            return "a tensor is not row-major";
    }
    return qns_reject_not_moved(c);
}

static const qns_impl codes = {.name = "maximum.codes", .reject = reject_codes, .run = run_int};
static const qns_impl ints = {.name = "maximum.int", .reject = reject_int, .run = run_int};
static const qns_impl f32 = {.name = "maximum.f32", .reject = reject_f32, .run = run_f32};
static const qns_impl *const impls[] = {&codes, &ints, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Max", 6, read}, {"Min", 6, read}, {NULL, 0, NULL}};

const qns_op qns_op_maximum = {
    .name = "maximum",
    .min_in = 1,
    .max_in = QNS_MAX_IN,
    .n_out = 1,
    .attr_size = sizeof(maximum_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
