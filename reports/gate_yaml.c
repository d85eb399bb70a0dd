/* SPDX-License-Identifier: MIT */
/* gate.yaml:
 *
 *     layers:
 *       - name: "*"                       # or a list
 *         except: ["head"]
 *         op: conv
 *         activation: {sqnr_db: {min: 10, change: 1}, clipped: {max: 0.05}}
 *         weight: {sqnr_db: {min: 20}}
 *         optional: true
 *     output: {sqnr_db: {min: 20}, top1_agreement: {min: 0.98}}
 *         local: {sqnr_db: {change: 1}}   # of shadow runs
 *     coverage: {ops: {min: 1}}
 *     sensitivity: {leave_one_in_db: {min: 20}}          # likewise search, selftest
 *     regression: {max_regressed: 0, q: 0.05, min_change: 0.2, except: ["head"]}
 *     findings: {fail_on: error, allow: [BIAS_SHIFT]}
 *
 * Whatever is probably a mistake is refused: a gate that checks less than its author believes is
 * worse than none. */
#include "reports/gate_yaml.h"

#include "core/base/str.h"
#include "core/base/yaml.h"

#include <math.h>
#include <string.h>

enum { MAX_LIMITS = 3 * QNS_GATE_METRICS };

typedef struct reader {
    qns_arena *arena;
    qns_err *err;
    qns_gate_limit limit[MAX_LIMITS]; /* of the rule being read */
    uint32_t n;
} reader;

static qns_status keep_text(reader *rd, const char **out, const char *s)
{
    *out = qns_arena_strdup(rd->arena, s);
    if (!*out)
        QNS_FAIL(rd->err, NOMEM, "cannot keep the rules");
    return QNS_OK;
}

/* ---- limits ---- */

static qns_status find_metric(reader *rd, uint32_t *out, const qns_yaml_node *n,
                              qns_gate_scope scope)
{
    const char *names[QNS_GATE_METRICS] = {NULL}, *elsewhere = NULL;
    size_t count = 0;
    for (uint32_t i = 0; qns_gate_metrics[i].name; i++) {
        const qns_gate_metric *m = &qns_gate_metrics[i];
        const bool here = m->scopes & 1u << scope, same = strcmp(m->name, n->key) == 0;
        if (here && same) {
            *out = i;
            return QNS_OK;
        }
        if (here)
            names[count++] = m->name;
        else if (same)
            elsewhere = m->name;
    }
    if (elsewhere)
        return qns_yaml_fail(n, rd->err, "'%s' is no metric of '%s'", elsewhere,
                             qns_gate_scope_text(scope));
    const int64_t near = qns_nearest(n->key, names, count);
    if (near >= 0)
        return qns_yaml_fail(n, rd->err, "unknown metric '%.100s', did you mean '%s'?", n->key,
                             names[near]);
    qns_str list = {0};
    for (size_t i = 0; i < count; i++)
        qns_str_addf(&list, "%s%s", i ? ", " : "", names[i]);
    qns_yaml_fail(n, rd->err, "unknown metric '%.100s'; '%s' has %s", n->key,
                  qns_gate_scope_text(scope), qns_str_get(&list));
    qns_str_fini(&list);
    return QNS_E_CONFIG;
}

static qns_status check_limit(reader *rd, const qns_yaml_node *n, const qns_gate_metric *m,
                              qns_gate_kind kind, double v)
{
    if (kind == QNS_GATE_CHANGE && v < 0)
        return qns_yaml_fail(n, rd->err,
                             "'change' is how much worse it may get, and cannot be negative");
    if (kind != QNS_GATE_CHANGE && (v < m->lo || v > m->hi)) {
        if (m->hi == 1 && v > 1 && v <= 100)
            return qns_yaml_fail(n, rd->err, "'%s' of '%s' must be a share: %g for %g %%", n->key,
                                 m->name, v / 100, v);
        return qns_yaml_fail(n, rd->err, "'%s' of '%s' must lie within %g to %g, is %g", n->key,
                             m->name, m->lo, m->hi, v);
    }
    return QNS_OK;
}

/* "true" */
static qns_status read_yes(reader *rd, qns_gate_limit *l, const qns_yaml_node *n)
{
    bool yes;
    QNS_TRY(qns_yaml_bool(&yes, n, rd->err));
    if (!yes)
        return qns_yaml_fail(n, rd->err, "'%s' can be 'true' only; leave it out otherwise", n->key);
    l->value[QNS_GATE_MIN] = 1;
    l->line[QNS_GATE_MIN] = n->line;
    return QNS_OK;
}

