/* SPDX-License-Identifier: MIT */
#include "core/quant/ranges.h"

#include "core/base/map.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/quant/decisions.h"

#include <assert.h>

typedef struct fed { /* an observer and its values */
    qns_observing o;
    const char *key;
    const uint32_t *value;
    uint32_t n_values;
    bool done;
} fed;

struct qns_ranges {
    const qns_graph *g;
    qns_arena *arena;
    qns_map by_key;
    struct {
        fed *at;
        size_t n, cap;
    } all;
    int64_t samples;
};

qns_status qns_ranges_create(qns_ranges **out, const qns_graph *fused, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_ranges *r = NULL;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    r->g = fused;
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    *out = r;
    r = NULL;
done:
    qns_ranges_free(r);
    return st;
}

void qns_ranges_free(qns_ranges *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->all.n; i++)
        r->all.at[i].o.spec->observer->free(r->all.at[i].o.state);
    qns_free(r->all.at);
    qns_map_fini(&r->by_key);
    qns_arena_free(r->arena);
    qns_free(r);
}

/* ---- one observer for all who ask the same ---- */

typedef struct asked { /* an observer of some decisions */
    qns_observing *o;
    qns_hist_version hist;
    const uint32_t *value; /* what it observes */
    uint32_t n_values;
    const char *key;
} asked;

/* Everything that the answer depends on: settings, then values. */
static void describe(qns_str *out, const asked *a)
{
    const qns_obs_spec *s = a->o->spec;
    qns_str_addf(out, "%s %d %d %d %d %d %a %d %a %a %a %d;", s->observer->name, (int)a->hist,
                 (int)s->range.dtype, s->range.qmin, s->range.qmax, s->range.symmetric,
                 (double)s->range.eps, s->bins, (double)s->momentum, (double)s->percentile,
                 s->scale, s->zero);
    for (uint32_t i = 0; i < a->n_values; i++)
        qns_str_addf(out, " %u", a->value[i]);
}

static qns_status add(qns_ranges *r, const asked *a, qns_err *err)
{
    const qns_obs_spec *s = a->o->spec;
    const qns_obs_args args = qns_obs_args_of(s, 1, a->hist);
    fed f = {.o = {.range = {INFINITY, -INFINITY}}, .n_values = a->n_values};
    /* The decisions and their settings may go before the ranges do. */
    f.o.spec = qns_arena_dup(r->arena, s, sizeof *s);
    f.key = qns_arena_strdup(r->arena, a->key);
    f.value = qns_arena_dup(r->arena, a->value, a->n_values * sizeof *a->value);
    if (!f.o.spec || !f.key || !f.value)
        QNS_FAIL(err, NOMEM, "cannot get memory for an observer");
    QNS_VEC_PUSH(&r->all, f, err);
    QNS_TRY(s->observer->create(&r->all.at[r->all.n - 1].o.state, &args, err));
    return qns_map_put(&r->by_key, f.key, (uint32_t)(r->all.n - 1), err);
}

/* The values of observer o of d are at[first[o]] to at[first[o + 1] - 1]. */
typedef struct members {
    uint32_t *first, *at;
} members;

static qns_status find_members(members *m, const qns_decisions *d, qns_err *err)
{
    const uint32_t n_values = qns_graph_n_values(d->g), n = qns_decisions_n_observers(d);
    QNS_TRY(qns_new((void **)&m->first, (size_t)n + 2, sizeof *m->first, err));
    QNS_TRY(qns_new((void **)&m->at, n_values, sizeof *m->at, err));
    uint32_t *next = m->first + 1; /* where the next value of an observer goes */
    for (uint32_t v = 0; v < n_values; v++)
        if (d->value[v].observer != QNS_NONE)
            next[d->value[v].observer + 1]++;
    for (uint32_t o = 0; o < n; o++)
        next[o + 1] += next[o];
    for (uint32_t v = 0; v < n_values; v++)
        if (d->value[v].observer != QNS_NONE)
            m->at[next[d->value[v].observer]++] = v;
    return QNS_OK;
}

