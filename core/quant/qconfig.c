/* SPDX-License-Identifier: MIT */
#include "core/quant/qconfig.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/op.h"
#include "core/quant/qconfig_set.h"

#include <stdio.h>
#include <string.h>

qns_obs_args qns_obs_args_of(const qns_obs_spec *s, int32_t channels, qns_hist_version hist)
{
    return (qns_obs_args){.channels = channels,
                          .bins = s->bins,
                          .momentum = s->momentum,
                          .hist = hist,
                          .percentile = s->percentile,
                          .rule = s->range};
}

/* The type that an observer states, or codes when it finds ranges. */
static qns_dtype stated(const qns_obs_spec *s)
{
    return s->observer == &qns_obs_placeholder || s->observer == &qns_obs_noop ? s->dtype
                                                                               : s->range.dtype;
}

qns_status qns_qconfig_scheme(qns_scheme *out, const qns_qconfig *c, qns_err *err)
{
    const qns_obs_spec *a = &c->act, *w = &c->weight;
    const qns_dtype act = stated(a), weight = stated(w);
    const bool states = a->observer == &qns_obs_placeholder || a->observer == &qns_obs_noop;
    if (w->observer == &qns_obs_recording || w->dynamic ||
        (w->observer == &qns_obs_reuse_input && a->observer != &qns_obs_reuse_input))
        QNS_FAIL(err, CONFIG, "observer '%s' is for activations, not for weights%s",
                 w->observer->name, w->dynamic ? " when it is dynamic" : "");
    if (a->observer == &qns_obs_recording)
        *out = QNS_SCHEME_RECORD;
    else if (!states)
        *out = QNS_SCHEME_STATIC;
    else if (act == QNS_F32)
        *out = weight == QNS_F32 ? QNS_SCHEME_FLOAT : QNS_SCHEME_WEIGHT_ONLY;
    else if (act == QNS_F16 && weight == QNS_F16)
        *out = a->dynamic ? QNS_SCHEME_DYNAMIC_F16 : QNS_SCHEME_F16;
    else if (a->dynamic && act != QNS_F16 && weight == QNS_I8)
        *out = QNS_SCHEME_DYNAMIC;
    else
        QNS_FAIL(err, CONFIG,
                 "activations of %s%s and weights of %s do not go together: uint8 dynamic needs an "
                 "observer of weights with a range, float16 needs float16, and codes that are not "
                 "dynamic need an observer with a range",
                 qns_dtype_name(act), a->dynamic ? " dynamic" : "", qns_dtype_name(weight));
    if (*out == QNS_SCHEME_WEIGHT_ONLY && weight != QNS_I8)
        QNS_FAIL(err, CONFIG, "float32 activations go with int8 or float32 weights, not with %s",
                 qns_dtype_name(weight));
    return QNS_OK;
}

/* ---- the set ---- */

qns_status qns_qconfig_create(qns_qconfig_set **out, const qns_backend *be, const char *preset,
                              qns_err *err)
{
    qns_status st = QNS_OK;
    qns_qconfig_set *set = NULL;
    QNS_TRY(qns_new((void **)&set, 1, sizeof *set, err));
    QNS_TRY_DONE(qns_arena_create(&set->arena, err));
    set->be = be;
    if (!preset)
        preset = be->default_preset;
    if (!qns_qconfig_preset(&set->base, preset)) {
        const char *const *names = qns_qconfig_presets(), *why = qns_qconfig_preset_refusal(preset);
        size_t n = 0;
        while (names[n])
            n++;
        if (why)
            QNS_FAIL_DONE(err, CONFIG, "preset '%s' is not for static quantization: %s", preset,
                          why);
        const int64_t near = qns_nearest(preset, names, n);
        QNS_FAIL_DONE(err, NOTFOUND, "no preset '%s'; %s '%s'", preset,
                      near < 0 ? "the default is" : "did you mean",
                      near < 0 ? be->default_preset : names[near]);
    }
    set->preset = qns_arena_strdup(set->arena, preset);
    if (!set->preset)
        QNS_FAIL_DONE(err, NOMEM, "cannot copy a name");
    *out = set;
    set = NULL;
done:
    qns_qconfig_free(set);
    return st;
}

void qns_qconfig_free(qns_qconfig_set *set)
{
    if (!set)
        return;
    qns_arena_free(set->arena);
    qns_free(set->rule.at);
    qns_free(set->border.at);
    qns_free(set);
}