/* "{min: 10, change: 1}" */
static qns_status read_limit(reader *rd, const qns_yaml_node *n, qns_gate_scope scope,
                             bool optional)
{
    static const char *const keys[] = {"min", "max", "change", "optional"};
    if (rd->n == MAX_LIMITS)
        return qns_yaml_fail(n, rd->err, "too many metrics in one rule");
    qns_gate_limit *l = &rd->limit[rd->n++];
    *l = (qns_gate_limit){.scope = scope, .optional = optional, .value = {NAN, NAN, NAN}};
    QNS_TRY(find_metric(rd, &l->metric, n, scope));
    const qns_gate_metric *m = &qns_gate_metrics[l->metric];
    if (m->yes)
        return read_yes(rd, l, n);
    if (n->kind != QNS_YAML_MAP)
        return qns_yaml_fail(n, rd->err, "'%s' needs limits: %s: {%s: NUMBER}", m->name, m->name,
                             m->better > 0 ? "min" : "max");
    QNS_TRY(qns_yaml_known(n, keys, QNS_ARRAY_LEN(keys), rd->err));
    if (m->figure && qns_yaml_find(n, "change"))
        return qns_yaml_fail(n, rd->err,
                             "'%s' has min and max; 'change' is for results of two sides", m->name);
    bool any = false;
    for (int k = 0; k < QNS_GATE_KINDS; k++) {
        const qns_yaml_node *v = qns_yaml_find(n, keys[k]);
        if (!v)
            continue;
        any = true;
        QNS_TRY(qns_yaml_double(&l->value[k], v, rd->err));
        QNS_TRY(check_limit(rd, v, m, (qns_gate_kind)k, l->value[k]));
        l->line[k] = v->line;
    }
    const qns_yaml_node *o = qns_yaml_find(n, "optional");
    if (o)
        QNS_TRY(qns_yaml_bool(&l->optional, o, rd->err));
    if (!any)
        return qns_yaml_fail(n, rd->err, "'%s' has no limit; it may have min, max and change",
                             m->name);
    if (l->value[QNS_GATE_MIN] > l->value[QNS_GATE_MAX])
        return qns_yaml_fail(n, rd->err, "nothing passes: 'min' of '%s' is above 'max'", m->name);
    return QNS_OK;
}

static qns_status read_limits(reader *rd, const qns_yaml_node *n, qns_gate_scope scope,
                              bool optional)
{
    QNS_TRY(qns_yaml_want(n, QNS_YAML_MAP, rd->err));
    if (!n->first)
        return qns_yaml_fail(n, rd->err, "'%s' has no limit", qns_gate_scope_text(scope));
    for (const qns_yaml_node *c = n->first; c; c = c->next)
        QNS_TRY(read_limit(rd, c, scope, optional));
    return QNS_OK;
}

/* Hands over what was collected. */
static qns_status take_limits(reader *rd, const qns_gate_limit **out, uint32_t *n)
{
    *out = qns_arena_dup(rd->arena, rd->limit, (rd->n ? rd->n : 1) * sizeof *rd->limit);
    if (!*out)
        QNS_FAIL(rd->err, NOMEM, "cannot keep the rules");
    *n = rd->n;
    rd->n = 0;
    return QNS_OK;
}

/* ---- rules about layers ---- */

/* One text or a list of them. */
static qns_status read_globs(reader *rd, const qns_gate_glob **out, uint32_t *n,
                             const qns_yaml_node *node)
{
    const bool list = node->kind == QNS_YAML_LIST;
    const uint32_t count = list ? node->n : 1;
    void *p;
    if (!count)
        return qns_yaml_fail(node, rd->err, "'%s' is empty", node->key);
    QNS_TRY(qns_arena_new(&p, rd->arena, count, sizeof **out, rd->err));
    qns_gate_glob *g = p;
    const qns_yaml_node *c = list ? node->first : node;
    for (uint32_t i = 0; i < count; i++, c = c->next) {
        const char *s;
        QNS_TRY(qns_yaml_text(&s, c, rd->err));
        QNS_TRY(keep_text(rd, &g[i].text, s));
        g[i].line = c->line;
    }
    *out = g;
    *n = count;
    return QNS_OK;
}

