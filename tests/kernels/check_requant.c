/* SPDX-License-Identifier: MIT */
/* Requantization: variants against plain C, and plain C against exact arithmetic. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MAX_N = 67 };

/* Accumulators: by the fill; ties are odd multiples of a half step of mult = 2^-4. */
static int32_t *accumulators(check *c, size_t n)
{
    int32_t *acc = check_in_bytes(c, n * sizeof *acc);

    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = qns_rng_next(&c->rng);
        switch (c->fill) {
        case FILL_EXTREMES:
            acc[i] = bits >> 63 ? INT32_MAX - (int32_t)(bits & 3) : INT32_MIN + (int32_t)(bits & 3);
            break;
        case FILL_ALTERNATING:
            acc[i] = i % 2 ? 70000 : -70000;
            break;
        case FILL_OUTLIER:
            acc[i] = bits % 29 ? (int32_t)(bits % 100) : INT32_MIN;
            break;
        case FILL_ZERO:
            acc[i] = 0;
            break;
        case FILL_TIES:
            acc[i] = ((int32_t)(bits % 800) - 400) * 16 + 8 + (int32_t)((bits >> 32) % 3) - 1;
            break;
        default:
            acc[i] = (int32_t)(bits % 8192) - 4096;
        }
    }
    return acc;
}

typedef struct tensors {
    int32_t *acc, *offset, *zero_w, *row_sum;
    float *bias, *mult;
} tensors;

/* Parameters of every kind: uniform draws give ordinary ones, other fills nasty ones too. */
static qk_requant parameters(check *c, const tensors *t, size_t n)
{
    qk_requant rq = {.scheme = check_pick(c, 0, 3) ? QK_RQ_FBGEMM : QK_RQ_QNNPACK,
                     .per_channel = check_pick(c, 0, 1),
                     .mult = t->mult,
                     .offset = t->offset,
                     .zero_w = check_pick(c, 0, 1) ? t->zero_w : NULL,
                     .prescaled = check_pick(c, 0, 1),
                     .rcp = c->fill == FILL_TIES ? 8.0f : 37.77f,
                     .hi = 255};
    const bool is_signed = check_pick(c, 0, 1), clamps = check_pick(c, 0, 1);

    if (rq.scheme == QK_RQ_FBGEMM && check_pick(c, 0, 2))
        rq.bias = t->bias;
    rq.zero = (int32_t)check_pick(c, 0, 255);
    if (is_signed) {
        rq.zero -= 128;
        rq.lo = -128;
        rq.hi = 127;
    }
    if (clamps)
        rq.lo = rq.zero;
    for (size_t j = 0; j < n; j++) {
        t->mult[j] = c->fill == FILL_TIES ? 0.0625f : 0.001f + 0.06f * (float)qns_rng_unit(&c->rng);
        t->offset[j] = c->fill == FILL_TIES ? 0 : (int32_t)check_pick(c, 0, 2000) - 1000;
        t->zero_w[j] = (int32_t)check_pick(c, 0, 40) - 20;
    }
    if (c->fill == FILL_SPECIAL)
        for (size_t j = 0; j < n; j++)
            t->mult[j] = check_pick(c, 0, 1) ? 1e10f : 0x1p-120f;
    return rq;
}

static void requant(check *c, size_t m, size_t n)
{
    const size_t ld_acc = n + check_pick(c, 0, 3), ld_out = n + check_pick(c, 0, 3);
    tensors t = {.acc = accumulators(c, m * ld_acc),
                 .offset = check_in_bytes(c, n * 4),
                 .zero_w = check_in_bytes(c, n * 4),
                 .row_sum = check_in_bytes(c, m * 4),
                 .bias = check_in_f32(c, n),
                 .mult = check_in_bytes(c, n * 4)};
    const qk_requant rq = parameters(c, &t, n);
    check_out o = check_out_new(c, m, n, ld_out, 1);

    for (size_t i = 0; i < m; i++)
        t.row_sum[i] = c->fill == FILL_EXTREMES ? INT32_MAX : (int32_t)check_pick(c, 0, 100);
    const int32_t *row_sum = rq.zero_w ? t.row_sum : NULL;
    check_problem(c,
                  "m %zu, n %zu, scheme %d, per channel %d, bias %d, prescaled %d, zero_w %d, "
                  "zero %d, %d..%d, first acc %d, mult %a",
                  m, n, rq.scheme, rq.per_channel, rq.bias != NULL, rq.prescaled, rq.zero_w != NULL,
                  rq.zero, rq.lo, rq.hi, t.acc[0], rq.mult[0]);
    c->ref.requant(o.ref, ld_out, t.acc, ld_acc, m, n, row_sum, &rq);
    c->var.requant(o.var, ld_out, t.acc, ld_acc, m, n, row_sum, &rq);
    check_out_done(c, &o, 1, c->fill == FILL_UNIFORM && m * n > 40 && rq.hi - rq.lo > 100);
    check_free(t.mult);
    check_free(t.bias);
    check_free(t.row_sum);
    check_free(t.zero_w);
    check_free(t.offset);
    check_free(t.acc);
}

