/* SPDX-License-Identifier: MIT */
#include "ns/target.h"

#include "core/base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum target_unit { UNIT_NONE, UNIT_DB, UNIT_SHARE } target_unit;

static const struct {
    const char *name;
    target_unit unit;
    char sign; /* the only comparison that makes sense; 0: both do */
    double lo, hi;
    const char *example;
} metrics[QNS_TARGET_METRICS] = {
    [QNS_TARGET_SQNR] = {"output-sqnr", UNIT_DB, '>', -300, 300, "output-sqnr>=25"},
    [QNS_TARGET_AGREEMENT] = {"top1-agreement", UNIT_SHARE, '>', 0, 1, "top1-agreement>=0.99"},
    [QNS_TARGET_DROP] = {"top1-drop", UNIT_SHARE, '<', -1, 1, "top1-drop<=0.005"},
    [QNS_TARGET_EVAL] = {"eval", UNIT_NONE, 0, -INFINITY, INFINITY, "eval>=0.71"},
};

static qns_status find_metric(qns_target *t, const char *name, qns_err *err)
{
    const char *names[QNS_TARGET_METRICS];
    for (int i = 0; i < QNS_TARGET_METRICS; i++) {
        names[i] = metrics[i].name;
        if (strcmp(name, names[i]) == 0) {
            t->metric = (qns_target_metric)i;
            return QNS_OK;
        }
    }
    const int64_t near = qns_nearest(name, names, QNS_TARGET_METRICS);
    QNS_FAIL(err, NOTFOUND,
             "no metric '%s'%s%s%s; there are output-sqnr, top1-agreement, top1-drop and eval",
             name, near >= 0 ? "; did you mean '" : "", near >= 0 ? names[near] : "",
             near >= 0 ? "'" : "");
}

static const char *skip_blanks(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* The unit behind the number, and nothing behind that. */
static bool take_unit(qns_target *t, const char *rest)
{
    const target_unit unit = metrics[t->metric].unit;
    rest = skip_blanks(rest);
    if (unit == UNIT_SHARE && *rest == '%') {
        t->limit /= 100;
        rest++;
    } else if (unit == UNIT_DB && (strncmp(rest, "dB", 2) == 0 || strncmp(rest, "db", 2) == 0)) {
        rest += 2;
    }
    return *skip_blanks(rest) == 0;
}

qns_status qns_target_parse(qns_target *out, const char *text, qns_err *err)
{
    qns_target t = {0};
    char name[64], *end;
    const size_t n = strcspn(text, "<>= \t");
    const char *sign = skip_blanks(text + n);
    if (n == 0 || n >= sizeof name || (sign[0] != '<' && sign[0] != '>') || sign[1] != '=')
        QNS_FAIL(err, CONFIG,
                 "'%.80s' is no target; a target is METRIC>=NUMBER or METRIC<=NUMBER, like "
                 "'output-sqnr>=25' (in quotes: the shell takes > and < for itself)",
                 text);
    memcpy(name, text, n);
    name[n] = 0;
    QNS_TRY(find_metric(&t, name, err));
    t.at_most = sign[0] == '<';
    t.limit = strtod(sign + 2, &end);
    if (end == sign + 2 || !isfinite(t.limit) || !take_unit(&t, end))
        QNS_FAIL(err, CONFIG,
                 "'%.40s' in the target '%.80s' is no number; one is needed as in '%s'",
                 skip_blanks(sign + 2), text, metrics[t.metric].example);
    if (metrics[t.metric].sign && metrics[t.metric].sign != sign[0])
        QNS_FAIL(err, CONFIG,
                 "the target '%.80s' has the wrong direction: '%s' is meant as in '%s'", text, name,
                 metrics[t.metric].example);
    if (t.limit < metrics[t.metric].lo || t.limit > metrics[t.metric].hi)
        QNS_FAIL(err, CONFIG, "%s is between %g and %g, not %g; an example is '%s'", name,
                 metrics[t.metric].lo, metrics[t.metric].hi, t.limit, metrics[t.metric].example);
    *out = t;
    return QNS_OK;
}

const char *qns_target_name(qns_target_metric m)
{
    return metrics[m].name;
}

const char *qns_target_text(char out[64], const qns_target *t)
{
    const target_unit unit = metrics[t->metric].unit;
    snprintf(out, 64, "%s %s %.6g%s", metrics[t->metric].name,
             t->at_most ? "<=" : ">=", unit == UNIT_SHARE ? 100 * t->limit : t->limit,
             unit == UNIT_SHARE ? " %"
             : unit == UNIT_DB  ? " dB"
                                : "");
    return out;
}

const char *qns_target_value_text(char out[32], qns_target_metric m, double v)
{
    if (isnan(v))
        snprintf(out, 32, "unknown");
    else if (metrics[m].unit == UNIT_DB && isinf(v))
        snprintf(out, 32, "%s", v > 0 ? "exact" : "-inf dB");
    else if (metrics[m].unit == UNIT_DB)
        snprintf(out, 32, "%.2f dB", v);
    else if (metrics[m].unit == UNIT_SHARE)
        snprintf(out, 32, "%.2f %%", 100 * v + 0.0); /* no "-0.00" */
    else
        snprintf(out, 32, "%.6g", v);
    return out;
}

double qns_target_margin(const qns_target *t, double value)
{
    return t->at_most ? t->limit - value : value - t->limit;
}

bool qns_target_met(const qns_target *t, double value)
{
    return qns_target_margin(t, value) >= 0;
}
