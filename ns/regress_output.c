/* SPDX-License-Identifier: MIT */
/* The network's answers, before and now, sample by sample: agreement with the float side's top-1
 * and, with labels, accuracy. Pairs, so that McNemar's test applies. */
#include "core/base/mem.h"
#include "ns/accuracy.h"
#include "ns/regress_internal.h"

#include <math.h>
#include <string.h>

typedef struct reading {
    qns_capture *cap;
    uint32_t data;
    float *score;
} reading;

static void count(qns_flips *f, bool was, bool now)
{
    f->was += was;
    f->now += now;
    f->lost += was && !now;
    f->gained += now && !was;
}

static void finish(qns_flips *f, size_t n)
{
    f->was /= (double)n;
    f->now /= (double)n;
    f->p = qns_mcnemar(f->lost, f->gained);
}

static qns_status top(size_t *out, const reading *r, int64_t row, size_t n, qns_err *err)
{
    const qns_cap_part part = {r->data, row, 1, 0, n};
    QNS_TRY(qns_capture_read(r->score, r->cap, &part, err));
    *out = qns_argmax(r->score, n);
    return QNS_OK;
}

static qns_status votes(qns_three *g, const reading r[3], size_t n, qns_err *err)
{
    qns_regression *to = g->r;
    const size_t rows = g->was.n_rows;
    const int64_t *label = qns_capture_info(g->was.ref)->label;
    double right = 0;
    to->output.agreement = (qns_flips){0};
    if (label)
        to->output.accuracy = (qns_flips){0};
    for (size_t i = 0; i < rows; i++) {
        const qns_cmp_row *a = &g->was.row[i], *b = &g->now.row[i];
        size_t ref, was, now;
        QNS_TRY(top(&ref, &r[0], a->ref, n, err));
        QNS_TRY(top(&was, &r[1], a->test, n, err));
        QNS_TRY(top(&now, &r[2], b->test, n, err));
        count(&to->output.agreement, was == ref, now == ref);
        if (!label)
            continue;
        const int64_t want = label[a->ref];
        count(&to->output.accuracy, (int64_t)was == want, (int64_t)now == want);
        right += (int64_t)ref == want;
    }
    finish(&to->output.agreement, rows);
    if (label) {
        finish(&to->output.accuracy, rows);
        to->output.ref_top1 = right / (double)rows;
    }
    return QNS_OK;
}

/* The layer of the result that is layer k of the old comparison. */
static uint32_t find_layer(const qns_three *g, uint32_t was)
{
    for (uint32_t i = 0; i < g->r->n_layers; i++)
        if (g->layer[i].was == was)
            return i;
    return QNS_CMP_NONE;
}

qns_status qns_regress_output(qns_three *g, qns_err *err)
{
    static const qns_flips unknown = {NAN, NAN, 0, 0, NAN};
    qns_status st = QNS_OK;
    qns_regression *r = g->r;
    reading of[3] = {{g->was.ref, 0, NULL}, {g->was.test, 0, NULL}, {g->now.test, 0, NULL}};
    const uint32_t k = qns_cmp_output_layer(&g->was);
    r->output.agreement = r->output.accuracy = unknown;
    r->output.ref_top1 = NAN;
    if (k == QNS_CMP_NONE || g->was.n_rows == 0)
        return QNS_OK;
    r->output.layer = find_layer(g, k);
    if (r->output.layer == QNS_CMP_NONE || g->layer[r->output.layer].now == QNS_CMP_NONE)
        return QNS_OK;
    const qns_cmp_layer *was = &g->was.layer.at[k],
                        *now = &g->now.layer.at[g->layer[r->output.layer].now];
    const qns_cap_data *d = qns_capture_at(g->was.ref, was->ref);
    r->output.name = qns_cmp_text(&g->text, "%s", d->name);
    if (!qns_is_class_scores(&d->shape))
        return QNS_OK;
    of[0].data = was->ref;
    of[1].data = was->test;
    of[2].data = now->test;
    for (int i = 0; i < 3; i++)
        QNS_TRY_DONE(qns_new((void **)&of[i].score, d->count, sizeof(float), err));
    st = votes(g, of, d->count, err);
done:
    for (int i = 0; i < 3; i++)
        qns_free(of[i].score);
    return st;
}
