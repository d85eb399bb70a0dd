/* SPDX-License-Identifier: MIT */
/* A weight that is not the rounded float one: which known change makes it so? Channels are compared
 * by their cosine, which no scale changes: 8-bit rounding leaves it above 0.99. */
#include "core/base/mem.h"
#include "ns/cmp.h"

#include <math.h>

enum { MOST_ELEMENTS = 1 << 22 };

static const double alike = 0.99, unlike = 0.9, opposite = -0.9, gain_off = 0.03, most_work = 1e9,
                    nearly_all = 0.9;

typedef struct pair {
    const float *ref, *test;
    qns_geom g;
} pair;

/* Cosine of channel i of the reference and channel k of the test. */
static double cosine(const pair *p, size_t i, size_t k)
{
    double rr = 0, qq = 0, rq = 0;
    const size_t row = p->g.channels * p->g.inner;
    for (size_t o = 0; o < p->g.outer; o++) {
        const float *r = p->ref + o * row + i * p->g.inner, *q = p->test + o * row + k * p->g.inner;
        for (size_t j = 0; j < p->g.inner; j++) {
            rr += (double)r[j] * r[j];
            qq += (double)q[j] * q[j];
            rq += (double)r[j] * q[j];
        }
    }
    return rr > 0 && qq > 0 ? rq / sqrt(rr * qq) : rr == qq ? 1 : 0;
}

/* Channels that are unlike: does each hold another one of the float side? */
static bool is_permuted(size_t *first, size_t *now, const pair *p)
{
    const size_t n = p->g.channels;
    size_t wrong = 0, found = 0;
    for (size_t i = 0; i < n; i++)
        wrong += cosine(p, i, i) < unlike;
    const double work = (double)wrong * (double)n * (double)(p->g.outer * p->g.inner);
    if (wrong < 2 || work > most_work)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!(cosine(p, i, i) < unlike))
            continue;
        size_t k = 0;
        while (k < n && (k == i || !(cosine(p, k, i) >= alike)))
            k++;
        if (k < n && found++ == 0) {
            *first = i;
            *now = k;
        }
    }
    return (double)found >= nearly_all * (double)wrong;
}

static bool is_transposed(const float *ref, const float *test, const qns_shape *s)
{
    double rr = 0, qq = 0, rq = 0;
    if (s->rank != 4 || s->dim[2] != s->dim[3] || s->dim[2] < 2)
        return false;
    const size_t k = (size_t)s->dim[2], windows = qns_shape_count(s) / (k * k);
    for (size_t w = 0; w < windows; w++)
        for (size_t y = 0; y < k; y++)
            for (size_t x = 0; x < k; x++) {
                const double r = ref[w * k * k + x * k + y], q = test[w * k * k + y * k + x];
                rr += r * r;
                qq += q * q;
                rq += r * q;
            }
    return rr > 0 && qq > 0 && rq >= alike * sqrt(rr * qq);
}

/* Factors of the channels explain nearly all of the error. */
static bool has_factors(size_t *first, size_t *n_off, const pair *p)
{
    double error = 0, explained = 0;
    const size_t row = p->g.channels * p->g.inner;
    *n_off = 0;
    for (size_t i = p->g.channels; i-- > 0;) {
        double rr = 0, rq = 0;
        for (size_t o = 0; o < p->g.outer; o++)
            for (size_t j = 0; j < p->g.inner; j++) {
                const size_t at = o * row + i * p->g.inner + j;
                const double r = p->ref[at], q = p->test[at];
                rr += r * r;
                rq += r * q;
                error += (q - r) * (q - r);
            }
        const double off = rr > 0 ? rq / rr - 1 : 0;
        explained += off * off * rr;
        if (fabs(off) > gain_off) {
            *first = i;
            ++*n_off;
        }
    }
    return *n_off > 0 && explained >= nearly_all * error;
}

static qns_weight_fault look(size_t *first, size_t *now, const float *ref, const float *test,
                             const qns_shape *s, int32_t axis)
{
    const pair all = {ref, test, qns_geom_of(s, -1)}, rows = {ref, test, qns_geom_of(s, axis)};
    if (cosine(&all, 0, 0) < opposite)
        return QNS_WEIGHT_SIGN;
    if (is_transposed(ref, test, s))
        return QNS_WEIGHT_TRANSPOSED;
    if (axis < 0)
        return QNS_WEIGHT_OTHER;
    if (has_factors(first, now, &rows))
        return QNS_WEIGHT_SCALES;
    if (is_permuted(first, now, &rows))
        return QNS_WEIGHT_ROWS;
    if (s->rank < 2)
        return QNS_WEIGHT_OTHER;
    const pair inputs = {ref, test, qns_geom_of(s, axis == 0 ? 1 : 0)};
    return is_permuted(first, now, &inputs) ? QNS_WEIGHT_INPUTS : QNS_WEIGHT_OTHER;
}

qns_weight_fault qns_cmp_weight_fault(size_t *first, size_t *now, qns_cmp *c, uint32_t k)
{
    const qns_cmp_layer *l = &c->layer.at[k];
    const qns_cap_data *t = qns_cmp_data(c->test, l->test_weight);
    qns_weight_fault out = QNS_WEIGHT_OTHER;
    qns_err err = {0};
    if (!t || l->ref_weight == QNS_CMP_NONE || t->count > MOST_ELEMENTS)
        return out;
    const qns_cap_part r = {l->ref_weight, 0, 1, 0, t->count},
                       q = {l->test_weight, 0, 1, 0, t->count};
    float *ref = qns_calloc(t->count, sizeof *ref), *test = qns_calloc(t->count, sizeof *test);
    /* They were read before: what fails now is memory, and costs a reason only. */
    if (ref && test && qns_capture_read(ref, c->ref, &r, &err) == QNS_OK &&
        qns_capture_read(test, c->test, &q, &err) == QNS_OK)
        out = look(first, now, ref, test, &t->shape, qns_cmp_weight_axis(t));
    qns_free(ref);
    qns_free(test);
    return out;
}