static void run(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            for (size_t m = 1; m <= 4; m++)
                requant(c, m, n);
        for (int i = 0; i < 100; i++)
            requant(c, check_pick(c, 1, 3), check_pick(c, 1, MAX_N));
        requant(c, 50, 517);
    }
}

Test(requant, variants)
{
    check_family("requant", offsetof(qk_table, requant), run);
}

/* One accumulator, all masks; all must agree. */
static int one(const qk_requant *rq, int32_t acc)
{
    uint8_t first = 0;

    for (unsigned mask = 0; mask < 32; mask++) {
        qk_table t;
        uint8_t out = 0;
        qk_table_init(&t, mask);
        t.requant(&out, 1, &acc, 1, 1, 1, NULL, rq);
        cr_assert(!mask || out == first, "mask %u: %d, plain C: %d", mask, out, first);
        first = out;
    }
    return rq->lo < 0 ? (int8_t)first : first;
}

static const int32_t no_offset[1];

Test(requant, ties_of_each_scheme)
{
    static const struct {
        qk_scheme scheme;
        int acc[4], code[4]; /* acc * 0.5 = 2.5, -2.5, 1.5, -1.5 */
    } rows[] = {
        {QK_RQ_FBGEMM, {5, -5, 3, -3}, {2, -2, 2, -2}},
        {QK_RQ_QNNPACK, {5, -5, 3, -3}, {2, -2, 2, -2}},
    };
    const float half = 0.5f;

    for (size_t i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++) {
            const qk_requant rq = {.scheme = rows[i].scheme,
                                   .mult = &half,
                                   .offset = no_offset,
                                   .lo = -128,
                                   .hi = 127};
            cr_assert_eq(one(&rq, rows[i].acc[j]), rows[i].code[j]);
        }
}

/* round(acc / 2^shift), ties to even, and the clamp, in integers only. */
static int exact(int64_t acc, int shift, int zero, int lo, int hi)
{
    const int64_t unit = (int64_t)1 << shift;
    int64_t q = acc / unit;
    if (acc % unit < 0)
        q--;
    const int64_t rest = acc - q * unit;
    if (2 * rest > unit || (2 * rest == unit && q % 2 != 0))
        q++;
    q += zero;
    return (int)(q < lo ? lo : q > hi ? hi : q);
}

/* Every code, every shift that keeps accumulators exact in float (2^24): on, just below and just
 * above the tie between the code and the next. */
Test(requant, exact_around_every_tie)
{
    static const int zeros[] = {0, 1, 127, 128, 255};
    qk_table t;

    qk_table_init(&t, 0);
    for (int scheme = QK_RQ_FBGEMM; scheme <= QK_RQ_QNNPACK; scheme++)
        for (int shift = 1; shift <= 16; shift++)
            for (int z = 0; z < 5; z++)
                for (int code = -2; code <= 257; code++) {
                    const float mult = ldexpf(1.0f, -shift);
                    const qk_requant rq = {.scheme = (qk_scheme)scheme,
                                           .mult = &mult,
                                           .offset = no_offset,
                                           .zero = zeros[z],
                                           .hi = 255};
                    const int tie = (2 * (code - zeros[z]) + 1) * (1 << (shift - 1));
                    for (int d = -1; d <= 1; d++) {
                        const int32_t acc = tie + d;
                        uint8_t out;
                        t.requant(&out, 1, &acc, 1, 1, 1, NULL, &rq);
                        cr_assert_eq(out, exact(acc, shift, zeros[z], 0, 255),
                                     "acc %d, shift %d, zero %d", acc, shift, zeros[z]);
                    }
                }
}

