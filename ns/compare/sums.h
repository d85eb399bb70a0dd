/* SPDX-License-Identifier: MIT */
/* One pass over a reference and its test tensor collects everything the metrics need.
 *
 * Sums are double. A span is cut into blocks of QNS_SUMS_BLOCK elements from its start, each block
 * is summed in eight lanes that are joined in one fixed order, and blocks are joined in their
 * order. So the result depends on where spans start (a sample, a channel), and on nothing else: not
 * on how many elements come per call as long as calls end at block borders, not on threads. */
#ifndef QNS_SUMS_H
#define QNS_SUMS_H

#include "core/base/status.h"
#include "kernels/kernels.h"

/* Small enough for a first-level cache, of which some kernels walk over a block twice; joining
 * lanes and blocks takes some 3 % of the time. */
enum { QNS_SUMS_BLOCK = 4096 };

/* What the codes of the test side can stand for. */
typedef struct qns_grid {
    double step;   /* 0: the test side is float, and the rest means nothing */
    double lo, hi; /* the reals of the smallest and the largest code */
} qns_grid;

/* How the test side is stored as codes of one scale; they become floats as spec section 1 says. */
typedef struct qns_codes {
    double scale;
    int32_t zero;
    bool is_signed;
    bool by_channel; /* one of several channels: in double, rounded once; else in float */
} qns_codes;

typedef struct qns_test {
    const void *data;
    const qns_codes *codes; /* NULL: data is floats */
} qns_test;

typedef struct qns_sums {
    uint64_t n;            /* pairs of two finite numbers */
    double rr, qq, rq, ee; /* sums of squares and products; e = q - r */
    double e;              /* sum of q - r */
    double ee_steps;       /* sum of (e / step)^2; NaN as soon as a span has no grid */
    double max_abs, max_abs_steps;
    double ref_min, ref_max, test_min, test_max; /* +inf, -inf while n is 0 */
    uint64_t clipped; /* references more than 0.51 steps outside lo..hi */
    uint64_t nonfinite_ref, nonfinite_test;
} qns_sums;

void qns_sums_init(qns_sums *s);
/* Adds n pairs. grid NULL: float. To be independent of the split of a span, n must be a multiple of
 * QNS_SUMS_BLOCK in all calls but the last of the span. Kernels do not change the result. */
void qns_sums_add(qns_sums *s, const qk_table *k, const float *ref, const float *test, size_t n,
                  const qns_grid *grid);
/* The same of codes. */
void qns_sums_add_codes(qns_sums *s, const qk_table *k, const float *ref, const uint8_t *test,
                        const qns_codes *codes, size_t n, const qns_grid *grid);
/* One block, 0 < n <= QNS_SUMS_BLOCK, of up to QK_PAIR_TESTS test sides of the same reference,
 * which is read once. *out[i] is written: what qns_sums_add() adds of test i. */
void qns_sums_block(qns_sums *const *out, const qk_table *k, const float *ref, const qns_test *test,
                    size_t n_test, size_t n, const qns_grid *grid);
/* s = s ++ other. Not commutative in the last bits: call it in sample order. */
void qns_sums_merge(qns_sums *s, const qns_sums *other);

/* Floats of codes. */
void qns_codes_to_float(float *out, const qk_table *k, const uint8_t *q, const qns_codes *c,
                        size_t n);

#endif
