/* SPDX-License-Identifier: MIT */
/* The words of a search, and what follows from one number alone. */
#include "core/base/str.h"
#include "ns/search.h"

#include <math.h>
#include <string.h>

static const char *const costs[QNS_COSTS] = {"macs", "bytes", "latency", "layers"};
static const char *const ranks[QNS_RANKS] = {"leave-one-in", "leave-one-out", "local", "cumulative",
                                             "weight"};

static qns_status find_word(int *out, const char *what, const char *name, const char *const *word,
                            size_t n, qns_err *err)
{
    qns_str all = {0};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word[i], name) == 0) {
            *out = (int)i;
            qns_str_fini(&all);
            return QNS_OK;
        }
        qns_str_addf(&all, "%s%s", i ? ", " : "", word[i]);
    }
    const int64_t near = qns_nearest(name, word, n);
    qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__, "no %s '%s'%s%s%s; there are %s", what,
                name, near >= 0 ? "; did you mean '" : "", near >= 0 ? word[near] : "",
                near >= 0 ? "'?" : "", qns_str_get(&all));
    qns_str_fini(&all);
    return QNS_E_NOTFOUND;
}

const char *qns_cost_name(qns_cost c)
{
    return costs[c];
}

qns_status qns_cost_find(qns_cost *out, const char *name, qns_err *err)
{
    int i;
    QNS_TRY(find_word(&i, "cost", name, costs, QNS_COSTS, err));
    *out = (qns_cost)i;
    return QNS_OK;
}

const char *qns_rank_name(qns_rank_by r)
{
    return ranks[r];
}

qns_status qns_rank_find(qns_rank_by *out, const char *name, qns_err *err)
{
    int i;
    QNS_TRY(find_word(&i, "ranking", name, ranks, QNS_RANKS, err));
    *out = (qns_rank_by)i;
    return QNS_OK;
}

double qns_search_value(const qns_search_score *s, qns_target_metric m)
{
    const double v[QNS_TARGET_METRICS] = {[QNS_TARGET_SQNR] = s->sqnr_db,
                                          [QNS_TARGET_AGREEMENT] = s->agreement,
                                          [QNS_TARGET_DROP] = s->drop,
                                          [QNS_TARGET_EVAL] = s->eval};
    return v[m];
}

qns_search_verdict qns_search_judge(const qns_target *t, const qns_interval *i)
{
    if (!i->method || isnan(i->value))
        return QNS_CHECK_NONE;
    const bool lo = qns_target_met(t, i->lo), hi = qns_target_met(t, i->hi);
    return lo && hi ? QNS_CHECK_VERIFIED : lo || hi ? QNS_CHECK_UNDECIDED : QNS_CHECK_REFUTED;
}

const char *qns_search_verdict_text(qns_search_verdict v)
{
    static const char *const text[] = {"not verified", "verified", "undecided", "refuted"};
    return text[v];
}
