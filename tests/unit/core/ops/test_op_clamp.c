/* SPDX-License-Identifier: MIT */
#include "core/ops/op_clamp.h"
#include "golden.h"
#include "op_run.h"

#include <math.h>

static void against_golden(const golden *g, const json_t *c, const char *field, qns_range range)
{
    op_run r = {.op = "clamp", .n_in = 1, .be = golden_text(c, "backend")};
    const qns_clamp_attr attr = {range};
    if (strcmp(r.be, "native") == 0)
        r.be = NULL;
    r.attr = &attr;
    r.in[0] = golden_array(g, c, "a");
    r.out_qp = r.in[0].qp =
        op_qp(&r, r.in[0].dtype, golden_number(c, "a_scale"), (int32_t)golden_number(c, "a_zp"));
    qns_tensor want = golden_array(g, c, field);
    cr_assert(op_execute(&r));
    cr_expect_eq(golden_diff(&r.out[0], &want, field), 0);
    qns_free(want.data);
    qns_free(r.in[0].data);
    op_finish(&r);
}

static qns_range range_of(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);
    return (qns_range){(float)json_number_value(json_array_get(v, 0)),
                       (float)json_number_value(json_array_get(v, 1))};
}

Test(op_clamp, golden)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "elementwise");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "unary") != 0)
            continue;
        against_golden(&g, c, "relu", (qns_range){0, INFINITY});
        against_golden(&g, c, "relu6", (qns_range){0, 6});
        against_golden(&g, c, "clamp", range_of(c, "clamp"));
        against_golden(&g, c, "hardtanh", range_of(c, "hardtanh"));
        n++;
    }
    cr_expect_geq(n, 20);
    golden_close(&g);
}

Test(op_clamp, float_and_s8)
{
    const float x[] = {-3, -0.5f, 0, 0.5f, 5, 7, NAN, INFINITY, -INFINITY};
    const float want[] = {-1, -0.5f, 0, 0.5f, 5, 6, NAN, 6, -1};
    const qns_clamp_attr attr = {{-1, 6}};
    op_run r = {.op = "clamp", .n_in = 1, .attr = &attr};
    cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
    r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = {.rank = 1, .dim = {9}}};
    r.in[0].data = op_bytes(&r, sizeof x);
    memcpy(r.in[0].data, x, sizeof x);
    cr_assert(op_execute(&r));
    for (int i = 0; i < 9; i++)
        cr_expect(isnan(want[i]) ? isnan(qns_cf32(&r.out[0])[i])
                                 : qns_cf32(&r.out[0])[i] == want[i]);

    const qns_qparams *qp = op_qp(&r, QNS_I8, 0.25, -10);
    int8_t *codes = op_bytes(&r, 256);
    for (int i = 0; i < 256; i++)
        codes[i] = (int8_t)(i - 128);
    r.in[0] =
        (qns_tensor){.dtype = QNS_I8, .shape = {.rank = 1, .dim = {256}}, .data = codes, .qp = qp};
    cr_assert(op_execute(&r));
    cr_expect_str_eq(r.impl, "clamp.s8");
    for (int i = 0; i < 256; i++) {
        const int v = codes[i] < -14 ? -14 : codes[i] > 14 ? 14 : codes[i];
        cr_expect_eq(((int8_t *)r.out[0].data)[i], v);
    }
    r.out_qp = op_qp(&r, QNS_I8, 0.5, 0);
    r.want_refusal = true;
    cr_expect_not(op_execute(&r), "other qparams behind it");
    op_finish(&r);
}

Test(op_clamp, describes_and_tells_its_range)
{
    const qns_op *op = qns_op_find("clamp");
    const qns_clamp_attr attr[] = {{{0, INFINITY}}, {{0, 6}}, {{-1, 1}}};
    const char *const text[] = {"relu", "relu6", "clip [-1, 1]"};
    for (int i = 0; i < 3; i++) {
        char s[64];
        qns_range got;
        const qns_node n = {.op = op, .attr = &attr[i]};
        op->describe(s, sizeof s, &n);
        cr_expect_str_eq(s, text[i]);
        cr_expect(op->as_clamp(&got, NULL, &n));
        cr_expect_eq(got.lo, attr[i].range.lo);
        cr_expect_eq(got.hi, attr[i].range.hi);
    }
}
