/* SPDX-License-Identifier: MIT */
#include "ns/compare/paired.h"

#include "core/base/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Stands for an infinite difference: larger than any other, and sums of two stay finite. */
static const double huge_difference = DBL_MAX / 8, infinite_beyond = DBL_MAX / 64;

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static int by_size(const void *x, const void *y)
{
    const double a = fabs(*(const double *)x), b = fabs(*(const double *)y);
    return (a > b) - (a < b);
}

/* ---- Hodges and Lehmann ---- */

/* Doubles in order as integers in order. */
static uint64_t order_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u >> 63 ? ~u : u | 1ull << 63;
}

static double of_order(uint64_t u)
{
    double v;
    u = u >> 63 ? u & ~(1ull << 63) : ~u;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* How many of the sums d[i] + d[j], i <= j, are at most s. d ascends. */
static uint64_t count_sums(const double *d, size_t n, double s)
{
    uint64_t count = 0;
    size_t end = n; /* d[i] + d[j] <= s for j below end; shrinks while i grows */
    for (size_t i = 0; i < n; i++) {
        while (end > 0 && d[i] + d[end - 1] > s)
            end--;
        if (end <= i)
            break;
        count += end - i;
    }
    return count;
}

/* The k-th smallest (from 1) mean of two, by bisection over all doubles: n (n + 1) / 2 of them are
 * never stored. */
static double walsh(const double *d, size_t n, uint64_t k)
{
    uint64_t lo = order_of(2 * d[0]), hi = order_of(2 * d[n - 1]);
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (count_sums(d, n, of_order(mid)) >= k)
            hi = mid;
        else
            lo = mid + 1;
    }
    const double v = of_order(lo) / 2;
    return v > infinite_beyond ? INFINITY : v < -infinite_beyond ? -INFINITY : v;
}

/* Largest k with P(W < k) <= 2.5 %, W the sum of positive ranks without ties: the interval reaches
 * from the k-th smallest mean of two to the k-th largest. 0: there is none. */
static uint64_t interval_rank(size_t n)
{
    const double tail = 0.025, z = 1.959963984540054, m = (double)n;
    if (n > QNS_PAIRED_EXACT) {
        const double mean = m * (m + 1) / 4, sd = sqrt(m * (m + 1) * (2 * m + 1) / 24);
        return (uint64_t)floor(mean - z * sd + 0.5);
    }
    enum { MOST = QNS_PAIRED_EXACT * (QNS_PAIRED_EXACT + 1) / 2 };
    double ways[MOST + 1] = {1}; /* subsets of the ranks with a sum; below 2^50, so exact */
    size_t top = 0;
    for (size_t r = 1; r <= n; r++) {
        for (size_t s = top + 1; s-- > 0;)
            ways[s + r] += ways[s];
        top += r;
    }
    const double limit = tail * ldexp(1, (int)n);
    double below = 0;
    uint64_t k = 0;
    while (below + ways[k] <= limit)
        below += ways[k++];
    return k;
}

static void estimate(qns_paired *out, const double *d, size_t n)
{
    const uint64_t pairs = (uint64_t)n * (n + 1) / 2, k = interval_rank(n);
    const double low = walsh(d, n, (pairs + 1) / 2), high = walsh(d, n, pairs / 2 + 1);
    out->shift = low == high ? low : (low + high) / 2;
    out->lo = k ? walsh(d, n, k) : -INFINITY;
    out->hi = k ? walsh(d, n, pairs + 1 - k) : INFINITY;
}

/* ---- Wilcoxon ---- */

