/* SPDX-License-Identifier: MIT */
/* Difference of two tensors, with broadcasting; float only, int64 for shape arithmetic. */
#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/op_help.h"

QNS_BINARY_ROW(row_f32, float, x - y)
QNS_BINARY_ROW(row_i64, int64_t, (int64_t)((uint64_t)x - (uint64_t)y))

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
    w->type = "Sub";
    return QNS_OK;
}

static const qns_impl f32 = {
    .name = "sub.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static int64_t ints_sub(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x - (uint64_t)y);
}

static void run_ints(const qns_call *c)
{
    qns_binary_run_ints(c, ints_sub);
}

static const qns_impl ints = {.name = "sub.int", .reject = qns_reject_not_ints, .run = run_ints};
static const qns_impl i64 = {.name = "sub.i64", .reject = qns_reject_not_i64, .run = run_i64};
static const qns_impl *const impls[] = {&i64, &ints, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Sub", 7, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_sub = {
    .name = "sub",
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
