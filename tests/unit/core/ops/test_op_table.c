/* SPDX-License-Identifier: MIT */
#include "core/base/file.h"
#include "op_run.h"

#include <stdio.h>

Test(op_table, entries_are_whole)
{
    for (const qns_op *const *o = qns_ops(); *o; o++) {
        cr_expect_eq(qns_op_find((*o)->name), *o, "%s", (*o)->name);
        cr_expect((*o)->infer && (*o)->impls && (*o)->impls[0], "%s", (*o)->name);
        cr_expect((*o)->min_in <= (*o)->max_in && (*o)->max_in <= QNS_MAX_IN);
        cr_expect((*o)->n_out >= 1 && (*o)->n_out <= QNS_MAX_OUT);
        for (const qns_impl *const *i = (*o)->impls; *i; i++)
            cr_expect((*i)->name && (*i)->run, "%s", (*o)->name);
        for (const qns_onnx_rule *r = (*o)->onnx; r && r->type; r++) {
            const qns_onnx_rule *found;
            int first;
            cr_expect_eq(qns_op_find_onnx(&found, &first, r->type, r->since), *o, "%s", r->type);
            cr_expect_eq(found, r, "%s since %d", r->type, r->since);
            cr_expect(first <= r->since && first > 0);
            cr_expect((*o)->onnx_write, "%s is read but not written", (*o)->name);
        }
    }
}

Test(op_table, opsets)
{
    const qns_onnx_rule *r;
    int first = -1;
    cr_expect_null(qns_op_find("no such operator"));
    cr_expect_null(qns_op_find_onnx(&r, &first, "NoSuchOp", 13));
    cr_expect_eq(first, 0);
    cr_expect_not_null(qns_op_find_onnx(&r, &first, "Clip", 7));
    cr_expect_eq(r->since, 6);
    cr_expect_not_null(qns_op_find_onnx(&r, &first, "Clip", 17));
    cr_expect_eq(r->since, 11);
    cr_expect_null(qns_op_find_onnx(&r, &first, "QuantizeLinear", 9));
    cr_expect_eq(first, 10);
}

/* Shapes and types nobody meant: an error or a result, never a crash, and what infer() accepts is a
 * shape. Attributes are zero, which these operators allow. */
Test(op_table, any_shape)
{
    static const char *const names[] = {
        "clamp",
        "identity",
        "add",
        "mul",
        "sub",
        "div",
        "global_avgpool",
        "concat",
        "reshape",
        "mean",
        "softmax",
        "log_softmax",
        "sigmoid",
        "tanh",
        "elu",
        "erf",
        "transpose",
        "slice",
        "gather",
        "expand",
        "global_maxpool",
        "layer_norm",
        "prelu",
        "gelu",
        "celu",
        "gemm",
        "dropout",
        "maximum",
        "extreme",
        "reduce",
        "topk",
        "argmax",
        "compare",
        "where",
        "cast",
        "add_scalar",
        "mul_scalar",
        "lrn",
        "bit_shift",
        "reverse_sequence",
        "eye_like",
        "einsum",
        "grid_sample",
    };
    static const qns_dtype types[] = {QNS_F32,  QNS_U8,  QNS_I64, QNS_I32,
                                      QNS_BOOL, QNS_I16, QNS_U64};
    static const uint64_t zero[64];
    qns_rng rng;
    size_t accepted = 0;
    qns_rng_seed(&rng, 61);
    for (size_t i = 0; i < QNS_ARRAY_LEN(names) * 200; i++) {
        op_run r = {.op = names[i % QNS_ARRAY_LEN(names)], .attr = zero, .want_refusal = true};
        const qns_op *op = qns_op_find(r.op);
        const uint32_t max = op->max_in < 4 ? op->max_in : 4;
        cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
        r.layout = qns_rng_below(&rng, 2) ? QNS_CHLAST : QNS_ROW;
        r.n_in = op->min_in + (uint32_t)qns_rng_below(&rng, max - op->min_in + 1u);
        const size_t same = qns_rng_below(&rng, 2);
        for (uint32_t k = 0; k < r.n_in; k++) {
            r.in[k].dtype = types[qns_rng_below(&rng, QNS_ARRAY_LEN(types))];
            r.in[k].shape.rank = (int32_t)qns_rng_below(&rng, QNS_MAX_RANK + 1);
            for (int32_t d = 0; d < r.in[k].shape.rank; d++)
                r.in[k].shape.dim[d] = (int64_t)qns_rng_below(&rng, 4);
            if (same && k > 0)
                r.in[k] = r.in[0];
            r.in[k].data = op_bytes(&r, qns_tensor_bytes(&r.in[k]));
        }
        if (op_execute(&r)) {
            cr_expect_eq(qns_shape_check(&r.out[0].shape, NULL), QNS_OK);
            accepted++;
        }
        op_finish(&r);
    }
    cr_expect_geq(accepted, 300);
}

/* The list of docs/operators.md is that of the rules: nothing is missing, nothing made up. */
Test(op_table, the_documented_list_is_the_table)
{
    char *text, key[128];
    size_t n;
    cr_assert_eq(qns_file_read(&text, &n, QNS_SOURCE_DIR "/docs/operators.md", 1 << 20, NULL),
                 QNS_OK);
    const char *list = strstr(text, "## All that is read");
    cr_assert_not_null(list);
    for (const qns_op *const *o = qns_ops(); *o; o++)
        for (const qns_onnx_rule *r = (*o)->onnx; r && r->type; r++) {
            snprintf(key, sizeof key, "`%s`", r->type);
            cr_expect(strstr(list, key), "%s is not in docs/operators.md", r->type);
        }
    for (const char *p = strchr(list, '`'); p; p = strchr(strchr(p + 1, '`') + 1, '`')) {
        const char *end = strchr(p + 1, '`');
        int since = 0;
        cr_assert_not_null(end);
        snprintf(key, sizeof key, "%.*s", (int)(end - p - 1), p + 1);
        cr_expect(qns_op_find_onnx(NULL, &since, key, 1 << 20) || strcmp(key, "Constant") == 0 ||
                      strcmp(key, "Shape") == 0 || strcmp(key, "Size") == 0,
                  "%s is no operator", key);
    }
    qns_free(text);
}
