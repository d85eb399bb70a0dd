/* SPDX-License-Identifier: MIT */
/* Sum of a tensor and a number. On codes scale and zero point move and the codes stay, where they
 * can (spec section 5.2, "add_scalar"). A relu behind it keeps its node: on codes the two are the
 * same.
 */
#include "core/ops/binary.h"
#include "core/ops/op_help.h"
#include "core/ops/scalar_form.h"

QNS_BINARY_ROW(row_f32, float, x + y)

static void run_f32(const qns_call *c)
{
    qns_binary_run_f32(c, row_f32);
}

static qns_status derive(double *scale, int32_t *zero, const qns_tensor *in, qns_err *err)
{
    return qns_scalar_derive(scale, zero, in, qns_scalar_form_add, err);
}

static const char *reject(const qns_call *c)
{
    return qns_scalar_reject(c, qns_scalar_form_add);
}

static qns_status prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return qns_scalar_prepare(packed, c, a, qns_scalar_form_add, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Add";
    return QNS_OK;
}

static const qns_impl codes = {.name = "add_scalar.codes",
                               .reject = reject,
                               .prepare = prepare,
                               .run = qns_scalar_run,
                               .in_place = true};
static const qns_impl f32 = {
    .name = "add_scalar.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

const qns_op qns_op_add_scalar = {
    .name = "add_scalar",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_scalar_infer,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_DERIVED, .weight = -1, .bias = -1},
    .derive = derive,
    .impls = impls,
};