/* |x * mult| >= 2^31 and NaN become lo, on both sides; just below saturates to the near end. */
Test(requant, out_of_range_is_lo)
{
    static const struct {
        float mult;
        int32_t acc;
        int code[2]; /* lo..hi of 10..250, and of -128..127 with zero -128 */
    } rows[] = {
        {1.0f, INT32_MAX, {10, -128}},  /* (f32) of it is 2^31 */
        {1.0f, 2147483520, {250, 127}}, /* the last float below */
        {1.0f, INT32_MIN, {10, -128}},  {1e10f, 1, {10, -128}},    {1e10f, -1, {10, -128}},
        {INFINITY, 1, {10, -128}},      {INFINITY, 0, {10, -128}}, {NAN, 5, {10, -128}},
        {1e9f, 2, {250, 127}},          {1e9f, -2, {10, -128}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int scheme = QK_RQ_FBGEMM; scheme <= QK_RQ_QNNPACK; scheme++) {
            qk_requant rq = {.scheme = (qk_scheme)scheme,
                             .mult = &rows[i].mult,
                             .offset = no_offset,
                             .zero = 128,
                             .lo = 10,
                             .hi = 250};
            cr_assert_eq(one(&rq, rows[i].acc), rows[i].code[0], "row %zu", i);
            rq.zero = -128;
            rq.lo = -128;
            rq.hi = 127;
            cr_assert_eq(one(&rq, rows[i].acc), rows[i].code[1], "row %zu, signed", i);
        }
}

/* The code from long double, which holds every sum and product here exactly (numbers of at most 24
 * bits, exponents close together), so that a single conversion to float is the one rounding. */
static int reference(int32_t acc, const qk_requant *rq, bool fused)
{
    float x = (float)acc;
    if (rq->bias && rq->prescaled)
        x = (float)((long double)x + rq->bias[0]);
    else if (rq->bias && fused)
        x = (float)((long double)rq->bias[0] * rq->rcp + x);
    else if (rq->bias)
        x = (float)((long double)(float)((long double)rq->bias[0] * rq->rcp) + x);
    const float y = (float)((long double)x * rq->mult[0]);
    const long double code = rintl((long double)y) + rq->zero;
    return (int)(code < rq->lo ? rq->lo : code > rq->hi ? rq->hi : code);
}

/* Random problems; the fused bias must matter in some of them, or the test proves nothing. */
Test(requant, against_long_double)
{
    qns_rng rng;
    int n_fused_matters = 0;

    qns_rng_seed(&rng, 77);
    for (int i = 0; i < 20000; i++) {
        const int shift = 8 + (int)qns_rng_below(&rng, 8);
        const float mult = ldexpf(1.0f + (float)qns_rng_below(&rng, 2) / 2, -shift);
        const float bias = 1024.0f + (float)qns_rng_below(&rng, 8192) / 8;
        const float rcp = 1.0f + (float)qns_rng_below(&rng, 1 << 23) * 0x1p-23f;
        const int32_t acc = (int32_t)qns_rng_below(&rng, 1 << 22) - (1 << 21);
        const qk_requant rq = {.mult = &mult,
                               .bias = qns_rng_below(&rng, 8) ? &bias : NULL,
                               .rcp = rcp,
                               .prescaled = qns_rng_below(&rng, 2),
                               .offset = no_offset,
                               .zero = 100,
                               .hi = 255};
        cr_assert_eq(one(&rq, acc), reference(acc, &rq, true), "problem %d", i);
    }
    /* bias * rcp = 1 - 2^-26, which alone rounds to 1: with acc = -1 the sum is -2^-26 fused and 0
     * not, and a large mult makes that visible. */
    const float bias = 1.0f + 0x1p-13f, rcp = 1.0f - 0x1p-13f;
    for (int e = 22; e < 34; e++) {
        const float mult = ldexpf(1.0f, e);
        const qk_requant rq = {
            .mult = &mult, .bias = &bias, .rcp = rcp, .offset = no_offset, .zero = 100, .hi = 255};
        cr_assert_eq(one(&rq, -1), reference(-1, &rq, true), "mult 2^%d", e);
        n_fused_matters += reference(-1, &rq, true) != reference(-1, &rq, false);
    }
    cr_assert_geq(n_fused_matters, 5);
}

Test(requant, weight_zero_points_and_wrap)
{
    const float mult = 0.25f;
    const int32_t zero_w[1] = {3}, offset[1] = {INT32_MAX}, row_sum[1] = {100};
    const int32_t acc = INT32_MIN + 1 + 300 + 40;
    const qk_requant rq = {.mult = &mult, .offset = offset, .zero_w = zero_w, .hi = 255};
    uint8_t out;

    for (unsigned mask = 0; mask < 32; mask++) {
        qk_table t;
        qk_table_init(&t, mask);
        t.requant(&out, 1, &acc, 1, 1, 1, row_sum, &rq);
        cr_assert_eq(out, 10);
    }
}

Test(requant, rne)
{
    static const struct {
        float x;
        int32_t r;
    } rows[] = {
        {0.5f, 0},
        {-0.5f, 0},
        {1.5f, 2},
        {-1.5f, -2},
        {2.5f, 2},
        {-2.5f, -2},
        {3.5f, 4},
        {0.49999997f, 0},
        {0.50000006f, 1},
        {4194303.5f, 4194304},
        {4194302.5f, 4194302},
        {8388607.5f, 8388608},
        {16777217.0f, 16777216},
        {2147483520.0f, 2147483520},
        {-2147483648.0f, INT32_MIN},
        {2147483648.0f, INT32_MIN},
        {-2147483904.0f, INT32_MIN},
        {INFINITY, INT32_MIN},
        {-INFINITY, INT32_MIN},
        {NAN, INT32_MIN},
        {1e-45f, 0},
    };
    qns_rng rng;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(qk_rne(rows[i].x), rows[i].r, "row %zu", i);
    qns_rng_seed(&rng, 5);
    for (int i = 0; i < 100000; i++) {
        const uint32_t bits = (uint32_t)qns_rng_next(&rng);
        float x;
        memcpy(&x, &bits, sizeof x);
        if (fabsf(x) < 2147483648.0f)
            cr_assert_eq(qk_rne(x), (int32_t)llrintf(x), "%a", (double)x);
        else
            cr_assert_eq(qk_rne(x), INT32_MIN, "%a", (double)x);
    }
}