static qns_status read_rule(reader *rd, qns_gate_rule *r, const qns_yaml_node *n)
{
    static const char *const keys[] = {"name",   "except", "op",      "activation",
                                       "weight", "local",  "optional"};
    const qns_yaml_node *v;
    const char *s;
    QNS_TRY(qns_yaml_known(n, keys, QNS_ARRAY_LEN(keys), rd->err));
    r->line = n->line;
    v = qns_yaml_find(n, "name");
    if (!v)
        return qns_yaml_fail(n, rd->err, "a rule needs 'name'; name: \"*\" is every layer");
    QNS_TRY(read_globs(rd, &r->name, &r->n_name, v));
    if ((v = qns_yaml_find(n, "except")))
        QNS_TRY(read_globs(rd, &r->except, &r->n_except, v));
    if ((v = qns_yaml_find(n, "op"))) {
        QNS_TRY(qns_yaml_text(&s, v, rd->err));
        QNS_TRY(keep_text(rd, &r->op, s));
    }
    if ((v = qns_yaml_find(n, "optional")))
        QNS_TRY(qns_yaml_bool(&r->optional, v, rd->err));
    if ((v = qns_yaml_find(n, "activation")))
        QNS_TRY(read_limits(rd, v, QNS_GATE_ACTIVATION, r->optional));
    if ((v = qns_yaml_find(n, "weight")))
        QNS_TRY(read_limits(rd, v, QNS_GATE_WEIGHT, r->optional));
    if ((v = qns_yaml_find(n, "local")))
        QNS_TRY(read_limits(rd, v, QNS_GATE_LOCAL, r->optional));
    if (!rd->n)
        return qns_yaml_fail(n, rd->err,
                             "a rule needs 'activation', 'weight' or 'local' with limits");
    return take_limits(rd, &r->limit, &r->n_limits);
}

static qns_status read_rules(reader *rd, qns_gate_rules *out, const qns_yaml_node *n)
{
    void *p;
    QNS_TRY(qns_yaml_want(n, QNS_YAML_LIST, rd->err));
    QNS_TRY(qns_arena_new(&p, rd->arena, n->n ? n->n : 1, sizeof *out->rule, rd->err));
    qns_gate_rule *r = p;
    for (const qns_yaml_node *c = n->first; c; c = c->next)
        QNS_TRY(read_rule(rd, &r[out->n_rules++], c));
    out->rule = r;
    return QNS_OK;
}

/* ---- the rest ---- */

static qns_status read_findings(reader *rd, qns_gate_rules *out, const qns_yaml_node *n)
{
    static const char *const keys[] = {"fail_on", "allow"};
    static const char *const severity[] = {"note", "warning", "error"};
    size_t which;
    void *p;
    QNS_TRY(qns_yaml_known(n, keys, QNS_ARRAY_LEN(keys), rd->err));
    const qns_yaml_node *v = qns_yaml_find(n, "fail_on"), *allow = qns_yaml_find(n, "allow");
    if (!v)
        return qns_yaml_fail(n, rd->err, "'findings' needs 'fail_on': note, warning or error");
    QNS_TRY(qns_yaml_word(&which, v, severity, QNS_ARRAY_LEN(severity), rd->err));
    out->fail_on = (int)which;
    out->findings_line = v->line;
    if (!allow)
        return QNS_OK;
    QNS_TRY(qns_yaml_want(allow, QNS_YAML_LIST, rd->err));
    QNS_TRY(qns_arena_new(&p, rd->arena, allow->n ? allow->n : 1, sizeof(char *), rd->err));
    const char **code = p;
    for (const qns_yaml_node *c = allow->first; c; c = c->next) {
        const char *s;
        QNS_TRY(qns_yaml_text(&s, c, rd->err));
        QNS_TRY(keep_text(rd, &code[out->n_allow++], s));
    }
    out->allow = code;
    return QNS_OK;
}

static qns_status read_count(reader *rd, double *out, uint32_t *line, const qns_yaml_node *n,
                             const char *key)
{
    const qns_yaml_node *v = qns_yaml_find(n, key);
    int64_t count;
    if (!v)
        return QNS_OK;
    QNS_TRY(qns_yaml_int(&count, v, 0, 1 << 20, rd->err));
    *out = (double)count;
    *line = v->line;
    return QNS_OK;
}

