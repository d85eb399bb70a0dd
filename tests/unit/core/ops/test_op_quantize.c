/* SPDX-License-Identifier: MIT */
#include "core/ops/op_quantize.h"
#include "golden.h"
#include "op_run.h"

#include <math.h>

static const qns_qparams *case_qp(op_run *r, const golden *g, const json_t *c, qns_dtype type)
{
    if (!golden_has(c, "scales"))
        return op_qp(r, type, golden_number(c, "scale"), (int32_t)golden_number(c, "zero_point"));
    const qns_qparams *qp;
    qns_tensor s = golden_array(g, c, "scales"), z = golden_array(g, c, "zero_points");
    const size_t n = qns_tensor_count(&s);
    double *scale = op_bytes(r, n * sizeof *scale);
    int32_t *zero = op_bytes(r, n * sizeof *zero);
    memcpy(scale, s.data, n * sizeof *scale);
    for (size_t i = 0; i < n; i++)
        zero[i] = z.dtype == QNS_I64 ? (int32_t)((int64_t *)z.data)[i] : ((int32_t *)z.data)[i];
    cr_assert_eq(qns_qparams_new(&qp, r->arena, type, (int32_t)golden_number(c, "axis"), (int32_t)n,
                                 scale, zero, NULL),
                 QNS_OK);
    qns_free(s.data);
    qns_free(z.data);
    return qp;
}

static qns_dtype case_dtype(const json_t *c)
{
    const char *t = golden_text(c, "dtype");
    return strcmp(t, "u8") == 0 ? QNS_U8 : strcmp(t, "s8") == 0 ? QNS_I8 : QNS_I32;
}

/* Compares where x is an ordinary number; the special rows are for the matching path only. */
static size_t diff_codes(const qns_tensor *got, const qns_tensor *want, const qns_tensor *x,
                         bool special)
{
    size_t bad = 0;
    const uint8_t *a = got->data, *b = want->data;
    for (size_t i = 0; i < qns_tensor_count(got); i++)
        if ((special || fabsf(qns_cf32(x)[i]) < 1e6f) && a[i] != b[i])
            bad++;
    return bad;
}

Test(op_quantize, golden)
{
    golden g;
    size_t n_quantize = 0, n_dequantize = 0, i;
    json_t *c;
    golden_open(&g, "quantize");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        const char *kind = golden_text(c, "kind");
        const bool channel = strcmp(kind, "per_channel") == 0;
        if (!channel && strcmp(kind, "per_tensor") != 0)
            continue;
        op_run q = {.op = "quantize", .n_in = 1}, d = {.op = "dequantize", .n_in = 1};
        cr_assert_eq(qns_arena_create(&q.arena, NULL), QNS_OK);
        cr_assert_eq(qns_arena_create(&d.arena, NULL), QNS_OK);
        const qns_quantize_attr attr = {case_qp(&q, &g, c, case_dtype(c))};
        q.attr = d.attr = &attr;
        q.in[0] = golden_array(&g, c, "x");
        qns_tensor want_q = golden_array(&g, c, channel ? "q" : "q_fbgemm");
        d.in[0] = golden_array(&g, c, channel ? "q" : "q_native");
        d.in[0].qp = attr.qp;
        qns_tensor want_d = golden_array(&g, c, channel ? "dq" : "dq_of_native");
        if (attr.qp->dtype != QNS_I32) {
            cr_assert(op_execute(&q));
            cr_expect_eq(diff_codes(&q.out[0], &want_q, &q.in[0], !channel), 0, "case %zu", i);
            n_quantize++;
        }
        cr_assert(op_execute(&d));
        cr_expect_eq(golden_diff(&d.out[0], &want_d, kind), 0, "case %zu", i);
        n_dequantize++;
        qns_free(q.in[0].data);
        qns_free(d.in[0].data);
        qns_free(want_q.data);
        qns_free(want_d.data);
        op_finish(&q);
        op_finish(&d);
    }
    cr_expect_geq(n_quantize, 12);
    cr_expect_geq(n_dequantize, 18);
    golden_close(&g);
}

/* Per channel in channels-last memory: each channel by its own scale, by the definition. */
Test(op_quantize, channel_layouts)
{
    qns_rng rng;
    qns_rng_seed(&rng, 7);
    for (int layout = 0; layout < 2; layout++) {
        op_run q = {.op = "quantize", .n_in = 1, .layout = layout ? QNS_CHLAST : QNS_ROW};
        q.in[0] = op_random(&q, &rng, op_shape(4, 2, 3, 4, 5), -1.0f, 1.0f);
        const double scale[] = {0.01, 0.02, 0.5};
        const int32_t zero[] = {0, 3, -7};
        qns_quantize_attr attr;
        cr_assert_eq(qns_qparams_new(&attr.qp, q.arena, QNS_I8, 1, 3, scale, zero, NULL), QNS_OK);
        q.attr = &attr;
        cr_assert(op_execute(&q));
        cr_expect_str_eq(q.impl, "quantize.channel");
        for (size_t i = 0; i < 120; i++) {
            const size_t ch = i / 20 % 3;
            double want =
                nearbyint((double)(qns_cf32(&q.in[0])[i] * (1.0f / (float)scale[ch]))) + zero[ch];
            want = fmin(fmax(want, -128), 127);
            cr_expect_eq(((int8_t *)q.out[0].data)[i], (int8_t)want);
        }
        op_run d = {.op = "dequantize", .n_in = 1, .attr = &attr, .layout = q.layout};
        d.in[0] = q.out[0];
        cr_assert(op_execute(&d));
        for (size_t i = 0; i < 120; i++)
            cr_expect_float_eq(
                qns_cf32(&d.out[0])[i],
                scale[i / 20 % 3] * (((int8_t *)q.out[0].data)[i] - zero[i / 20 % 3]), 1e-7);
        op_finish(&d);
        op_finish(&q);
    }
}

Test(op_quantize, refuses)
{
    op_run r = {.op = "quantize", .n_in = 1};
    const double scale[] = {1, 1};
    const int32_t zero[] = {0, 0};
    qns_quantize_attr attr;
    cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
    cr_assert_eq(qns_qparams_new(&attr.qp, r.arena, QNS_I8, 1, 2, scale, zero, NULL), QNS_OK);
    r.attr = &attr;
    r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = {.rank = 2, .dim = {1, 3}}};
    cr_expect_not(op_execute(&r), "2 scales for 3 channels");
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = {.rank = 1, .dim = {2}}};
    cr_expect_not(op_execute(&r), "axis outside");
    r.in[0] = (qns_tensor){.dtype = QNS_I64, .shape = {.rank = 2, .dim = {1, 2}}};
    cr_expect_not(op_execute(&r), "integers");
    r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = {.rank = 2, .dim = {0, 2}}};
    r.in[0].data = op_bytes(&r, 1);
    cr_expect(op_execute(&r), "batch 0");
    r.op = "dequantize";
    r.in[0].dtype = QNS_U8;
    cr_expect_not(op_execute(&r), "other code type");
    op_finish(&r);
}
