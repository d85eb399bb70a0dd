/* SPDX-License-Identifier: MIT */
/* The gate's outcome for terminals and logs, failures first, and as JSON. */
#include "reports/gate_render.h"
#include "reports/label.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

enum { MAX_NAME = 48 };

static const char *const state_text[] = {"failed", "skipped", "passed"};

/* ---- text ---- */

/* "  failed  conv1: SQNR of ... (gate.yaml:5)" and what to do */
static void put_check(qns_str *t, const qns_gate_outcome *g, const qns_gate_check *c, size_t width,
                      bool colour)
{
    static const char *const code[] = {"\x1b[1;31m", "\x1b[33m", "\x1b[32m"};
    const size_t indent = 9;
    qns_str line = {0};
    if (c->subject[0])
        qns_label_add_short(&line, c->subject, MAX_NAME);
    else
        qns_str_add(&line, "network");
    qns_str_addf(&line, ": %s", c->text);
    if (c->line)
        qns_str_addf(&line, " (%s:%u)", g->rules, c->line);
    qns_str_addf(t, "%s%-7s%s  ", colour ? code[c->state] : "", state_text[c->state],
                 colour ? "\x1b[0m" : "");
    qns_label_add_wrapped(t, qns_str_get(&line), width, indent, indent);
    qns_str_add(t, "\n");
    if (c->advice[0]) {
        qns_str_add(t, "         -> ");
        qns_label_add_wrapped(t, c->advice, width, indent + 3, indent + 3);
        qns_str_add(t, "\n");
    }
    t->failed |= line.failed;
    qns_str_fini(&line);
}

static void labelled(qns_str *t, const char *label, const char *s, size_t width)
{
    if (!s[0])
        return;
    qns_str_addf(t, "%-9s", label);
    qns_label_add_wrapped(t, s, width, 9, 9);
    qns_str_add(t, "\n");
}

static qns_status render_text(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                              qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    const size_t width = o->width == 0 ? 80 : o->width < 60 ? 60 : o->width;
    const uint32_t most = o->max_rows ? o->max_rows : 20;
    const char *colour = !o->colour ? "" : g->verdict == QNS_GATE_PASS ? "\x1b[32m" : "\x1b[1;31m";
    qns_str_add(&t, colour);
    qns_label_add_wrapped(&t, g->headline, width, 2, 0);
    qns_str_addf(&t, "%s\n\n", colour[0] ? "\x1b[0m" : "");
    labelled(&t, "result", g->result, width);
    labelled(&t, "rules", g->rules, width);
    labelled(&t, "baseline", g->baseline, width);
    const uint32_t told = o->all ? g->n_checks : g->n_failed < most ? g->n_failed : most;
    if (told)
        qns_str_add(&t, "\n");
    for (uint32_t i = 0; i < told; i++)
        put_check(&t, g, &g->check[i], width, o->colour);
    if (told < g->n_failed)
        qns_str_addf(&t, "... and %u more failed checks; --verbose lists all\n",
                     g->n_failed - told);
    if (t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

/* ---- JSON ---- */

static int add_text(const char *s, size_t n, void *ctx)
{
    qns_str_add_n(ctx, s, n);
    return 0;
}

static json_t *number(double v)
{
    return isnan(v) ? json_null() : isinf(v) ? json_string(v > 0 ? "inf" : "-inf") : json_real(v);
}

static json_t *check_json(const qns_gate_check *c)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:o,s:o,s:o}", "state", state_text[c->state],
                     "check", c->id, "layer", c->subject, "text", c->text, "advice", c->advice,
                     "line", (int)c->line, "value", number(c->value), "limit", number(c->limit),
                     "baseline", number(c->base));
}

static qns_status render_json(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                              qns_err *err)
{
    (void)o;
    qns_status st = QNS_OK;
    qns_str t = {0};
    json_t *list = json_array();
    json_t *doc = json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:i,s:i,s:i}", "kind", "gate",
                            "verdict", qns_gate_verdict_text(g->verdict), "exit_code",
                            (int)g->verdict, "headline", g->headline, "result", g->result, "rules",
                            g->rules, "baseline", g->baseline, "model", g->model, "samples",
                            (json_int_t)g->samples, "checks_made", (int)g->n_checks,
                            "checks_failed", (int)g->n_failed, "checks_skipped", (int)g->n_skipped);
    bool bad = !doc;
    for (uint32_t i = 0; i < g->n_checks && !bad; i++)
        bad = json_array_append_new(list, check_json(&g->check[i])) != 0;
    if (bad || json_object_set(doc, "checks", list) != 0 ||
        json_dump_callback(doc, add_text, &t, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0 ||
        t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    qns_str_add(&t, "\n");
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    json_decref(list);
    json_decref(doc);
    qns_str_fini(&t);
    return st;
}

const qns_gate_renderer qns_render_gate_text = {"text", ".txt", render_text};
const qns_gate_renderer qns_render_gate_json = {"json", ".json", render_json};
