/* SPDX-License-Identifier: MIT */
/* The coverage ledger: every operator of the reference is in exactly one class:
 *
 *   matched     measured against its partner, integer or float by design
 *   folded      the test side computes it inside another operator
 *   unmatched   neither; with the reason: missing, other shape, other sample count
 *
 * Operators of the test side alone are listed, too. A silent loss of coverage is a wrong result. */
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ns/cmp.h"

#include <math.h>
#include <string.h>

typedef struct ledger {
    qns_cmp *c;
    bool *ref_used, *test_used; /* by data */
    qns_map test_origin;        /* original node -> test data */
    qns_map test_value;         /* value_origin -> test data */
    double macs, macs_matched;
    bool macs_known;
} ledger;

static bool is_op(const qns_cap_data *d)
{
    return d->group == QNS_GROUP_ACTIVATION && !d->conversion;
}

static qns_status index_test(ledger *l, qns_err *err)
{
    for (uint32_t i = 0; i < qns_capture_n(l->c->test); i++) {
        const qns_cap_data *d = qns_capture_at(l->c->test, i);
        if (!is_op(d))
            continue;
        QNS_TRY(qns_map_put(&l->test_value, d->value_origin, i, err));
        for (uint32_t k = 0; k < d->n_origin; k++)
            QNS_TRY(qns_map_put(&l->test_origin, d->origin[k], i, err));
    }
    return QNS_OK;
}

/* The test layer that computes all original nodes of d; NULL when there is none. */
static const qns_cap_data *folded_into(const ledger *l, const qns_cap_data *d)
{
    uint32_t into = QNS_MAP_NONE;
    for (uint32_t k = 0; k < d->n_origin; k++) {
        const uint32_t at = qns_map_get(&l->test_origin, d->origin[k]);
        if (at == QNS_MAP_NONE || (into != QNS_MAP_NONE && at != into))
            return NULL;
        into = at;
    }
    return into == QNS_MAP_NONE ? NULL : qns_capture_at(l->c->test, into);
}

/* Without lineage names pair, and a name that is not unique pairs nothing. */
static bool is_twice(const qns_capture *c, const qns_cap_data *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_capture_n(c); i++)
        n += is_op(qns_capture_at(c, i)) && strcmp(qns_capture_at(c, i)->name, d->name) == 0;
    return n > 1;
}

static const char *why_not(const ledger *l, const qns_cap_data *d)
{
    const uint32_t same =
        d->value_origin[0] ? qns_map_get(&l->test_value, d->value_origin) : QNS_MAP_NONE;
    if (same != QNS_MAP_NONE) {
        const qns_cap_data *t = qns_capture_at(l->c->test, same);
        return qns_cmp_text(l->c, "shape is %s, on the test side %s", qns_shape_str(&d->shape).s,
                            qns_shape_str(&t->shape).s);
    }
    if (!d->value_origin[0] && (is_twice(l->c->ref, d) || is_twice(l->c->test, d)))
        return qns_cmp_text(l->c, "two layers are called '%s': names must be unique", d->name);
    return d->value_origin[0] ? "missing in the test capture"
                              : "no dataset of that name, or of another shape, in the test capture";
}

static qns_status add(ledger *l, const char *side, const qns_cap_data *d, const char *why,
                      qns_err *err)
{
    const char *name = d->node[0] ? d->node : d->name;
    const qns_unmatched u = {.side = side,
                             .name = qns_arena_strdup(l->c->a, name),
                             .op = qns_arena_strdup(l->c->a, d->op),
                             .why = why,
                             .macs = d->macs};
    if (!u.name || !u.op)
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    QNS_VEC_PUSH(&l->c->unmatched, u, err);
    return QNS_OK;
}

static qns_status ref_side(ledger *l, qns_err *err)
{
    qns_result *r = l->c->r;
    for (uint32_t i = 0; i < qns_capture_n(l->c->ref); i++) {
        const qns_cap_data *d = qns_capture_at(l->c->ref, i);
        if (!is_op(d))
            continue;
        r->coverage.ops++;
        l->macs += (double)d->macs;
        l->macs_known |= d->macs > 0;
        const qns_cap_data *into = l->ref_used[i] ? NULL : folded_into(l, d);
        if (l->ref_used[i]) {
            r->coverage.matched++;
            l->macs_matched += (double)d->macs;
        } else if (into && strcmp(into->value_origin, d->value_origin) != 0) {
            r->coverage.folded++;
            l->macs_matched += (double)d->macs; /* measured with the operator that took it in */
        } else {
            QNS_TRY(add(l, "reference", d, why_not(l, d), err));
        }
    }
    return QNS_OK;
}

static qns_status test_side(ledger *l, qns_err *err)
{
    for (uint32_t i = 0; i < qns_capture_n(l->c->test); i++) {
        const qns_cap_data *d = qns_capture_at(l->c->test, i);
        if (!is_op(d) || l->test_used[i])
            continue;
        l->c->r->coverage.test_only++;
        QNS_TRY(add(l, "test", d, "no partner in the reference capture", err));
    }
    return QNS_OK;
}

qns_status qns_cmp_coverage(qns_cmp *c, qns_err *err)
{
    qns_status st = QNS_OK;
    ledger l = {.c = c};
    qns_result *r = c->r;
    QNS_TRY_DONE(qns_new((void **)&l.ref_used, qns_capture_n(c->ref), sizeof(bool), err));
    QNS_TRY_DONE(qns_new((void **)&l.test_used, qns_capture_n(c->test), sizeof(bool), err));
    for (size_t k = 0; k < c->layer.n; k++)
        if (c->layer.at[k].ref != QNS_CMP_NONE)
            l.ref_used[c->layer.at[k].ref] = l.test_used[c->layer.at[k].test] = true;
    QNS_TRY_DONE(index_test(&l, err));
    QNS_TRY_DONE(ref_side(&l, err));
    QNS_TRY_DONE(test_side(&l, err));
    r->coverage.macs_matched = l.macs_known ? l.macs_matched / l.macs : NAN;
    r->coverage.n_unmatched = (uint32_t)c->unmatched.n;
    r->coverage.unmatched =
        qns_arena_dup(c->a, c->unmatched.at, c->unmatched.n * sizeof *c->unmatched.at);
    if (c->unmatched.n > 0 && !r->coverage.unmatched)
        QNS_FAIL_DONE(err, NOMEM, "cannot keep the list of unmatched layers");
done:
    qns_map_fini(&l.test_origin);
    qns_map_fini(&l.test_value);
    qns_free(l.ref_used);
    qns_free(l.test_used);
    return st;
}
