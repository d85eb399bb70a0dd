/* SPDX-License-Identifier: MIT */
/* Quotient of two tensors, with broadcasting; float only, int64 for shape arithmetic. */
#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/op_help.h"

/* Towards zero. A model that divides by 0 gets 0: its shapes will not fit. */
static int64_t divide(int64_t x, int64_t y)
{
    if (y == 0)
        return 0;
    return y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static int64_t divide_u64(int64_t x, int64_t y)
{
    return y ? (int64_t)((uint64_t)x / (uint64_t)y) : 0;
}

QNS_BINARY_ROW(row_f32, float, x / y)
QNS_BINARY_ROW(row_i64, int64_t, divide(x, y))

static void run_f32(const qns_call *c)
{
    qns_binary_run_f32(c, row_f32);
}

static void run_i64(const qns_call *c)
{
    qns_binary_run(c, row_i64, NULL);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Div";
    return QNS_OK;
}

static const qns_impl f32 = {
    .name = "div.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static void run_ints(const qns_call *c)
{
    qns_binary_run_ints(c, c->out[0].dtype == QNS_U64 ? divide_u64 : divide);
}

static const qns_impl ints = {.name = "div.int", .reject = qns_reject_not_ints, .run = run_ints};
static const qns_impl i64 = {.name = "div.i64", .reject = qns_reject_not_i64, .run = run_i64};
static const qns_impl *const impls[] = {&i64, &ints, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Div", 7, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_div = {
    .name = "div",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_binary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