static qns_status read_regression(reader *rd, qns_gate_regression *r, const qns_yaml_node *n)
{
    static const char *const keys[] = {"max_regressed", "max_unmatched", "q",
                                       "min_change",    "answers",       "except"};
    const qns_yaml_node *v;
    QNS_TRY(qns_yaml_known(n, keys, QNS_ARRAY_LEN(keys), rd->err));
    r->line = n->line;
    QNS_TRY(read_count(rd, &r->max_regressed, &r->regressed_line, n, "max_regressed"));
    QNS_TRY(read_count(rd, &r->max_unmatched, &r->unmatched_line, n, "max_unmatched"));
    if ((v = qns_yaml_find(n, "answers"))) {
        QNS_TRY(qns_yaml_bool(&r->answers, v, rd->err));
        r->answers_line = v->line;
    }
    if (isnan(r->max_regressed) && isnan(r->max_unmatched) && !r->answers)
        return qns_yaml_fail(n, rd->err,
                             "'regression' has no limit; it may have max_regressed, max_unmatched "
                             "and answers");
    if ((v = qns_yaml_find(n, "q"))) {
        QNS_TRY(qns_yaml_double(&r->q, v, rd->err));
        if (!(r->q > 0 && r->q <= 1))
            return qns_yaml_fail(v, rd->err, "'q' is a false discovery rate above 0, at most 1");
    }
    if ((v = qns_yaml_find(n, "min_change"))) {
        QNS_TRY(qns_yaml_double(&r->min_change_db, v, rd->err));
        if (r->min_change_db < 0)
            return qns_yaml_fail(v, rd->err, "'min_change' is a size in dB, not negative");
    }
    v = qns_yaml_find(n, "except");
    return v ? read_globs(rd, &r->except, &r->n_except, v) : QNS_OK;
}

static qns_status read_root(qns_gate_rules *out, qns_arena *a, const qns_yaml_node *root,
                            qns_err *err)
{
    static const char *const keys[] = {"layers",      "output", "coverage", "regression",
                                       "sensitivity", "search", "selftest", "findings"};
    reader rd = {.arena = a, .err = err};
    const qns_yaml_node *v;
    qns_gate_rules r = {.fail_on = -1, .regression = {0, NAN, NAN, NAN, NAN}};
    QNS_TRY(qns_yaml_known(root, keys, QNS_ARRAY_LEN(keys), err));
    QNS_TRY(keep_text(&rd, &r.file, root->file));
    if ((v = qns_yaml_find(root, "layers")))
        QNS_TRY(read_rules(&rd, &r, v));
    if ((v = qns_yaml_find(root, "output")))
        QNS_TRY(read_limits(&rd, v, QNS_GATE_OUTPUT, false));
    if ((v = qns_yaml_find(root, "coverage")))
        QNS_TRY(read_limits(&rd, v, QNS_GATE_COVERAGE, false));
    for (int s = QNS_GATE_SENSITIVITY; s < QNS_GATE_SCOPES; s++)
        if ((v = qns_yaml_find(root, qns_gate_scope_text((qns_gate_scope)s))))
            QNS_TRY(read_limits(&rd, v, (qns_gate_scope)s, false));
    QNS_TRY(take_limits(&rd, &r.limit, &r.n_limits));
    if ((v = qns_yaml_find(root, "regression")))
        QNS_TRY(read_regression(&rd, &r.regression, v));
    if ((v = qns_yaml_find(root, "findings")))
        QNS_TRY(read_findings(&rd, &r, v));
    if (!r.n_rules && !r.n_limits && r.fail_on < 0 && !r.regression.line)
        return qns_yaml_fail(
            root, err,
            "no rule; there may be layers, output, coverage, regression, findings; of results of "
            "these kinds, sensitivity, search, selftest");
    *out = r;
    return QNS_OK;
}

qns_status qns_gate_read_rules(qns_gate_rules *out, qns_arena *a, const char *path, qns_err *err)
{
    qns_yaml *y;
    QNS_TRY(qns_yaml_read(&y, path, err));
    const qns_status st = read_root(out, a, qns_yaml_root(y), err);
    qns_yaml_free(y);
    return st;
}

qns_status qns_gate_parse_rules(qns_gate_rules *out, qns_arena *a, const char *text, size_t n,
                                const char *name, qns_err *err)
{
    qns_yaml *y;
    QNS_TRY(qns_yaml_parse(&y, text, n, name, err));
    const qns_status st = read_root(out, a, qns_yaml_root(y), err);
    qns_yaml_free(y);
    return st;
}
