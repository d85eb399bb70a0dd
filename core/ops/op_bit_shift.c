/* SPDX-License-Identifier: MIT */
/* Integers without sign, moved by a number of bits, with broadcasting. What is moved beyond the
 * type is gone. */
#include "core/ops/binary.h"
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <stdio.h>
#include <string.h>

typedef struct shift_attr {
    int64_t right;
} shift_attr;

static bool has_no_sign(qns_dtype t)
{
    return t == QNS_U8 || t == QNS_U16 || t == QNS_U32 || t == QNS_U64;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != in[1].dtype || !has_no_sign(in[0].dtype))
        QNS_FAIL(err, SHAPE, "cannot shift %s by %s", qns_dtype_name(in[0].dtype),
                 qns_dtype_name(in[1].dtype));
    out[0].dtype = in[0].dtype;
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    const char *direction;
    QNS_TRY(qns_attrs_text(&direction, n->attrs, "direction", "", err));
    ((shift_attr *)attr)->right = strcmp(direction, "RIGHT") == 0;
    if (strcmp(direction, "RIGHT") != 0 && strcmp(direction, "LEFT") != 0)
        QNS_FAIL(err, FORMAT, "attribute 'direction' is '%.40s', must be LEFT or RIGHT", direction);
    return QNS_OK;
}

static const char *direction_of(const qns_node *n)
{
    return ((const shift_attr *)n->attr)->right ? "RIGHT" : "LEFT";
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "BitShift";
    return qns_attrs_add_text(&w->attrs, "direction", direction_of(n), err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%s", direction_of(n));
}

static int64_t left(int64_t x, int64_t by)
{
    return (uint64_t)by < 64 ? (int64_t)((uint64_t)x << by) : 0;
}

static int64_t right(int64_t x, int64_t by)
{
    return (uint64_t)by < 64 ? (int64_t)((uint64_t)x >> by) : 0;
}

static void run(const qns_call *c)
{
    qns_binary_run_ints(c, ((const shift_attr *)c->node->attr)->right ? right : left);
}

static const qns_impl ints = {.name = "bit_shift.int", .reject = qns_reject_not_ints, .run = run};
static const qns_impl *const impls[] = {&ints, NULL};

static const qns_onnx_rule rules[] = {{"BitShift", 11, read}, {NULL, 0, NULL}};

const qns_op qns_op_bit_shift = {
    .name = "bit_shift",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(shift_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
