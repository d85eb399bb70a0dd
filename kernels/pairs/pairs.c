/* SPDX-License-Identifier: MIT */
/* Plain C. */
#include "kernels/pairs/pairs.h"

#include <assert.h>
#include <math.h>

enum { LANES = QK_PAIR_LANES };

typedef struct lanes {
    double rr[LANES], qq[LANES], ee[LANES], e[LANES];
} lanes;

static void begin(qk_pair *out, lanes *s, float ref, float test)
{
    *s = (lanes){{0}, {0}, {0}, {0}};
    *out = (qk_pair){.ref_min = ref, .ref_max = ref, .test_min = test, .test_max = test};
}

static void add(lanes *s, qk_pair *out, int j, float ref, float test)
{
    /* In double: the difference of two floats need not be a float. */
    const double r = (double)ref, q = (double)test, e = q - r, a = fabs(e);
    s->rr[j] += r * r;
    s->qq[j] += q * q;
    s->ee[j] = fma(e, e, s->ee[j]);
    s->e[j] += e;
    out->max_abs = a > out->max_abs ? a : out->max_abs;
    out->ref_min = ref < out->ref_min ? ref : out->ref_min;
    out->ref_max = ref > out->ref_max ? ref : out->ref_max;
    out->test_min = test < out->test_min ? test : out->test_min;
    out->test_max = test > out->test_max ? test : out->test_max;
}

static void end(qk_pair *out, const lanes *s)
{
    out->rr = qk_join_lanes(s->rr);
    out->qq = qk_join_lanes(s->qq);
    out->ee = qk_join_lanes(s->ee);
    out->e = qk_join_lanes(s->e);
    out->rq = qk_pair_rq(out->rr, out->qq, out->ee);
    out->ref_min += 0.0f;
    out->ref_max += 0.0f;
    out->test_min += 0.0f;
    out->test_max += 0.0f;
}

void qk_pair_f32__c(qk_pair *out, const float *ref, const float *test, size_t n)
{
    lanes s;

    assert(n > 0);
    begin(out, &s, ref[0], test[0]);
    for (size_t i = 0; i < n; i++)
        add(&s, out, (int)(i % LANES), ref[i], test[i]);
    end(out, &s);
}

void qk_pair_codes__c(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test, size_t n)
{
    lanes s;

    assert(n > 0);
    for (size_t k = 0; k < n_test; k++) {
        const qk_coded *t = &test[k];
        begin(&out[k], &s, ref[0], qk_coded_value(t, qk_coded_at(t, 0)));
        for (size_t i = 0; i < n; i++)
            add(&s, &out[k], (int)(i % LANES), ref[i], qk_coded_value(t, qk_coded_at(t, i)));
        end(&out[k], &s);
    }
}

size_t qk_outside_f32__c(const float *x, size_t n, float lo, float hi)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++)
        out += x[i] < lo || x[i] > hi;
    return out;
}
