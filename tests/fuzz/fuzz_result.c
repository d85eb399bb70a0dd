/* SPDX-License-Identifier: MIT */
/* Result files of every kind: what was read is told in a line, ranked, judged, made into a
 * report and rendered, and written again; what is written reads back as the same. */
#include "reports/gate_yaml.h"
#include "reports/json_get.h"
#include "reports/render.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static qns_status count(void *ctx, const void *p, size_t n, qns_err *err)
{
    (void)p, (void)err;
    *(size_t *)ctx += n;
    return QNS_OK;
}

static void render(const qns_any_result *r)
{
    static const char *const formats[] = {"text", "html"};
    const qns_report_opts o = {.gnuplot = "", .dot = ""};
    qns_report *report;
    if (r->kind->build(&report, r->of, NULL) != QNS_OK)
        return;
    for (size_t i = 0; i < 2; i++) {
        size_t n = 0;
        const qns_sink to = {&n, count};
        qns_render_find(formats[i])->render(report, &o, &to, NULL);
    }
    qns_report_free(report);
}

static void judge(const qns_any_result *r)
{
    static const char text[] =
        "layers: [{name: '*', optional: true, activation: {sqnr_db: {min: 10, change: 1}},\n"
        "          weight: {clipped: {max: 0.1}}, local: {rmse_steps: {max: 2}}}]\n"
        "output: {top1_drop: {max: 0.1, optional: true}}\n"
        "coverage: {macs: {min: 1, optional: true}}\n"
        "regression: {max_regressed: 1, max_unmatched: 1, q: 0.1}\n"
        "findings: {fail_on: note}\n"
        "sensitivity: {leave_one_in_db: {min: 20}, top1_drop: {max: 1, optional: true}}\n"
        "search: {met: true, top1: {min: 1, optional: true}, float_macs: {max: 1}}\n"
        "selftest: {clean: true, caught: {min: 1}}\n";
    qns_arena *a = NULL;
    qns_gate_rules rules;
    qns_gate_outcome *o = NULL;
    if (qns_arena_create(&a, NULL) != QNS_OK ||
        qns_gate_parse_rules(&rules, a, text, sizeof text - 1, "gate.yaml", NULL) != QNS_OK)
        abort();
    (void)qns_gate_run_any(&o, r, "r.json", &rules, NULL, "", NULL);
    qns_gate_free(o);
    qns_arena_free(a);
}

static void read_again(const qns_any_result *r)
{
    qns_str once = {0}, twice = {0};
    json_t *doc = NULL;
    void *of;
    if (r->kind->to_json(&once, r->of, true, NULL) == QNS_OK) {
        if (qns_json_parse(&doc, qns_str_get(&once), once.len, NULL) != QNS_OK ||
            r->kind->from_json(&of, doc, NULL) != QNS_OK ||
            r->kind->to_json(&twice, of, true, NULL) != QNS_OK || once.len != twice.len ||
            memcmp(qns_str_get(&once), qns_str_get(&twice), once.len) != 0)
            abort();
        r->kind->free(of);
    }
    json_decref(doc);
    qns_str_fini(&once);
    qns_str_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_any_result any = {0};
    const qns_result *layers;
    qns_gist gist;
    json_t *doc = NULL;
    if (qns_json_parse(&doc, (const char *)data, size, NULL) != QNS_OK)
        return 0;
    const char *name = json_string_value(json_object_get(doc, "kind"));
    const qns_kind *kind = name ? qns_kind_find(name) : NULL;
    if (kind && kind->from_json(&any.of, doc, NULL) == QNS_OK) {
        any.kind = kind;
        kind->gist(&gist, any.of);
        (void)qns_any_layers(&layers, &any, NULL);
        render(&any);
        judge(&any);
        read_again(&any);
    }
    json_decref(doc);
    qns_any_free(&any);
    return 0;
}
