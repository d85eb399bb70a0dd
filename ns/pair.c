/* SPDX-License-Identifier: MIT */
/* Which dataset belongs to which. Captures of ours join by lineage: equal value_origin. Where one
 * side does not know its lineage, names decide, exact first, then normalized; an ambiguous name
 * pairs nothing. */
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "ns/cmp.h"
#include "ns/pair_names.h"

#include <stdlib.h>
#include <string.h>

typedef struct pairing {
    qns_cmp *c;
    qns_arena *keys;
    qns_name_index origin, activation, exact, normal; /* of the reference; one group */
    uint32_t *ref_pair, *test_pair;                   /* by data: its partner */
    const char **by;                                  /* by reference data */
    qns_err *err;
} pairing;

/* Equal when axes of size 1 are left out. */
static bool same_shape(const qns_shape *a, const qns_shape *b)
{
    int32_t i = 0, k = 0;
    for (;;) {
        while (i < a->rank && a->dim[i] == 1)
            i++;
        while (k < b->rank && b->dim[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->dim[i++] != b->dim[k++])
            return false;
    }
}

static void join(pairing *p, uint32_t ref, uint32_t test, const char *by)
{
    if (ref == QNS_MAP_NONE || p->ref_pair[ref] != QNS_CMP_NONE ||
        p->test_pair[test] != QNS_CMP_NONE)
        return;
    if (!same_shape(&qns_capture_at(p->c->ref, ref)->shape,
                    &qns_capture_at(p->c->test, test)->shape))
        return;
    p->ref_pair[ref] = test;
    p->test_pair[test] = ref;
    p->by[ref] = by;
}

static qns_status enter_names(pairing *p, const qns_cap_data *d, uint32_t i)
{
    const char *const names[] = {d->name, d->node, d->value_origin};
    for (size_t k = 0; k < QNS_ARRAY_LEN(names); k++) {
        QNS_TRY(qns_name_index_add(&p->exact, names[k], false, i, p->err));
        QNS_TRY(qns_name_index_add(&p->normal, names[k], true, i, p->err));
    }
    for (uint32_t k = 0; k < d->n_origin; k++)
        QNS_TRY(qns_name_index_add(&p->normal, d->origin[k], true, i, p->err));
    return QNS_OK;
}

/* Graph inputs stand among the activations: the test side's quantize node is their partner. */
static qns_group kind(const qns_cap_data *d)
{
    return d->group == QNS_GROUP_INPUT ? QNS_GROUP_ACTIVATION : d->group;
}

static qns_status enter(pairing *p, qns_group g)
{
    p->origin = p->activation = p->exact = p->normal = (qns_name_index){.arena = p->keys};
    for (uint32_t i = 0; i < qns_capture_n(p->c->ref); i++) {
        const qns_cap_data *d = qns_capture_at(p->c->ref, i);
        if (kind(d) != g || d->conversion)
            continue;
        QNS_TRY(qns_name_index_add(&p->origin, d->value_origin, false, i, p->err));
        QNS_TRY(qns_name_index_add(&p->activation, d->activation, false, i, p->err));
        QNS_TRY(enter_names(p, d, i));
    }
    return QNS_OK;
}

static void pair_lineage(pairing *p, qns_group g, bool conversion)
{
    for (uint32_t i = 0; i < qns_capture_n(p->c->test); i++) {
        const qns_cap_data *d = qns_capture_at(p->c->test, i);
        if (d->group == g && d->conversion == conversion)
            join(p, qns_name_index_find(&p->origin, d->value_origin, false), i, "lineage");
    }
}

/* A weight is also known by the activation it makes. */
static void pair_activation(pairing *p, qns_group g)
{
    for (uint32_t i = 0; i < qns_capture_n(p->c->test); i++) {
        const qns_cap_data *d = qns_capture_at(p->c->test, i);
        if (d->group == g)
            join(p, qns_name_index_find(&p->activation, d->activation, false), i, "lineage");
    }
}

static void pair_names(pairing *p, qns_group g, bool normal)
{
    const qns_name_index *n = normal ? &p->normal : &p->exact;
    for (uint32_t i = 0; i < qns_capture_n(p->c->test); i++) {
        const qns_cap_data *d = qns_capture_at(p->c->test, i);
        const char *const names[] = {d->name, d->value_origin, d->node};
        if (d->group != g || d->conversion)
            continue;
        for (size_t k = 0; k < QNS_ARRAY_LEN(names); k++) {
            const uint32_t ref = qns_name_index_find(n, names[k], normal);
            /* Two values that know where they come from are not joined by what they are called. */
            if (ref != QNS_MAP_NONE && d->value_origin[0] &&
                qns_capture_at(p->c->ref, ref)->value_origin[0])
                continue;
            join(p, ref, i, "name");
        }
    }
}

static qns_status pair_group(pairing *p, qns_group g)
{
    const qns_status st = enter(p, g);
    if (st == QNS_OK) {
        pair_lineage(p, g, false);
        pair_lineage(p, g, true);
        pair_activation(p, g);
        pair_names(p, g, false);
        pair_names(p, g, true);
    }
    qns_name_index_fini(&p->origin);
    qns_name_index_fini(&p->activation);
    qns_name_index_fini(&p->exact);
    qns_name_index_fini(&p->normal);
    return st;
}

/* ---- layers ---- */

static qns_status add_activations(pairing *p)
{
    qns_cmp *c = p->c;
    for (uint32_t i = 0; i < qns_capture_n(c->ref); i++) {
        const qns_cap_data *d = qns_capture_at(c->ref, i);
        if (kind(d) != QNS_GROUP_ACTIVATION || p->ref_pair[i] == QNS_CMP_NONE || c->n_rows == 0)
            continue;
        const qns_cmp_layer l = {.ref = i,
                                 .test = p->ref_pair[i],
                                 .ref_weight = QNS_CMP_NONE,
                                 .test_weight = QNS_CMP_NONE,
                                 .by = p->by[i],
                                 .conversion = d->group == QNS_GROUP_INPUT};
        QNS_VEC_PUSH(&c->layer, l, p->err);
    }
    return QNS_OK;
}

/* The layer a weight belongs to: by the activation it makes, by its node, by its name. */
static qns_status index_layers(pairing *p, qns_name_index *by_value, qns_name_index *by_node,
                               qns_name_index *by_name)
{
    for (uint32_t k = 0; k < p->c->layer.n; k++) {
        const qns_cap_data *d = qns_capture_at(p->c->ref, p->c->layer.at[k].ref);
        if (d->group != QNS_GROUP_ACTIVATION)
            continue;
        QNS_TRY(qns_name_index_add(by_value, d->value_origin, false, k, p->err));
        QNS_TRY(qns_name_index_add(by_node, d->node, false, k, p->err));
        QNS_TRY(qns_name_index_add(by_name, d->name, true, k, p->err));
    }
    return QNS_OK;
}

static qns_status add_weight(pairing *p, uint32_t i, const qns_name_index n[3])
{
    char name[1024];
    qns_cmp *c = p->c;
    const qns_cap_data *d = qns_capture_at(c->ref, i);
    qns_name_of_layer(name, sizeof name, d->name);
    uint32_t k = qns_name_index_find(&n[0], d->activation, false);
    k = k != QNS_MAP_NONE ? k : qns_name_index_find(&n[1], d->node, false);
    k = k != QNS_MAP_NONE ? k : qns_name_index_find(&n[2], name, true);
    if (k != QNS_MAP_NONE && c->layer.at[k].ref_weight == QNS_CMP_NONE) {
        c->layer.at[k].ref_weight = i;
        c->layer.at[k].test_weight = p->ref_pair[i];
        return QNS_OK;
    }
    const qns_cmp_layer l = {.ref = QNS_CMP_NONE,
                             .test = QNS_CMP_NONE,
                             .ref_weight = i,
                             .test_weight = p->ref_pair[i],
                             .by = p->by[i]};
    QNS_VEC_PUSH(&c->layer, l, p->err);
    return QNS_OK;
}

static qns_status add_weights(pairing *p)
{
    qns_name_index n[3] = {{.arena = p->keys}, {.arena = p->keys}, {.arena = p->keys}};
    qns_status st = index_layers(p, &n[0], &n[1], &n[2]);
    for (uint32_t i = 0; st == QNS_OK && i < qns_capture_n(p->c->ref); i++)
        if (qns_capture_at(p->c->ref, i)->group == QNS_GROUP_WEIGHT &&
            p->ref_pair[i] != QNS_CMP_NONE)
            st = add_weight(p, i, n);
    for (size_t k = 0; k < 3; k++)
        qns_name_index_fini(&n[k]);
    return st;
}

typedef struct keyed {
    int64_t order;
    uint32_t data;
    qns_cmp_layer l;
} keyed;

static int by_order(const void *x, const void *y)
{
    const keyed *a = x, *b = y;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->data > b->data) - (a->data < b->data);
}

