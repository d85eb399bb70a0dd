/* SPDX-License-Identifier: MIT */
/* JUnit XML, as CI systems read it: one test case for each check. Regressions are failures; what
 * could not be judged is an error. */
#include "reports/gate_render.h"
#include "reports/label.h"

#include <stdio.h>

static void attribute(qns_str *t, const char *name, const char *value)
{
    qns_str_addf(t, " %s=\"", name);
    qns_label_add_html(t, value);
    qns_str_add(t, "\"");
}

static void put_case(qns_str *t, const qns_gate_outcome *g, const qns_gate_check *c)
{
    const bool network = !c->subject[0];
    qns_str name = {0};
    qns_str_addf(&name, "%s %s", network ? "network" : c->subject, c->id);
    qns_str_add(t, "  <testcase");
    attribute(t, "classname", network ? "qns.gate.network" : "qns.gate.layer");
    attribute(t, "name", qns_str_get(&name));
    t->failed |= name.failed;
    qns_str_fini(&name);
    if (c->line) {
        attribute(t, "file", g->rules);
        qns_str_addf(t, " line=\"%u\"", c->line);
    }
    qns_str_add(t, " time=\"0\"");
    if (c->state == QNS_GATE_PASSED) {
        qns_str_add(t, "/>\n");
        return;
    }
    const bool error = c->state == QNS_GATE_FAILED && !c->line;
    const char *tag = c->state == QNS_GATE_SKIPPED ? "skipped" : error ? "error" : "failure";
    qns_str_addf(t, ">\n   <%s", tag);
    attribute(t, "message", c->text);
    if (c->state == QNS_GATE_SKIPPED) {
        qns_str_add(t, "/>\n  </testcase>\n");
        return;
    }
    attribute(t, "type", c->id);
    qns_str_add(t, ">");
    qns_label_add_html(t, c->text);
    if (c->advice[0]) {
        qns_str_add(t, "\n-&gt; ");
        qns_label_add_html(t, c->advice);
    }
    if (c->line) {
        qns_str_add(t, "\nrule: ");
        qns_label_add_html(t, g->rules);
        qns_str_addf(t, ":%u", c->line);
    }
    qns_str_addf(t, "</%s>\n  </testcase>\n", tag);
}

static qns_status render(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                         qns_err *err)
{
    (void)o;
    qns_status st = QNS_OK;
    qns_str t = {0};
    uint32_t errors = 0;
    for (uint32_t i = 0; i < g->n_failed; i++)
        errors += !g->check[i].line;
    char counts[160];
    snprintf(counts, sizeof counts,
             "tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"0\"", g->n_checks,
             g->n_failed - errors, errors, g->n_skipped);
    qns_str_addf(&t,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"qns gate\" %s>\n"
                 " <testsuite name=\"qns gate\" %s>\n  <properties>\n",
                 counts, counts);
    const char *const property[][2] = {{"result", g->result},
                                       {"rules", g->rules},
                                       {"baseline", g->baseline},
                                       {"model", g->model},
                                       {"verdict", qns_gate_verdict_text(g->verdict)}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(property); i++) {
        qns_str_add(&t, "   <property");
        attribute(&t, "name", property[i][0]);
        attribute(&t, "value", property[i][1]);
        qns_str_add(&t, "/>\n");
    }
    qns_str_add(&t, "  </properties>\n");
    for (uint32_t i = 0; i < g->n_checks; i++)
        put_case(&t, g, &g->check[i]);
    qns_str_add(&t, " </testsuite>\n</testsuites>\n");
    if (t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_gate_renderer qns_render_junit = {"junit", ".xml", render};