/* P(W <= w) and P(W >= w) over all sign patterns of n doubled ranks. */
static double exact_p(const uint32_t *rank2, size_t n, uint64_t w2)
{
    enum { MOST = QNS_PAIRED_EXACT * (QNS_PAIRED_EXACT + 1) };
    double ways[MOST + 1] = {1}, below = 0, above = 0;
    size_t top = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t s = top + 1; s-- > 0;)
            ways[s + rank2[i]] += ways[s];
        top += rank2[i];
    }
    for (size_t s = 0; s <= top; s++) {
        below += s <= w2 ? ways[s] : 0;
        above += s >= w2 ? ways[s] : 0;
    }
    return fmin(1, 2 * fmin(below, above) / ldexp(1, (int)n));
}

static void signed_rank(qns_paired *out, double *d, size_t n)
{
    uint32_t rank2[QNS_PAIRED_EXACT];
    double plus = 0, sum = 0, squares = 0; /* of ranks */
    size_t kept = 0;
    qsort(d, n, sizeof *d, by_size);
    out->exact = n <= QNS_PAIRED_EXACT;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && fabs(d[end]) == fabs(d[i]);)
            end++;
        const double rank = (double)(i + 1 + end) / 2;
        for (size_t k = i; k < end && d[k] != 0; k++) {
            plus += d[k] > 0 ? rank : 0;
            sum += rank;
            squares += rank * rank;
            if (out->exact)
                rank2[kept++] = (uint32_t)(i + 1 + end);
        }
        if (d[i] == 0)
            out->n_zero = end - i;
    }
    if (squares == 0) {
        out->p = 1;
    } else if (out->exact) {
        out->p = exact_p(rank2, kept, (uint64_t)(2 * plus));
    } else {
        const double off = fmax(0, fabs(plus - sum / 2) - 0.5);
        out->p = erfc(off / sqrt(squares / 4) / sqrt(2));
    }
}

void qns_paired_test(qns_paired *out, double *d, size_t n)
{
    size_t kept = 0;
    *out = (qns_paired){.shift = NAN, .lo = NAN, .hi = NAN, .p = NAN};
    for (size_t i = 0; i < n; i++)
        if (!isnan(d[i]))
            d[kept++] = fmin(fmax(d[i], -huge_difference), huge_difference);
    out->n = kept;
    if (kept == 0)
        return;
    qsort(d, kept, sizeof *d, by_value);
    estimate(out, d, kept);
    signed_rank(out, d, kept);
}

/* ---- McNemar ---- */

double qns_mcnemar(uint64_t lost, uint64_t gained)
{
    const uint64_t n = lost + gained, least = lost < gained ? lost : gained;
    const double m = (double)n;
    /* P(X <= least) of the binomial distribution, its largest term first. */
    double term = exp(lgamma(m + 1) - lgamma((double)least + 1) - lgamma(m - (double)least + 1) -
                      m * log(2)),
           sum = 0;
    for (uint64_t k = least;; k--) {
        sum += term;
        if (k == 0 || term < sum * DBL_EPSILON / 4)
            break;
        term *= (double)k / (double)(n - k + 1);
    }
    return fmin(1, 2 * sum);
}

/* ---- false discovery rate ---- */

typedef struct keyed {
    double p;
    size_t at;
} keyed;

static int by_p(const void *x, const void *y)
{
    const keyed *a = x, *b = y;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

qns_status qns_fdr(double *q, const double *p, size_t n, qns_fdr_method method, qns_err *err)
{
    keyed *v = NULL;
    size_t m = 0;
    double factor = 1, lowest = 1;
    QNS_TRY(qns_new((void **)&v, n, sizeof *v, err));
    for (size_t i = 0; i < n; i++) {
        q[i] = NAN;
        if (!isnan(p[i]))
            v[m++] = (keyed){p[i], i};
    }
    qsort(v, m, sizeof *v, by_p);
    if (method == QNS_FDR_BY)
        for (size_t i = 2; i <= m; i++)
            factor += 1.0 / (double)i;
    for (size_t i = m; i-- > 0;) {
        lowest = fmin(lowest, v[i].p * (double)m * factor / (double)(i + 1));
        q[v[i].at] = lowest;
    }
    qns_free(v);
    return QNS_OK;
}
