/* SPDX-License-Identifier: MIT */
/* Attribute lists: what was added is found with its kind, is a copy, and unread names are noticed.
 */
#include "core/graph/attrs.h"

#include <criterion/criterion.h>
#include <string.h>

static qns_attrs a;

static void open_list(void)
{
    a = (qns_attrs){0};
    cr_assert_eq(qns_arena_create(&a.arena, NULL), QNS_OK);
}

static void close_list(void)
{
    qns_attrs_fini(&a);
    qns_arena_free(a.arena);
}

TestSuite(attrs, .init = open_list, .fini = close_list);

Test(attrs, values_come_back_and_are_copies)
{
    int64_t v[3] = {1, -2, INT64_MAX};
    char name[] = "pads", text[] = "SAME_UPPER";
    cr_assert_eq(qns_attrs_add_ints(&a, name, v, 3, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_text(&a, "auto_pad", text, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_int(&a, "group", 7, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_float(&a, "alpha", 0.25F, NULL), QNS_OK);
    v[0] = 9;
    name[0] = text[0] = 'x';

    const int64_t *ints;
    size_t n;
    const char *s;
    int64_t i;
    float f;
    cr_assert_eq(qns_attrs_ints(&ints, &n, &a, "pads", NULL), QNS_OK);
    cr_assert(n == 3 && ints[0] == 1 && ints[1] == -2 && ints[2] == INT64_MAX);
    cr_assert_eq(qns_attrs_text(&s, &a, "auto_pad", "NOTSET", NULL), QNS_OK);
    cr_assert_str_eq(s, "SAME_UPPER");
    cr_assert_eq(qns_attrs_int(&i, &a, "group", 1, NULL), QNS_OK);
    cr_assert_eq(i, 7);
    cr_assert_eq(qns_attrs_float(&f, &a, "alpha", 1.0F, NULL), QNS_OK);
    cr_assert_eq(f, 0.25F);
    cr_assert_null(qns_attrs_unused(&a));
}

Test(attrs, absent_ones_give_the_default)
{
    const int64_t *ints;
    size_t n = 5;
    const char *s;
    int64_t i;
    float f;
    cr_assert_eq(qns_attrs_ints(&ints, &n, &a, "pads", NULL), QNS_OK);
    cr_assert(!ints && n == 0);
    cr_assert_eq(qns_attrs_text(&s, &a, "auto_pad", NULL, NULL), QNS_OK);
    cr_assert_null(s);
    cr_assert_eq(qns_attrs_int(&i, &a, "group", 3, NULL), QNS_OK);
    cr_assert_eq(i, 3);
    cr_assert_eq(qns_attrs_float(&f, &a, "alpha", 0.5F, NULL), QNS_OK);
    cr_assert_eq(f, 0.5F);
}

Test(attrs, another_kind_is_an_error_that_names_both)
{
    qns_err err = {0};
    int64_t i;
    cr_assert_eq(qns_attrs_add_text(&a, "axis", "one", NULL), QNS_OK);
    cr_assert_eq(qns_attrs_int(&i, &a, "axis", 0, &err), QNS_E_FORMAT);
    cr_assert_str_eq(err.text, "attribute 'axis' is a text; it must be an integer");
}

Test(attrs, unused_is_named_and_twice_is_refused)
{
    qns_err err = {0};
    int64_t i;
    cr_assert_eq(qns_attrs_add_int(&a, "group", 1, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_int(&a, "odd", 1, NULL), QNS_OK);
    cr_assert_str_eq(qns_attrs_unused(&a), "group");
    cr_assert_eq(qns_attrs_int(&i, &a, "group", 1, NULL), QNS_OK);
    cr_assert_str_eq(qns_attrs_unused(&a), "odd");
    cr_assert_eq(qns_attrs_add_int(&a, "odd", 2, &err), QNS_E_FORMAT);
    cr_assert_str_eq(err.text, "attribute 'odd' is given twice");
}

Test(attrs, tensor_data_is_copied)
{
    float x[2] = {1.5F, 2.5F};
    const qns_tensor t = {.dtype = QNS_F32, .shape = {1, {2}}, .data = x};
    cr_assert_eq(
        qns_attrs_add(&a, &(qns_attr){.name = "value", .kind = QNS_ATTR_TENSOR, .tensor = t}, NULL),
        QNS_OK);
    x[0] = 0;
    const qns_attr *got = qns_attrs_find(&a, "value");
    cr_assert(got && got->tensor.data != x);
    cr_assert_eq(qns_cf32(&got->tensor)[0], 1.5F);
}