qns_status qns_qconfig_copy(qns_qconfig_set **out, const qns_qconfig_set *from, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_qconfig_set *set = NULL;
    QNS_TRY(qns_qconfig_create(&set, from->be, from->preset, err));
    set->base = from->base;
    set->hist = from->hist;
    set->file = from->file ? qns_arena_strdup(set->arena, from->file) : NULL;
    for (size_t i = 0; i < from->rule.n; i++)
        QNS_TRY_DONE(qns_qconfig_add(set, &from->rule.at[i], err));
    for (size_t i = 0; i < from->border.n; i++)
        QNS_TRY_DONE(qns_qconfig_border(set, &from->border.at[i], err));
    *out = set;
    set = NULL;
done:
    qns_qconfig_free(set);
    return st;
}

const qns_backend *qns_qconfig_backend(const qns_qconfig_set *set)
{
    return set->be;
}

const char *qns_qconfig_preset_name(const qns_qconfig_set *set)
{
    return set->preset;
}

const qns_qconfig *qns_qconfig_default(const qns_qconfig_set *set)
{
    return &set->base;
}

qns_hist_version qns_qconfig_hist_version(const qns_qconfig_set *set)
{
    return set->hist;
}

qns_status qns_qconfig_add(qns_qconfig_set *set, const qns_qrule *rule, qns_err *err)
{
    qns_qrule r = *rule;
    r.pattern = qns_arena_strdup(set->arena, rule->pattern);
    r.op = rule->op ? qns_arena_strdup(set->arena, rule->op) : NULL;
    if (!r.pattern || (rule->op && !r.op))
        QNS_FAIL(err, NOMEM, "cannot copy a name");
    QNS_VEC_PUSH(&set->rule, r, err);
    return QNS_OK;
}

qns_status qns_qconfig_skip(qns_qconfig_set *set, const char *name, qns_err *err)
{
    qns_qrule r = {.by = QNS_BY_SKIP, .pattern = name, .cfg = set->base};
    r.cfg.quantize = false;
    return qns_qconfig_add(set, &r, err);
}

qns_status qns_qconfig_border(qns_qconfig_set *set, const qns_qborder *border, qns_err *err)
{
    qns_qborder b = *border;
    b.pattern = qns_arena_strdup(set->arena, border->pattern);
    if (!b.pattern)
        QNS_FAIL(err, NOMEM, "cannot copy a name");
    QNS_VEC_PUSH(&set->border, b, err);
    return QNS_OK;
}

size_t qns_qconfig_n_rules(const qns_qconfig_set *set)
{
    return set->rule.n;
}

const qns_qrule *qns_qconfig_rule(const qns_qconfig_set *set, size_t i)
{
    return &set->rule.at[i];
}

/* ---- matching ---- */

const qns_qrule *qns_qconfig_match(const qns_qconfig_set *set, const qns_graph *g,
                                   const qns_node *n)
{
    for (size_t i = set->rule.n; i-- > 0;)
        if (qns_qrule_matches(&set->rule.at[i], g, n))
            return &set->rule.at[i];
    return NULL;
}

/* All names that a rule could mean. */
static qns_status names_of(const char ***out, size_t *n, const qns_graph *g, qns_err *err)
{
    size_t cap = 0, at = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        cap += 1 + (size_t)qns_graph_node(g, (qns_nid){i})->n_origin;
    QNS_TRY(qns_new((void **)out, cap, sizeof **out, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *node = qns_graph_node(g, (qns_nid){i});
        (*out)[at++] = node->name;
        for (uint32_t k = 0; k < node->n_origin; k++)
            (*out)[at++] = node->origin[k];
    }
    *n = at;
    return QNS_OK;
}

static qns_status unmatched(const qns_qconfig_set *set, const qns_qrule *r, const qns_graph *g,
                            qns_err *err)
{
    const char **names;
    size_t n;
    char place[256] = "";
    QNS_TRY(names_of(&names, &n, g, err));
    const int64_t near = qns_nearest(r->pattern, names, n);
    if (set->file && r->line)
        snprintf(place, sizeof place, "%s:%u: ", set->file, r->line);
    const qns_status st =
        near < 0 ? qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__,
                               "%sno node is called '%s'; 'qns inspect' lists the names", place,
                               r->pattern)
                 : qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__,
                               "%sno node is called '%s'; did you mean '%s'?", place, r->pattern,
                               names[near]);
    qns_free(names);
    return st;
}

qns_status qns_qconfig_check(const qns_qconfig_set *set, const qns_graph *g, qns_err *err)
{
    for (size_t i = 0; i < set->rule.n; i++) {
        const qns_qrule *r = &set->rule.at[i];
        bool found = r->by == QNS_BY_OP; /* an op that this model does not have is no mistake */
        for (uint32_t k = 0; k < qns_graph_n_nodes(g) && !found; k++)
            found = qns_qrule_matches(r, g, qns_graph_node(g, (qns_nid){k}));
        if (!found)
            return unmatched(set, r, g, err);
    }
    return qns_qconfig_check_fused(set, g, err);
}
