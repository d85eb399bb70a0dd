/* SPDX-License-Identifier: MIT */
/* Markdown, for the summary page of a CI job or a comment. Names are foreign text: everything that
 * could start markup or end a table's cell is escaped. */
#include "reports/gate_render.h"
#include "reports/label.h"

#include <inttypes.h>
#include <string.h>

static void put_text(qns_str *t, const char *s)
{
    qns_str clean = {0};
    qns_label_add(&clean, s);
    t->failed |= clean.failed;
    for (const char *p = qns_str_get(&clean); *p; p++) {
        if (*p == '<')
            qns_str_add(t, "&lt;");
        else if (*p == '&')
            qns_str_add(t, "&amp;");
        else if (*p == '@') /* mentions nobody */
            qns_str_add(t, "&#64;");
        else {
            if (strchr("\\`*_{}[]()#+!|~>$:", *p))
                qns_str_add(t, "\\");
            qns_str_add_n(t, p, 1);
        }
    }
    qns_str_fini(&clean);
}

static void put_row(qns_str *t, const qns_gate_outcome *g, const qns_gate_check *c)
{
    static const char *const state[] = {"failed", "skipped", "passed"};
    qns_str_addf(t, "| %s | ", state[c->state]);
    put_text(t, c->subject[0] ? c->subject : "(network)");
    qns_str_add(t, " | ");
    put_text(t, c->text);
    qns_str_add(t, " | ");
    put_text(t, c->advice);
    qns_str_add(t, " | ");
    if (c->line) {
        put_text(t, g->rules);
        qns_str_addf(t, ":%u", c->line);
    }
    qns_str_add(t, " |\n");
}

static qns_status render(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    const uint32_t most = o->max_rows ? o->max_rows : 20;
    const uint32_t told = o->all ? g->n_checks : g->n_failed < most ? g->n_failed : most;
    qns_str_add(&t, "### ");
    put_text(&t, g->headline);
    qns_str_add(&t, "\n\n");
    if (g->model[0]) {
        qns_str_add(&t, "Model ");
        put_text(&t, g->model);
        qns_str_addf(&t, ", %" PRId64 " samples. ", g->samples);
    }
    qns_str_add(&t, "Rules: ");
    put_text(&t, g->rules);
    qns_str_add(&t, g->baseline[0] ? ". Baseline: " : "");
    put_text(&t, g->baseline);
    qns_str_add(&t, ".\n");
    if (told)
        qns_str_add(&t, "\n| | layer | what | what to do | rule |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < told; i++)
        put_row(&t, g, &g->check[i]);
    if (told < g->n_failed)
        qns_str_addf(&t, "\n... and %u more failed checks\n", g->n_failed - told);
    if (t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_gate_renderer qns_render_markdown = {"markdown", ".md", render};
