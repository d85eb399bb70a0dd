/* SPDX-License-Identifier: MIT */
#include "ns/target.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static qns_target parsed(const char *text)
{
    qns_target t;
    qns_err err = {0};
    cr_assert_eq(qns_target_parse(&t, text, &err), QNS_OK, "%s: %s", text, err.text);
    return t;
}

static void fails(const char *text, qns_status st, const char *part)
{
    qns_target t;
    qns_err err = {0};
    cr_assert_eq(qns_target_parse(&t, text, &err), st, "%s: %s", text, err.text);
    cr_assert(strstr(err.text, part), "%s: %s", text, err.text);
}

Test(target, forms)
{
    char text[64];
    qns_target t = parsed("output-sqnr>=25");
    cr_assert(t.metric == QNS_TARGET_SQNR && !t.at_most && t.limit == 25);
    t = parsed(" output-sqnr >= -3.5 dB " + 1);
    cr_assert_eq(t.limit, -3.5);
    t = parsed("top1-agreement>=99%");
    cr_assert_float_eq(t.limit, 0.99, 1e-12);
    cr_assert_str_eq(qns_target_text(text, &t), "top1-agreement >= 99 %");
    t = parsed("top1-drop<=0.005");
    cr_assert(t.metric == QNS_TARGET_DROP && t.at_most);
    t = parsed("eval<=3e2");
    cr_assert(t.metric == QNS_TARGET_EVAL && t.at_most && t.limit == 300);
}

Test(target, wrong)
{
    fails("", QNS_E_CONFIG, "is no target");
    fails("output-sqnr", QNS_E_CONFIG, "is no target");
    fails("output-sqnr=25", QNS_E_CONFIG, "is no target");
    fails("output-sqnr>25", QNS_E_CONFIG, "is no target");
    fails(">=25", QNS_E_CONFIG, "is no target");
    fails("output-sqnr>=", QNS_E_CONFIG, "is no number");
    fails("output-sqnr>=x", QNS_E_CONFIG, "'x'");
    fails("output-sqnr>=25 dogs", QNS_E_CONFIG, "is no number");
    fails("output-sqnr>=25%", QNS_E_CONFIG, "is no number");
    fails("eval>=1 dB", QNS_E_CONFIG, "is no number");
    fails("output-sqnr>=nan", QNS_E_CONFIG, "is no number");
    fails("output-sqnr<=25", QNS_E_CONFIG, "wrong direction");
    fails("top1-drop>=0.1", QNS_E_CONFIG, "wrong direction");
    fails("top1-agreement>=99", QNS_E_CONFIG, "between 0 and 1");
    fails("output-sqrn>=25", QNS_E_NOTFOUND, "did you mean 'output-sqnr'");
    fails("zebra>=25", QNS_E_NOTFOUND, "there are output-sqnr");
}

Test(target, margin)
{
    const qns_target up = parsed("output-sqnr>=25"), down = parsed("top1-drop<=0.01");
    cr_assert(qns_target_met(&up, 25) && qns_target_met(&up, INFINITY));
    cr_assert(!qns_target_met(&up, 24.999) && !qns_target_met(&up, NAN));
    cr_assert(!qns_target_met(&up, -INFINITY));
    cr_assert(qns_target_met(&down, 0.01) && qns_target_met(&down, -0.2));
    cr_assert(!qns_target_met(&down, 0.011) && !qns_target_met(&down, NAN));
    cr_assert(qns_target_margin(&down, 0) > qns_target_margin(&down, 0.005));
}

Test(target, values)
{
    char t[32];
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_SQNR, 24.306), "24.31 dB");
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_SQNR, INFINITY), "exact");
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_SQNR, -INFINITY), "-inf dB");
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_DROP, -0.0), "0.00 %");
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_AGREEMENT, 0.987), "98.70 %");
    cr_assert_str_eq(qns_target_value_text(t, QNS_TARGET_EVAL, NAN), "unknown");
}