/* Execution order; graph inputs first, data without an index last, as they stand in the file. */
static qns_status sort_layers(qns_cmp *c, qns_err *err)
{
    keyed *v = NULL;
    QNS_TRY(qns_new((void **)&v, c->layer.n, sizeof *v, err));
    for (size_t k = 0; k < c->layer.n; k++) {
        const qns_cmp_layer *l = &c->layer.at[k];
        const uint32_t data = l->ref != QNS_CMP_NONE ? l->ref : l->ref_weight;
        const int64_t index = qns_capture_at(c->ref, data)->index;
        v[k] = (keyed){l->conversion ? -1 : index >= 0 ? index : INT64_MAX, data, *l};
    }
    qsort(v, c->layer.n, sizeof *v, by_order);
    for (size_t k = 0; k < c->layer.n; k++)
        c->layer.at[k] = v[k].l;
    qns_free(v);
    return QNS_OK;
}

/* ---- --layers ---- */

static const qns_cap_data *main_data(const qns_cmp *c, const qns_cmp_layer *l)
{
    return qns_capture_at(c->ref, l->ref != QNS_CMP_NONE ? l->ref : l->ref_weight);
}

static bool hits(const char *glob, const qns_cap_data *d)
{
    bool hit =
        qns_glob(glob, d->name) || qns_glob(glob, d->node) || qns_glob(glob, d->value_origin);
    for (uint32_t i = 0; i < d->n_origin && !hit; i++)
        hit = qns_glob(glob, d->origin[i]);
    return hit;
}

