/* SPDX-License-Identifier: MIT */
/* SARIF 2.1.0, as code scanning reads it. What fails is a layer, which is in no source file: the
 * place is the line of the rule, the layer is a logical location. */
#include "core/base/digest.h"
#include "core/base/map.h"
#include "core/base/str.h"
#include "qns_version.h"
#include "reports/gate_render.h"

#include <jansson.h>
#include <string.h>

static int add_text(const char *s, size_t n, void *ctx)
{
    qns_str_add_n(ctx, s, n);
    return 0;
}

/* A relative reference: bytes that mean something in one are written as %XX. */
static json_t *uri(const char *path)
{
    qns_str t = {0};
    if (path[0] == '/')
        qns_str_add(&t, "file://");
    for (const char *p = path; *p; p++) {
        const unsigned char c = (unsigned char)*p;
        if ((c | 32) >= 'a' && (c | 32) <= 'z')
            qns_str_add_n(&t, p, 1);
        else if ((c >= '0' && c <= '9') || strchr("-._~/", c))
            qns_str_add_n(&t, p, 1);
        else
            qns_str_addf(&t, "%%%02X", c);
    }
    json_t *j = t.failed ? NULL : json_string(qns_str_get(&t));
    qns_str_fini(&t);
    return j;
}

/* Stable from run to run, so that one regression stays one alert. */
static json_t *fingerprint(const qns_gate_check *c)
{
    qns_str t = {0};
    char hex[33];
    qns_str_addf(&t, "%s\n%s", c->id, c->subject);
    const qns_digest d = qns_digest_of(qns_str_get(&t), t.len);
    qns_digest_hex(hex, &d);
    json_t *j = t.failed ? NULL : json_pack("{s:s}", "qnsCheck/v1", hex);
    qns_str_fini(&t);
    return j;
}

static json_t *location(const qns_gate_outcome *g, const qns_gate_check *c)
{
    const char *file = c->line || !g->result[0] ? g->rules : g->result;
    json_t *place = json_pack("{s:{s:{s:o},s:{s:i}}}", "physicalLocation", "artifactLocation",
                              "uri", uri(file), "region", "startLine", c->line ? (int)c->line : 1);
    if (!place || !c->subject[0])
        return place;
    json_t *logical = json_pack("[{s:s,s:s,s:s}]", "name", c->subject, "fullyQualifiedName",
                                c->subject, "kind", "element");
    if (json_object_set_new(place, "logicalLocations", logical) != 0) {
        json_decref(place);
        return NULL;
    }
    return place;
}

static json_t *message(const qns_gate_check *c)
{
    qns_str t = {0};
    qns_str_addf(&t, "%s%s%s%s%s", c->subject, c->subject[0] ? ": " : "", c->text,
                 c->advice[0] ? "; " : "", c->advice);
    json_t *j = t.failed ? NULL : json_pack("{s:s}", "text", qns_str_get(&t));
    qns_str_fini(&t);
    return j;
}

static json_t *result(const qns_gate_outcome *g, const qns_gate_check *c, uint32_t rule)
{
    return json_pack("{s:s,s:i,s:s,s:o,s:[o],s:o}", "ruleId", c->id, "ruleIndex", (int)rule,
                     "level", "error", "message", message(c), "locations", location(g, c),
                     "partialFingerprints", fingerprint(c));
}

static json_t *rule_json(const qns_gate_check *c)
{
    qns_str t = {0};
    qns_str_addf(&t, "limit %s of the gate's rules", c->id);
    json_t *j = t.failed ? NULL
                         : json_pack("{s:s,s:{s:s},s:{s:s}}", "id", c->id, "shortDescription",
                                     "text", qns_str_get(&t), "help", "text",
                                     "docs/gate.md tells what the rule means");
    qns_str_fini(&t);
    return j;
}

/* Failed checks and the kinds of checks they refer to. */
static qns_status collect(json_t *rules, json_t *results, const qns_gate_outcome *g, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_map seen = {0};
    for (uint32_t i = 0; i < g->n_failed; i++) {
        const qns_gate_check *c = &g->check[i];
        uint32_t rule = qns_map_get(&seen, c->id);
        if (rule == QNS_MAP_NONE) {
            rule = (uint32_t)json_array_size(rules);
            QNS_TRY_DONE(qns_map_put(&seen, c->id, rule, err));
            if (json_array_append_new(rules, rule_json(c)) != 0)
                QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_failed);
        }
        if (json_array_append_new(results, result(g, c, rule)) != 0)
            QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_failed);
    }
done:
    qns_map_fini(&seen);
    return st;
}

static qns_status render(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                         qns_err *err)
{
    (void)o;
    qns_status st = QNS_OK;
    qns_str t = {0};
    json_t *rules = json_array(), *results = json_array(), *doc = NULL;
    QNS_TRY_DONE(collect(rules, results, g, err));
    doc = json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:s,s:O}},s:[{s:b,s:i}],s:s,s:O}]}", "$schema",
                    "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs",
                    "tool", "driver", "name", "qns gate", "version", QNS_VERSION, "rules", rules,
                    "invocations", "executionSuccessful", g->verdict < QNS_GATE_NOT_COMPARABLE,
                    "exitCode", (int)g->verdict, "columnKind", "unicodeCodePoints", "results",
                    results);
    if (!doc || json_dump_callback(doc, add_text, &t, JSON_INDENT(1)) != 0 || t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write %u checks", g->n_checks);
    qns_str_add(&t, "\n");
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    json_decref(rules);
    json_decref(results);
    json_decref(doc);
    qns_str_fini(&t);
    return st;
}

const qns_gate_renderer qns_render_sarif = {"sarif", ".sarif", render};
