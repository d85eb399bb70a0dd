/* SPDX-License-Identifier: MIT */
/* Annotations of GitHub Actions: lines "::error file=...,line=...,title=...::text" in the log. The
 * site shows ten of a kind for each step, so more are summed up in the last. */
#include "reports/gate_render.h"
#include "reports/label.h"

#include <string.h>

enum { SHOWN = 10 };

/* '%' and line ends always, ':' and ',' in properties. Control characters are gone already. */
static void put_text(qns_str *t, const char *s, bool property)
{
    qns_str clean = {0};
    qns_label_add(&clean, s);
    t->failed |= clean.failed;
    for (const char *p = qns_str_get(&clean); *p; p++)
        if (*p == '%' || (property && (*p == ':' || *p == ',')))
            qns_str_addf(t, "%%%02X", (unsigned char)*p);
        else
            qns_str_add_n(t, p, 1);
    qns_str_fini(&clean);
}

static void put_check(qns_str *t, const qns_gate_outcome *g, const qns_gate_check *c)
{
    qns_str_add(t, "::error ");
    if (c->line) {
        qns_str_add(t, "file=");
        put_text(t, g->rules, true);
        qns_str_addf(t, ",line=%u,", c->line);
    }
    qns_str_add(t, "title=qns gate");
    qns_str_add(t, c->subject[0] ? "%3A " : "");
    put_text(t, c->subject, true);
    qns_str_add(t, "::");
    put_text(t, c->text, false);
    qns_str_add(t, c->advice[0] ? "%0A-> " : "");
    put_text(t, c->advice, false);
    qns_str_add(t, "\n");
}

static qns_status render(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    const uint32_t most = o->max_rows ? o->max_rows : SHOWN;
    const uint32_t told = g->n_failed <= most ? g->n_failed : most - 1;
    for (uint32_t i = 0; i < told; i++)
        put_check(&t, g, &g->check[i]);
    if (told < g->n_failed)
        qns_str_addf(&t, "::error title=qns gate::%u more checks failed; the log has them\n",
                     g->n_failed - told);
    if (!g->n_failed) {
        qns_str_add(&t, "::notice title=qns gate::");
        put_text(&t, g->headline, false);
        qns_str_add(&t, "\n");
    }
    if (t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_gate_renderer qns_render_github = {"github", ".txt", render};
