/* SPDX-License-Identifier: MIT */
#include "reports/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

qns_status qns_baseline_check(char *unknown, size_t size, const qns_result *r,
                              const qns_result *base, qns_err *err)
{
    const struct {
        const char *what, *other, *now, *then;
    } id[] = {{"graph", "another graph", r->ref.graph_id, base->ref.graph_id},
              {"weights", "other weights", r->ref.weights_id, base->ref.weights_id},
              {"inputs", "other inputs", r->ref.inputs_id, base->ref.inputs_id}};
    size_t n = 0;
    unknown[0] = 0;
    for (size_t i = 0; i < QNS_ARRAY_LEN(id); i++) {
        const char *now = id[i].now, *then = id[i].then;
        if (!now[0] && !then[0]) {
            n += (size_t)snprintf(unknown + n, size - n, "%s%s", n ? ", " : "", id[i].what);
            continue;
        }
        if (!now[0] || !then[0])
            QNS_FAIL(err, MISMATCH,
                     "only the %s says which %s it was made from (%.12s); make a "
                     "new baseline in the same way as the result",
                     now[0] ? "result" : "baseline", id[i].what, now[0] ? now : then);
        if (strcmp(now, then) != 0)
            QNS_FAIL(err, MISMATCH,
                     "the baseline is of %s: %.12s, the result has %.12s; "
                     "use a baseline of the same float model and data, or make a new one",
                     id[i].other, then, now);
    }
    if (r->samples != base->samples)
        QNS_FAIL(err, MISMATCH,
                 "the baseline is of %" PRId64 " samples, the result of %" PRId64
                 "; compare the same samples, or make a new baseline",
                 base->samples, r->samples);
    return QNS_OK;
}

qns_status qns_baseline_init(qns_baseline *b, const qns_result *base, qns_err *err)
{
    *b = (qns_baseline){.r = base};
    for (uint32_t i = base->n_layers; i-- > 0;) /* the first of a name stays */
        QNS_TRY(qns_map_put(&b->by_name, base->layer[i].name, i, err));
    return QNS_OK;
}

void qns_baseline_fini(qns_baseline *b)
{
    qns_map_fini(&b->by_name);
}

const qns_layer *qns_baseline_find(const qns_baseline *b, const qns_layer *l)
{
    const uint32_t first = qns_map_get(&b->by_name, l->name);
    if (first >= b->r->n_layers)
        return NULL;
    for (uint32_t i = first; i < b->r->n_layers; i++)
        if (b->r->layer[i].index == l->index && strcmp(b->r->layer[i].name, l->name) == 0)
            return &b->r->layer[i];
    return &b->r->layer[first];
}

double qns_baseline_worse(double v, double base, int better)
{
    if (isnan(v) || isnan(base))
        return NAN;
    if (better == 0) {
        v = fabs(v);
        base = fabs(base);
    }
    if (v == base)
        return 0;
    return better > 0 ? base - v : v - base;
}
