/* SPDX-License-Identifier: MIT */
/* Largest or smallest element over any axes. Codes keep their qparams: the extreme of codes is the
 * code of the extreme (spec section 5.3). */
#include "core/ops/op_help.h"
#include "core/ops/op_reduce.h"
#include "core/ops/walk.h"

static const char *reject_codes(const qns_call *c)
{
    if (!qns_is_code(c->in[0].dtype) || !c->in[0].qp)
        return "the input has no codes";
    for (int i = 0; i < 2; i++) {
        const qns_tensor *t = i ? &c->out[0] : &c->in[0];
        if (t->layout != QNS_ROW && !qns_layout_trivial(&t->shape))
            return "a tensor is not row-major";
    }
    return qns_reject_not_moved(c);
}

static const qns_impl codes = {.name = "extreme.codes",
                               .reject = reject_codes,
                               .scratch_size = qns_reduce_scratch,
                               .run = qns_reduce_run_int};
static const qns_impl *const impls[] = {&codes, &qns_reduce_int, &qns_reduce_f32, NULL};

static const qns_onnx_rule rules[] = {{"ReduceMax", 1, qns_reduce_read_1},
                                      {"ReduceMax", 18, qns_reduce_read_13},
                                      {"ReduceMin", 1, qns_reduce_read_1},
                                      {"ReduceMin", 18, qns_reduce_read_13},
                                      {NULL, 0, NULL}};

const qns_op qns_op_extreme = {
    .name = "extreme",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_reduce_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_reduce_infer,
    .onnx = rules,
    .onnx_write = qns_reduce_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = qns_reduce_describe,
    .impls = impls,
};
