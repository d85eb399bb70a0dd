/* SPDX-License-Identifier: MIT */
/* May these two captures be compared, and which samples do they share? A number that compares
 * different things is worse than none, so the answer is no unless the files agree. */
#include "core/base/mem.h"
#include "ns/cmp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Refused, or with --force a finding. */
static qns_status refuse(qns_cmp *c, const char *code, const char *text, const char *remedy,
                         qns_err *err)
{
    if (!c->o->force)
        QNS_FAIL(err, MISMATCH, "%s; %s", text, remedy);
    qns_cmp_find(c, code, 2, "", text, remedy);
    return QNS_OK;
}

static qns_status check_complete(qns_cmp *c, const qns_cap_info *i, qns_err *err)
{
    if (i->complete)
        return QNS_OK;
    const char *text = qns_cmp_text(
        c, "the capture '%s' is incomplete: it was interrupted after %" PRId64 " samples", i->path,
        i->samples);
    if (!c->o->allow_incomplete && !c->o->force)
        QNS_FAIL(err, MISMATCH,
                 "%s; capture again, or use --allow-incomplete to compare the samples it has",
                 text);
    qns_cmp_find(c, "INCOMPLETE", 1, "", text, "capture again for a full comparison");
    return QNS_OK;
}

static const char *float_weights(const qns_cap_info *i)
{
    return i->source_weights[0] ? i->source_weights : i->version > 0 ? "" : i->weights;
}

qns_status qns_cmp_weights(qns_cmp *c, qns_err *err)
{
    const qns_cap_info *r = qns_capture_info(c->ref), *t = qns_capture_info(c->test);
    const char *a = float_weights(r), *b = float_weights(t);
    if (!a[0] || !b[0] || strcmp(a, b) == 0)
        return QNS_OK;
    return refuse(c, "OTHER_WEIGHTS",
                  qns_cmp_text(c,
                               "the float weights behind the two differ: '%s' has %.12s, '%s' was "
                               "made from %.12s",
                               r->path, a, t->path, b),
                  "quantize and capture the same float model", err);
}

static void note_unknown(qns_cmp *c, const qns_cap_info *i)
{
    if (i->version > 0)
        return;
    qns_cmp_find(
        c, "UNKNOWN_IDENTITY", 0, "",
        qns_cmp_text(c, "'%s' does not say which weights and inputs it comes from", i->path),
        "make sure that both files were made from the same model and the same samples, in "
        "the same order");
}

/* ---- statistics ---- */

static bool has_only_statistics(const qns_capture *cap)
{
    bool stats = false;
    for (uint32_t i = 0; i < qns_capture_n(cap); i++) {
        const qns_group g = qns_capture_at(cap, i)->group;
        if (g == QNS_GROUP_ACTIVATION)
            return false;
        stats |= g == QNS_GROUP_STATISTICS;
    }
    return stats;
}

static qns_status refuse_statistics(const qns_capture *cap, qns_err *err)
{
    if (!has_only_statistics(cap))
        return QNS_OK;
    QNS_FAIL(err, MISMATCH,
             "'%s' holds statistics of the activations, not their values, which a comparison "
             "needs; 'qns inspect' shows them, 'qns capture --policy full' or "
             "'sample=N' keeps values",
             qns_capture_info(cap)->path);
}

/* ---- samples ---- */

typedef struct by_id {
    int64_t id, row;
} by_id;

