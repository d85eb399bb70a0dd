/* SPDX-License-Identifier: MIT */
/* Plain C. */
#include "kernels/pairs/pairs.h"

#include <assert.h>
#include <math.h>

enum { LANES = QK_PAIR_LANES };

typedef struct lanes {
    double rr[LANES], qq[LANES], rq[LANES], ee[LANES], e[LANES];
} lanes;

static void add(lanes *s, qk_pair *out, int j, float ref, float test)
{
    /* In double: the difference of two floats need not be a float. */
    const double r = (double)ref, q = (double)test, e = q - r, a = fabs(e);
    s->rr[j] += r * r;
    s->qq[j] += q * q;
    s->rq[j] += r * q;
    s->ee[j] += e * e;
    s->e[j] += e;
    out->max_abs = a > out->max_abs ? a : out->max_abs;
    out->ref_min = ref < out->ref_min ? ref : out->ref_min;
    out->ref_max = ref > out->ref_max ? ref : out->ref_max;
    out->test_min = test < out->test_min ? test : out->test_min;
    out->test_max = test > out->test_max ? test : out->test_max;
}

void qk_pair_f32__c(qk_pair *out, const float *ref, const float *test, size_t n)
{
    lanes s = {{0}, {0}, {0}, {0}, {0}};

    assert(n > 0);
    *out =
        (qk_pair){.ref_min = ref[0], .ref_max = ref[0], .test_min = test[0], .test_max = test[0]};
    for (size_t i = 0; i < n; i++)
        add(&s, out, (int)(i % LANES), ref[i], test[i]);
    out->rr = qk_join_lanes(s.rr);
    out->qq = qk_join_lanes(s.qq);
    out->rq = qk_join_lanes(s.rq);
    out->ee = qk_join_lanes(s.ee);
    out->e = qk_join_lanes(s.e);
    out->ref_min += 0.0f;
    out->ref_max += 0.0f;
    out->test_min += 0.0f;
    out->test_max += 0.0f;
}

size_t qk_outside_f32__c(const float *x, size_t n, float lo, float hi)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++)
        out += x[i] < lo || x[i] > hi;
    return out;
}
