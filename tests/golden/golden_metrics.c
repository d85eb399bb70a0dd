/* SPDX-License-Identifier: MIT */
/* ns_metrics: the metrics of two tensors. The files hold float32 results, so special cases have to
 * be the same infinity or NaN, and numbers are near. */
#include "golden_metric.h"

void gd_check_metrics(gd *c, const char *what, const gd_metrics *want, const float *x,
                      const float *y, size_t n, double relative)
{
    const gd_metrics got = gd_metrics_of(x, y, n);
    gd_close_number(c, gd_name(c, "%s sqnr", what), got.sqnr, want->sqnr, 0, relative);
    gd_close_number(c, gd_name(c, "%s l2", what), got.l2, want->l2, 0, relative);
    gd_close_number(c, gd_name(c, "%s cosine", what), got.cosine, want->cosine, 0, relative);
}

gd_metrics gd_metrics_of(const float *x, const float *y, size_t n)
{
    qns_sums s;
    qns_diff d;
    qk_table k;
    qk_table_init(&k, ~0u);
    qns_sums_init(&s);
    qns_sums_add(&s, &k, x, y, n, NULL);
    qns_diff_from_sums(&d, &s);
    const unsigned same_zero = QNS_M_EXACT | QNS_M_ZERO_REF;
    const bool zero = s.rr == 0 || s.qq == 0;
    /* The library flags what PyTorch puts into the number: two zero tensors have no SQNR, and the
     * cosine of a zero vector is none, which PyTorch writes as 0. Norms are clamped to 1e-8 each
     * there. */
    const double norms = fmax(sqrt(s.rr), 1e-8) * fmax(sqrt(s.qq), 1e-8);
    return (gd_metrics){.sqnr = (d.flags & same_zero) == same_zero || !n ? NAN : d.sqnr_db,
                        .l2 = sqrt(s.ee / s.rr),
                        .cosine = zero                                     ? 0
                                  : sqrt(s.rr) < 1e-8 || sqrt(s.qq) < 1e-8 ? s.rq / norms
                                                                           : d.cosine};
}

static double number(gd *c, const char *field)
{
    return gd_doubles(c, field, 1)[0];
}

static void metrics(gd *c)
{
    size_t n, m;
    const float *x = gd_floats(c, "x", &n), *y = gd_floats(c, "y", &m);
    if (n != m)
        gd_stop(c, "x has %zu elements and y %zu", n, m);
    const gd_metrics want = {number(c, "sqnr_db"), number(c, "l2"), number(c, "cosine")};
    gd_check_metrics(c, "x, y", &want, x, y, n, 1e-6);
}

const gd_kind gd_metric_kinds[] = {{"ns_metrics", "metrics", metrics}, {NULL, NULL, NULL}};
