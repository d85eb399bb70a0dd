/* SPDX-License-Identifier: MIT */
/* Delta debugging (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing
 * input"): parts of the set and what is left without a part, in finer and finer parts. The result
 * is minimal: it fails without any single one of its units, even when units interact. */
#include "core/base/mem.h"
#include "ns/searcher.h"

#include <string.h>

typedef struct ddmin {
    const qns_search_problem *p;
    uint32_t *unit, n; /* the set that passes, the most costly first */
    uint32_t *part;    /* room for n */
    bool *set;
} ddmin;

/* The paper's |c|^2 + 3|c|. */
static uint64_t bound(uint32_t n)
{
    return n > 1 ? (uint64_t)n * n + 3 * (uint64_t)n : 0;
}

/* Takes part i of the parts, or all but part i, when that passes. */
static qns_status try_part(bool *pass, ddmin *d, uint32_t i, uint32_t parts, bool without,
                           qns_err *err)
{
    const uint32_t from = (uint32_t)((uint64_t)d->n * i / parts);
    const uint32_t to = (uint32_t)((uint64_t)d->n * (i + 1) / parts);
    uint32_t n = 0;
    for (uint32_t k = 0; k < d->n; k++)
        if ((k >= from && k < to) != without)
            d->part[n++] = d->unit[k];
    qns_search_set(d->set, d->p, d->part, n);
    QNS_TRY(d->p->test(pass, d->p->ctx, d->set, err));
    if (!*pass)
        return QNS_OK;
    memcpy(d->unit, d->part, n * sizeof *d->unit);
    d->n = n;
    return QNS_OK;
}

static qns_status minimize(ddmin *d, qns_err *err)
{
    uint32_t parts = 2;
    while (d->n > 1) {
        bool pass = false;
        /* Cheap parts stand last. */
        for (uint32_t i = parts; i-- > 0 && !pass;)
            QNS_TRY(try_part(&pass, d, i, parts, false, err));
        if (pass) {
            parts = 2;
            continue;
        }
        /* Of two parts, what is left without one is the other, which was tried. */
        for (uint32_t i = 0; i < parts && !pass && parts > 2; i++)
            QNS_TRY(try_part(&pass, d, i, parts, true, err));
        if (pass)
            parts = parts - 1 < d->n ? parts - 1 : d->n;
        else if (parts == d->n)
            return QNS_OK;
        else
            parts = 2 * parts < d->n ? 2 * parts : d->n;
    }
    return QNS_OK;
}

static qns_status run(bool *in_float, const qns_search_problem *p, qns_err *err)
{
    qns_status st = QNS_OK;
    ddmin d = {.p = p};
    QNS_TRY_DONE(qns_search_members(&d.unit, &d.n, in_float, p, true, err));
    QNS_TRY_DONE(qns_new((void **)&d.part, d.n, sizeof *d.part, err));
    QNS_TRY_DONE(qns_new((void **)&d.set, p->n, sizeof *d.set, err));
    QNS_TRY_DONE(minimize(&d, err));
    qns_search_set(in_float, p, d.unit, d.n);
done:
    qns_free(d.unit);
    qns_free(d.part);
    qns_free(d.set);
    return st;
}

const qns_searcher qns_search_ddmin = {
    .name = "ddmin",
    .what = "delta debugging to a minimal set, for layers that interact",
    .bound = bound,
    .run = run,
};
