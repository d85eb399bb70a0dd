/* SPDX-License-Identifier: MIT */
#include "op_run.h"

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