static int compare_id(const void *x, const void *y)
{
    const by_id *a = x, *b = y;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static const by_id *find_id(const by_id *v, size_t n, int64_t id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (v[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && v[lo].id == id ? &v[lo] : NULL;
}

static qns_status align(qns_cmp *c, const qns_cap_info *r, const qns_cap_info *t, qns_err *err)
{
    const size_t n = (size_t)t->samples;
    by_id *v = NULL;
    QNS_TRY(qns_new((void **)&v, n, sizeof *v, err));
    for (size_t i = 0; i < n; i++)
        v[i] = (by_id){t->id[i], (int64_t)i};
    qsort(v, n, sizeof *v, compare_id);
    const qns_status st = qns_new((void **)&c->row, (size_t)r->samples, sizeof *c->row, err);
    for (int64_t i = 0; st == QNS_OK && i < r->samples; i++) {
        const by_id *hit = find_id(v, n, r->id[i]);
        if (hit)
            c->row[c->n_rows++] = (qns_cmp_row){i, hit->row, r->id[i]};
    }
    qns_free(v);
    QNS_TRY(st);
    c->partial_ids = c->n_rows != (size_t)r->samples || c->n_rows != n;
    if (c->n_rows == 0 && r->samples > 0 && t->samples > 0)
        QNS_FAIL(err, MISMATCH,
                 "'%s' and '%s' have no sample in common; capture both with the same data and the "
                 "same policy",
                 r->path, t->path);
    return QNS_OK;
}

/* Digests per sample where both have them, so that a part of a capture can be compared with all of
 * another; otherwise the digests of all inputs. */
static qns_status check_inputs(qns_cmp *c, const qns_cap_info *r, const qns_cap_info *t,
                               qns_err *err)
{
    static const char remedy[] = "capture both with the same -d data";
    if (r->digest && t->digest) {
        for (size_t i = 0; i < c->n_rows; i++) {
            if (memcmp(r->digest[c->row[i].ref], t->digest[c->row[i].test], 16) == 0)
                continue;
            return refuse(c, "OTHER_INPUTS",
                          qns_cmp_text(c,
                                       "'%s' and '%s' were made from other inputs: sample %" PRId64
                                       " differs",
                                       r->path, t->path, c->row[i].id),
                          remedy, err);
        }
        return QNS_OK;
    }
    if (!r->inputs[0] || !t->inputs[0] || strcmp(r->inputs, t->inputs) == 0)
        return QNS_OK;
    return refuse(c, "OTHER_INPUTS",
                  qns_cmp_text(c,
                               "'%s' (inputs %.12s) and '%s' (inputs %.12s) were made from other "
                               "inputs",
                               r->path, r->inputs, t->path, t->inputs),
                  remedy, err);
}

static void note_skipped(qns_cmp *c, const qns_cap_info *i)
{
    for (uint32_t k = 0; k < i->n_skipped && k < 8; k++)
        qns_cmp_find(c, "SKIPPED_DATA", 1, "",
                     qns_cmp_text(c, "'%s': %s, so it is left out", i->path, i->skipped[k]),
                     "store it as an array of numbers with the samples on the first axis");
    if (i->n_skipped > 8)
        qns_cmp_find(
            c, "SKIPPED_DATA", 1, "",
            qns_cmp_text(c, "'%s': %u more datasets are left out", i->path, i->n_skipped - 8), "");
}

qns_status qns_cmp_identity(qns_cmp *c, qns_err *err)
{
    const qns_cap_info *r = qns_capture_info(c->ref), *t = qns_capture_info(c->test);
    QNS_TRY(refuse_statistics(c->ref, err));
    QNS_TRY(refuse_statistics(c->test, err));
    QNS_TRY(check_complete(c, r, err));
    QNS_TRY(check_complete(c, t, err));
    QNS_TRY(qns_cmp_weights(c, err));
    QNS_TRY(align(c, r, t, err));
    QNS_TRY(check_inputs(c, r, t, err));
    note_unknown(c, r);
    note_unknown(c, t);
    note_skipped(c, r);
    note_skipped(c, t);
    if (c->partial_ids && c->n_rows > 0)
        qns_cmp_find(c, "COMMON_SAMPLES", 0, "",
                     qns_cmp_text(c, "%zu samples are in both files, of %" PRId64 " and %" PRId64,
                                  c->n_rows, r->samples, t->samples),
                     "");
    return QNS_OK;
}