/* Calls back for every observer of d that has values: a shared one took those of the others. */
static qns_status each_observer(const qns_decisions *d,
                                qns_status (*visit)(void *ctx, const asked *a, qns_err *err),
                                void *ctx, qns_err *err)
{
    qns_status st = QNS_OK;
    members m = {0};
    qns_str key = {0};
    QNS_TRY_DONE(find_members(&m, d, err));
    for (uint32_t i = 0; i < qns_decisions_n_observers(d); i++) {
        asked a = {.o = &d->observing.at[i],
                   .hist = qns_qconfig_hist_version(d->set),
                   .value = m.at + m.first[i],
                   .n_values = m.first[i + 1] - m.first[i]};
        if (a.n_values == 0)
            continue;
        key.len = 0;
        describe(&key, &a);
        if (key.failed)
            QNS_FAIL_DONE(err, NOMEM, "cannot get memory for an observer");
        a.key = qns_str_get(&key);
        QNS_TRY_DONE(visit(ctx, &a, err));
    }
done:
    qns_str_fini(&key);
    qns_free(m.first);
    qns_free(m.at);
    return st;
}

/* ---- noting, feeding, answering ---- */

typedef struct noting {
    qns_ranges *r;
    uint32_t missing;
} noting;

static qns_status note(void *ctx, const asked *a, qns_err *err)
{
    noting *n = ctx;
    const uint32_t i = qns_map_get(&n->r->by_key, a->key);
    if (i == QNS_MAP_NONE)
        QNS_TRY(add(n->r, a, err));
    n->missing += i == QNS_MAP_NONE || !n->r->all.at[i].done;
    return QNS_OK;
}

qns_status qns_ranges_want(uint32_t *missing, qns_ranges *r, const qns_decisions *d, qns_err *err)
{
    noting n = {r, 0};
    assert(d->g == r->g);
    QNS_TRY(each_observer(d, note, &n, err));
    if (missing)
        *missing = n.missing;
    return QNS_OK;
}

static bool wants(void *ctx, uint32_t observer, const qns_value *v)
{
    const fed *f = &((const qns_ranges *)ctx)->all.at[observer];
    for (uint32_t i = 0; !f->done && i < f->n_values; i++)
        if (f->value[i] == v->id.i)
            return true;
    return false;
}

static qns_status see(void *ctx, uint32_t observer, const qns_value *v, const qns_tensor *t,
                      qns_range seen, qns_err *err)
{
    qns_ranges *r = ctx;
    const qns_status st =
        qns_observing_feed(&r->all.at[observer].o, qns_cf32(t), qns_tensor_count(t), seen, err);
    if (st != QNS_OK)
        qns_err_note(err, "activation '%s'", v->name);
    return st;
}

qns_status qns_ranges_calibrate(qns_ranges *r, const qns_calibration *c, qns_err *err)
{
    const qns_watch watch = {.ctx = r, .n = (uint32_t)r->all.n, .wants = wants, .see = see};
    bool any = false;
    for (size_t i = 0; i < r->all.n; i++)
        any |= !r->all.at[i].done;
    if (!any)
        return QNS_OK;
    QNS_TRY(qns_calibration_run(r->g, &watch, c, err));
    r->samples = c->samples.n;
    for (size_t i = 0; i < r->all.n; i++) {
        fed *f = &r->all.at[i];
        if (f->done)
            continue;
        const qns_status st = qns_observing_settle(&f->o, r->arena, err);
        if (st != QNS_OK) {
            qns_err_note(err, "activation '%s'",
                         qns_graph_value(r->g, (qns_vid){f->value[0]})->name);
            return st;
        }
        f->o.spec->observer->free(f->o.state);
        f->o.state = NULL;
        f->done = true;
    }
    return QNS_OK;
}

static qns_status answer(void *ctx, const asked *a, qns_err *err)
{
    const qns_ranges *r = ctx;
    const uint32_t i = qns_map_get(&r->by_key, a->key);
    (void)err;
    assert(i != QNS_MAP_NONE && r->all.at[i].done);
    a->o->qp = r->all.at[i].o.qp;
    a->o->range = r->all.at[i].o.range;
    a->o->stated = true;
    return QNS_OK;
}

qns_status qns_ranges_settle(const qns_ranges *r, qns_decisions *d, qns_err *err)
{
    QNS_TRY(each_observer(d, answer, (void *)(uintptr_t)r, err));
    return qns_decisions_settle(d, r->samples, err);
}