static qns_status no_layer(const qns_cmp *c, const char *glob, qns_err *err)
{
    const char **names = NULL;
    QNS_TRY(qns_new((void **)&names, c->layer.n, sizeof *names, err));
    for (size_t k = 0; k < c->layer.n; k++) {
        const qns_cap_data *d = main_data(c, &c->layer.at[k]);
        names[k] = d->node[0] ? d->node : d->name;
    }
    const int64_t near = qns_nearest(glob, names, c->layer.n);
    const char *nearest = near >= 0 ? names[near] : NULL;
    qns_free(names);
    if (nearest)
        QNS_FAIL(err, NOTFOUND, "no layer matches '%s', did you mean '%s'?", glob, nearest);
    QNS_FAIL(err, NOTFOUND, "no layer matches '%s'", glob);
}

qns_status qns_cmp_filter(qns_cmp *c, qns_err *err)
{
    const qns_compare_opts *o = c->o;
    size_t kept = 0;
    for (size_t i = 0; i < o->n_layers; i++) {
        bool hit = false;
        for (size_t k = 0; k < c->layer.n && !hit; k++)
            hit = hits(o->layers[i], main_data(c, &c->layer.at[k]));
        if (!hit)
            return no_layer(c, o->layers[i], err);
    }
    for (size_t k = 0; k < c->layer.n; k++) {
        bool keep = o->n_layers == 0;
        for (size_t i = 0; i < o->n_layers && !keep; i++)
            keep = hits(o->layers[i], main_data(c, &c->layer.at[k]));
        if (keep)
            c->layer.at[kept++] = c->layer.at[k];
    }
    c->layer.n = kept;
    return QNS_OK;
}

qns_status qns_cmp_pair(qns_cmp *c, qns_err *err)
{
    qns_status st = QNS_OK;
    pairing p = {.c = c, .err = err};
    const uint32_t n_ref = qns_capture_n(c->ref), n_test = qns_capture_n(c->test);
    QNS_TRY_DONE(qns_arena_create(&p.keys, err));
    QNS_TRY_DONE(qns_new((void **)&p.ref_pair, n_ref, sizeof *p.ref_pair, err));
    QNS_TRY_DONE(qns_new((void **)&p.test_pair, n_test, sizeof *p.test_pair, err));
    QNS_TRY_DONE(qns_new((void **)&p.by, n_ref, sizeof *p.by, err));
    memset(p.ref_pair, 0xff, n_ref * sizeof *p.ref_pair); /* QNS_CMP_NONE */
    memset(p.test_pair, 0xff, n_test * sizeof *p.test_pair);
    QNS_TRY_DONE(pair_group(&p, QNS_GROUP_ACTIVATION));
    QNS_TRY_DONE(pair_group(&p, QNS_GROUP_WEIGHT));
    QNS_TRY_DONE(add_activations(&p));
    QNS_TRY_DONE(add_weights(&p));
    QNS_TRY_DONE(sort_layers(c, err));
    if (c->layer.n == 0)
        QNS_FAIL_DONE(err, MISMATCH,
                      "'%s' and '%s' have no layer in common; names or shapes must agree",
                      qns_capture_info(c->ref)->path, qns_capture_info(c->test)->path);
done:
    qns_arena_free(p.keys);
    qns_free(p.ref_pair);
    qns_free(p.test_pair);
    qns_free(p.by);
    return st;
}
