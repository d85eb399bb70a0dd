/* SPDX-License-Identifier: MIT */
/* Sum of a tensor and a number. On codes scale and zero point move and the codes stay, where they
 * can (spec section 5.2, "add_scalar"). A relu behind it keeps its node: on codes the two are the
 * same.
 */
#include "core/ops/op_help.h"
#include "core/ops/scalar_form.h"

QNS_BINARY_ROW(row_f32, float, x + y)

static const qns_impl codes = {.name = "add_scalar.codes",
                               .reject = qns_scalar_reject,
                               .prepare = qns_scalar_prepare,
                               .run = qns_scalar_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {.name = "add_scalar.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_scalar_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_scalar scalar = {"Add", qns_scalar_form_add, row_f32};

const qns_op qns_op_add_scalar = {
    .name = "add_scalar",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_scalar_infer,
    .onnx_write = qns_scalar_write,
    .quant = {.out = QNS_OUT_DERIVED, .weight = -1, .bias = -1},
    .derive = qns_scalar_derive,
    .impls = impls,
    .family = &scalar,
};
