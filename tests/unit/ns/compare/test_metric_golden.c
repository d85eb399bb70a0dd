/* SPDX-License-Identifier: MIT */
/* SQNR and cosine against PyTorch's numeric suite, where the two define the same thing: PyTorch has
 * NaN for 0 / 0 and an epsilon in the cosine of a zero tensor; ours are flags. */
#include "ns/compare/metric.h"
#include "tests/unit/core/quant/golden_npz.h"

#include <math.h>

static void near(double got, float want, double rel)
{
    cr_assert(fabs(got - (double)want) <= rel * fabs((double)want), "%.9g is not %.9g", got,
              (double)want);
}

static void check(golden *g, json_t *c)
{
    const char *const names[] = {"x", "y", "sqnr_db", "l2", "cosine"};
    golden_array a[5];
    qns_sums s;
    qns_diff d;
    qk_table k;
    qk_table_init(&k, ~0u);
    for (int i = 0; i < 5; i++)
        a[i] = golden_get(g, c, names[i]);
    const float *x = a[0].data, *y = a[1].data;
    const float db = *(const float *)a[2].data, l2 = *(const float *)a[3].data,
                cosine = *(const float *)a[4].data;
    qns_sums_init(&s);
    qns_sums_add(&s, &k, x, y, a[0].n, NULL);
    qns_diff_from_sums(&d, &s);
    if (d.flags & QNS_M_EXACT) {
        cr_assert(d.flags & QNS_M_ZERO_REF ? isnan(db) : isinf(db) && db > 0, "%g", (double)db);
    } else if (d.flags & QNS_M_ZERO_REF) {
        cr_assert(isinf(db) && db < 0, "%g", (double)db);
    } else {
        near(d.sqnr_db, db, 1e-6);
        near(d.rmse / d.ref_rms, l2, 1e-6);
    }
    if (!isnan(d.cosine))
        near(d.cosine, cosine, 1e-6);
    for (int i = 0; i < 5; i++)
        free(a[i].bytes);
}

Test(metric_golden, pytorch)
{
    golden g;
    size_t i;
    json_t *c;
    if (!golden_open(&g, "ns_metrics"))
        cr_skip_test("no golden vectors");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        check(&g, c);
    }
    cr_assert_eq(i, 14);
    golden_close(&g);
}
