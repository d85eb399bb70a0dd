/* SPDX-License-Identifier: MIT */
/* A regression as a report: what got worse since the old capture, worst first. */
#include "core/base/mem.h"
#include "reports/build.h"
#include "reports/regression_json.h"

#include <math.h>
#include <string.h>

typedef struct maker {
    qns_build b;
    const qns_regression *r;
} maker;

enum { RANK, LAYER, OP, WAS, NOW, CHANGE, INTERVAL, Q, P, WEIGHT, INDEX, VERDICT, N_COLUMNS };

static const qns_column columns[N_COLUMNS] = {
    [RANK] = {"#", "", "Rank, the worst regression first", true, false},
    [LAYER] = {"layer", "", "Name on the float side", false, false},
    [OP] = {"op", "", "Operator", false, true},
    [WAS] = {"old", "dB", "SQNR before, all samples together", true, false},
    [NOW] = {"new", "dB", "SQNR now, all samples together", true, false},
    [CHANGE] = {"change", "dB", "Shift of the samples' SQNR: new minus old, sample by sample", true,
                false},
    [INTERVAL] = {"interval", "95 %", "Where the shift lies", true, false},
    [Q] = {"q", "", "Lowest false discovery rate at which this is a change", true, false},
    [P] = {"p", "", "Of the signed-rank test of this layer alone", true, true},
    [WEIGHT] = {"weight", "dB", "Change of the weight's SQNR", true, true},
    [INDEX] = {"order", "", "Place in the order of execution", true, true},
    [VERDICT] = {"verdict", "", "regressed, unmatched, unchanged, improved or matched", false,
                 false},
};

static int level_of(qns_change c)
{
    static const int level[QNS_CHANGES] = {[QNS_UNCHANGED] = QNS_LEVEL_NONE,
                                           [QNS_IMPROVED] = QNS_V_OK,
                                           [QNS_REGRESSED] = QNS_V_BAD,
                                           [QNS_NEWLY_UNMATCHED] = QNS_V_WATCH,
                                           [QNS_NEWLY_MATCHED] = QNS_V_OK};
    return level[c];
}

/* "+1.25", "-0.30", "-inf"; small changes keep two digits. */
static const char *signed_db(qns_build *b, double v)
{
    if (isnan(v))
        return "-";
    if (isinf(v))
        return v > 0 ? "+inf" : "-inf";
    return qns_build_text(b, fabs(v) >= 99.95 ? "%+.0f" : "%+.2f", v == 0 ? 0.0 : v);
}

static const char *probability(qns_build *b, double v)
{
    if (isnan(v))
        return "-";
    return qns_build_text(b, v >= 0.0095 ? "%.2f" : "%.0e", v);
}

static const char *share(qns_build *b, double v)
{
    return qns_build_text(b, "%s %%", qns_build_percent(b, v));
}

static double weight_change(const qns_changed *l)
{
    if (!l->was_weight.present || !l->now_weight.present)
        return NAN;
    return l->was_weight.sqnr_db == l->now_weight.sqnr_db
               ? 0
               : l->now_weight.sqnr_db - l->was_weight.sqnr_db;
}

/* The tensor that the row is about. */
static const qns_diff *side(const qns_changed *l, bool now)
{
    const qns_diff *d = now ? &l->now : &l->was;
    return d->present || l->was.present || l->now.present ? d
           : now                                          ? &l->now_weight
                                                          : &l->was_weight;
}

static qns_facts test_facts(maker *m, const qns_changed *l)
{
    qns_build *b = &m->b;
    const qns_paired *t = &l->test;
    qns_fact *f = qns_build_get(b, 16, sizeof *f);
    qns_facts out = {"Change", f, 0};
    if (!f)
        return out;
    qns_build_fact(b, f, &out.n, "shift", qns_build_text(b, "%s dB", signed_db(b, l->change_db)));
    if (t->n) {
        qns_build_fact(b, f, &out.n, "95 % interval",
                       qns_build_text(b, "%s to %s dB", signed_db(b, t->lo), signed_db(b, t->hi)));
        qns_build_fact(b, f, &out.n, "p, this layer alone",
                       qns_build_text(b, "%.3g (%s)", t->p, t->exact ? "exact" : "normal"));
        qns_build_fact(b, f, &out.n, "q, among all layers", qns_build_text(b, "%.3g", l->q));
        qns_build_fact(b, f, &out.n, "samples", qns_build_count(b, t->n));
        qns_build_fact(b, f, &out.n, "of them equal", qns_build_count(b, t->n_zero));
    }
    if (l->worst_sample >= 0)
        qns_build_fact(b, f, &out.n, "lost most",
                       qns_build_text(b, "sample %lld: %s dB", (long long)l->worst_sample,
                                      signed_db(b, l->worst_db)));
    qns_build_fact(b, f, &out.n, "weight",
                   qns_build_text(b, "%s dB", signed_db(b, weight_change(l))));
    qns_build_fact(b, f, &out.n, "ran as",
                   qns_build_text(b, "%s, now %s", l->was_kept[0] ? l->was_kept : "-",
                                  l->now_kept[0] ? l->now_kept : "-"));
    return out;
}

static qns_facts place_facts(maker *m, const qns_changed *l)
{
    qns_build *b = &m->b;
    qns_fact *f = qns_build_get(b, 8, sizeof *f);
    qns_facts out = {"Layer", f, 0};
    if (!f)
        return out;
    qns_build_fact(b, f, &out.n, "name", qns_build_text(b, "%s", l->name));
    qns_build_fact(b, f, &out.n, "stands for", qns_build_joined(b, l->origin, l->n_origin));
    qns_build_fact(b, f, &out.n, "operator", qns_build_text(b, "%s", l->op));
    qns_build_fact(b, f, &out.n, "order", qns_build_text(b, "%d", l->index));
    qns_build_fact(b, f, &out.n, "MACs", l->macs ? qns_build_count(b, l->macs) : "-");
    return out;
}

static void build_row(maker *m, qns_row *row, const qns_changed *l, uint32_t rank)
{
    qns_build *b = &m->b;
    qns_cell *c = qns_build_get(b, N_COLUMNS, sizeof *c);
    qns_facts *facts = qns_build_get(b, 6, sizeof *facts);
    const struct {
        const char *title;
        const qns_diff *d;
    } part[] = {{"Output, old", &l->was},
                {"Output, new", &l->now},
                {"Weight, old", &l->was_weight},
                {"Weight, new", &l->now_weight}};
    if (!c || !facts)
        return;
    const qns_diff *was = side(l, false), *now = side(l, true);
    c[RANK] = qns_build_cell(qns_build_text(b, "%u", rank + 1), rank + 1);
    c[LAYER] = qns_build_cell(qns_build_text(b, "%s", l->name), NAN);
    c[OP] = qns_build_cell(qns_build_text(b, "%s", l->op), NAN);
    c[WAS] = qns_build_cell(qns_build_db(b, was, was->sqnr_db), was->sqnr_db);
    c[NOW] = qns_build_cell(qns_build_db(b, now, now->sqnr_db), now->sqnr_db);
    c[CHANGE] = qns_build_cell(signed_db(b, l->change_db), l->change_db);
    c[CHANGE].level = level_of(l->change);
    c[INTERVAL] = qns_build_cell(
        l->test.n ? qns_build_text(b, "%s..%s", signed_db(b, l->test.lo), signed_db(b, l->test.hi))
                  : "-",
        l->test.lo);
    c[Q] = qns_build_cell(probability(b, l->q), l->q);
    c[P] = qns_build_cell(probability(b, l->test.p), l->test.p);
    c[WEIGHT] = qns_build_cell(signed_db(b, weight_change(l)), weight_change(l));
    c[INDEX] = qns_build_cell(qns_build_text(b, "%d", l->index), l->index);
    c[VERDICT] = qns_build_cell(qns_change_text(l->change), NAN);
    c[VERDICT].level = level_of(l->change);
    row->cell = c;
    row->level = level_of(l->change);
    row->next = qns_build_text(b, "%s", l->advice);
    row->facts = facts;
    facts[row->n_facts++] = test_facts(m, l);
    for (size_t i = 0; i < QNS_ARRAY_LEN(part); i++)
        if (part[i].d->present)
            facts[row->n_facts++] = qns_build_diff_facts(b, part[i].title, part[i].d);
    facts[row->n_facts++] = place_facts(m, l);
}

static void build_table(maker *m)
{
    static const char *const groups[] = {"regressed", "unmatched", "unchanged", "improved",
                                         "matched"};
    qns_report *to = m->b.report;
    qns_row *row = qns_build_get(&m->b, m->r->n_layers, sizeof *row);
    to->heading = "layers, worst regression first";
    to->intro = "The change is the shift of the samples' SQNR, each against the same float values.";
    to->groups = groups;
    to->n_groups = QNS_ARRAY_LEN(groups);
    if (!row)
        return;
    for (uint32_t i = 0; i < m->r->n_layers; i++)
        build_row(m, &row[i], &m->r->layer[m->r->ranking[i]], i);
    to->layers = (qns_table){columns, N_COLUMNS, row, m->r->n_layers, LAYER};
}

/* ---- summary ---- */

static const qns_changed *output_of(const qns_regression *r)
{
    return r->output.layer < r->n_layers ? &r->layer[r->output.layer] : NULL;
}

static const char *counts(maker *m)
{
    const uint32_t *n = m->r->n;
    qns_build *b = &m->b;
    const char *s = qns_build_text(b, "%u regressed, %u improved, %u unchanged", n[QNS_REGRESSED],
                                   n[QNS_IMPROVED], n[QNS_UNCHANGED]);
    if (n[QNS_NEWLY_UNMATCHED])
        s = qns_build_text(b, "%s, %u newly unmatched", s, n[QNS_NEWLY_UNMATCHED]);
    if (n[QNS_NEWLY_MATCHED])
        s = qns_build_text(b, "%s, %u newly matched", s, n[QNS_NEWLY_MATCHED]);
    return s;
}

static const char *flips(maker *m, const qns_flips *f)
{
    qns_build *b = &m->b;
    return qns_build_text(b, "%s, was %s (%llu lost, %llu gained, p = %s)", share(b, f->now),
                          share(b, f->was), (unsigned long long)f->lost,
                          (unsigned long long)f->gained, probability(b, f->p));
}

static const char *output_text(maker *m)
{
    qns_build *b = &m->b;
    const qns_changed *l = output_of(m->r);
    if (!l || !l->now.present || !l->was.present)
        return "not captured on all sides";
    return qns_build_text(b, "SQNR %s dB, was %s: %s dB, %s",
                          qns_build_db(b, &l->now, l->now.sqnr_db),
                          qns_build_db(b, &l->was, l->was.sqnr_db), signed_db(b, l->change_db),
                          qns_change_text(l->change));
}

static const char *rule(maker *m)
{
    const qns_regression *r = m->r;
    return qns_build_text(&m->b, "q at most %g (%s), and %g dB or more", r->fdr,
                          r->method == QNS_FDR_BY ? "Benjamini-Yekutieli" : "Benjamini-Hochberg",
                          r->min_change_db);
}

static void build_head(maker *m)
{
    qns_build *b = &m->b;
    const qns_regression *r = m->r;
    const qns_changed *w = r->n_layers ? &r->layer[r->ranking[0]] : NULL;
    b->report->title = qns_build_text(b, "%s", r->now.model[0] ? r->now.model : r->now.file);
    b->report->subtitle = qns_build_text(
        b, "%s against %s, both as errors against %s (float), %s samples", r->now.file, r->was.file,
        r->ref.file, qns_build_count(b, (uint64_t)r->samples));
    b->report->level = r->n[QNS_REGRESSED]         ? QNS_V_BAD
                       : r->n[QNS_NEWLY_UNMATCHED] ? QNS_V_WATCH
                       : r->n_layers               ? QNS_V_OK
                                                   : QNS_LEVEL_NONE;
    b->report->verdict = qns_build_text(b, "%s", counts(m));
    if (w && w->change == QNS_REGRESSED)
        b->report->verdict = qns_build_text(b, "%s; worst: %s, %s dB", b->report->verdict, w->name,
                                            signed_db(b, w->change_db));
}

static void build_lines(maker *m)
{
    qns_build *b = &m->b;
    const qns_regression *r = m->r;
    qns_fact *f = qns_build_get(b, 6, sizeof *f);
    uint32_t n = 0;
    if (!f)
        return;
    f[n++] = (qns_fact){"compared", b->report->subtitle};
    f[n++] = (qns_fact){"a change is", rule(m)};
    f[n++] = (qns_fact){"output", output_text(m)};
    if (!isnan(r->output.agreement.p))
        f[n++] = (qns_fact){"agreement", flips(m, &r->output.agreement)};
    if (!isnan(r->output.accuracy.p))
        f[n++] =
            (qns_fact){"top-1", qns_build_text(b, "%s; float %s", flips(m, &r->output.accuracy),
                                               share(b, r->output.ref_top1))};
    b->report->line = f;
    b->report->n_lines = n;
}

static void build_answers(maker *m)
{
    qns_build *b = &m->b;
    const qns_regression *r = m->r;
    const qns_changed *w = r->n_layers ? &r->layer[r->ranking[0]] : NULL;
    const bool bad = w && w->change == QNS_REGRESSED;
    qns_fact *a = qns_build_get(b, 4, sizeof *a);
    if (!a)
        return;
    a[0] = (qns_fact){"Where", bad ? qns_build_text(b, "%s (%s). %s.", w->name, w->op, counts(m))
                                   : qns_build_text(b, "No layer regressed. %s.", counts(m))};
    a[1] = (qns_fact){
        "How much", bad ? qns_build_text(b, "%s dB there, 95 %% interval %s to %s dB. Output: %s.",
                                         signed_db(b, w->change_db), signed_db(b, w->test.lo),
                                         signed_db(b, w->test.hi), output_text(m))
                        : qns_build_text(b, "Output: %s.", output_text(m))};
    a[2] = (qns_fact){"Why", bad ? qns_build_text(b, "%s", w->advice) : "-"};
    a[3] = (qns_fact){"What to do", bad ? "Mend the first layer of the table, or, if the change is "
                                          "meant, make the new capture the old one."
                                        : "Nothing: keep the new model."};
    b->report->answer = a;
    b->report->n_answers = 4;
}

static void add_card(maker *m, qns_card *c, const char *label, const char *value, const char *note,
                     int level)
{
    c[m->b.report->n_cards++] = (qns_card){label, value, note, level};
}

static void build_cards(maker *m)
{
    qns_build *b = &m->b;
    const qns_regression *r = m->r;
    const qns_changed *o = output_of(r);
    qns_card *c = qns_build_get(b, 8, sizeof *c);
    if (!c)
        return;
    b->report->card = c;
    add_card(m, c, "Regressed", qns_build_text(b, "%u", r->n[QNS_REGRESSED]),
             qns_build_text(b, "of %u layers", r->n_layers),
             r->n[QNS_REGRESSED] ? QNS_V_BAD : QNS_V_OK);
    add_card(m, c, "Improved", qns_build_text(b, "%u", r->n[QNS_IMPROVED]), rule(m),
             QNS_LEVEL_NONE);
    if (o)
        add_card(m, c, "Output SQNR",
                 qns_build_text(b, "%s dB", qns_build_db(b, &o->now, o->now.sqnr_db)),
                 output_text(m), level_of(o->change));
    if (!isnan(r->output.agreement.p))
        add_card(m, c, "Top-1 agreement", share(b, r->output.agreement.now),
                 flips(m, &r->output.agreement),
                 r->output.agreement.p <= r->fdr &&
                         r->output.agreement.now < r->output.agreement.was
                     ? QNS_V_BAD
                     : QNS_LEVEL_NONE);
    if (!isnan(r->output.accuracy.p))
        add_card(m, c, "Top-1 accuracy", share(b, r->output.accuracy.now),
                 flips(m, &r->output.accuracy), QNS_LEVEL_NONE);
    add_card(m, c, "Newly unmatched", qns_build_text(b, "%u", r->n[QNS_NEWLY_UNMATCHED]),
             "compared before, not now", r->n[QNS_NEWLY_UNMATCHED] ? QNS_V_WATCH : QNS_LEVEL_NONE);
    add_card(m, c, "Samples", qns_build_count(b, (uint64_t)r->samples),
             isnan(r->resolution_db)
                 ? "that all three have"
                 : qns_build_text(b, "median interval \xC2\xB1%.2f dB", r->resolution_db),
             QNS_LEVEL_NONE);
}

/* ---- below the table ---- */

static void build_coverage(maker *m)
{
    qns_build *b = &m->b;
    const qns_regress_coverage *was = &m->r->was_coverage, *now = &m->r->now_coverage;
    qns_fact *f = qns_build_get(b, 4, sizeof *f);
    if (!f)
        return;
    f[0] = (qns_fact){"operators on the float side", qns_build_count(b, now->ops)};
    f[1] = (qns_fact){"compared", qns_build_text(b, "%s, was %s", qns_build_count(b, now->matched),
                                                 qns_build_count(b, was->matched))};
    f[2] = (qns_fact){"folded into another",
                      qns_build_text(b, "%s, was %s", qns_build_count(b, now->folded),
                                     qns_build_count(b, was->folded))};
    f[3] = (qns_fact){"share of the MACs compared",
                      isnan(now->macs_matched) || isnan(was->macs_matched)
                          ? "unknown"
                          : qns_build_text(b, "%s, was %s", share(b, now->macs_matched),
                                           share(b, was->macs_matched))};
    b->report->coverage = f;
    b->report->n_coverage = 4;
}

static void build_identity(maker *m)
{
    static const qns_column identity[] = {{"", "", "", false, false},
                                          {"float", "", "The reference", false, false},
                                          {"old", "", "As it was", false, false},
                                          {"new", "", "As it is", false, false}};
    static const char *const label[] = {"file",  "model",   "backend", "engine", "build",
                                        "graph", "weights", "inputs",  "qparams"};
    qns_build *b = &m->b;
    const qns_side *s[] = {&m->r->ref, &m->r->was, &m->r->now};
    qns_row *row = qns_build_get(b, QNS_ARRAY_LEN(label), sizeof *row);
    for (size_t i = 0; row && i < QNS_ARRAY_LEN(label); i++) {
        qns_cell *c = qns_build_get(b, 4, sizeof *c);
        if (!c)
            return;
        c[0] = qns_build_cell(label[i], NAN);
        for (int k = 0; k < 3; k++) {
            const char *const v[] = {s[k]->file,       s[k]->model,     s[k]->backend,
                                     s[k]->engine,     s[k]->build,     s[k]->graph_id,
                                     s[k]->weights_id, s[k]->inputs_id, s[k]->qparams_id};
            c[k + 1] = qns_build_cell(v[i][0] ? qns_build_text(b, "%s", v[i]) : "-", NAN);
        }
        row[i] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->identity = (qns_table){identity, 4, row, row ? QNS_ARRAY_LEN(label) : 0, 1};
}

static const qns_fact guide[] = {
    {"Change", "Every sample gives one difference: its SQNR now minus its SQNR before, in dB. The "
               "change is the Hodges-Lehmann estimate of their shift; one wild sample moves it "
               "little."},
    {"Interval", "Where the shift lies with 95 % confidence, for this layer alone."},
    {"q", "The lowest false discovery rate at which this layer counts as changed. Of all layers "
          "that are called changed at q = 0.05, at most 5 % are so by chance, on average."},
    {"Old and new", "SQNR of all samples together; loud samples weigh more there than in the "
                    "change."},
    {"Unmatched", "Compared before, and without a partner now: whether it regressed is unknown."},
};

static const char *layer_name(const void *r, uint32_t i)
{
    return ((const qns_regression *)r)->layer[i].name;
}

static qns_status plot_changes(maker *m, qns_err *err)
{
    qns_build *b = &m->b;
    const qns_regression *r = m->r;
    qns_tval *v = qns_tval_create(b->arena);
    double lo = -2 * r->min_change_db, hi = 2 * r->min_change_db;
    bool any[2] = {false, false};
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_changed *l = &r->layer[i];
        const bool bar = isfinite(l->test.lo) && isfinite(l->test.hi);
        qns_tval *row = qns_tval_add(v, "layers");
        qns_tval_setf(row, "i", "%u", i);
        qns_build_set_number(row, "change", l->change_db);
        qns_build_set_number(row, "low", bar ? l->test.lo : l->change_db);
        qns_build_set_number(row, "high", bar ? l->test.hi : l->change_db);
        if (!isfinite(l->change_db))
            continue;
        lo = fmin(lo, bar ? l->test.lo : l->change_db);
        hi = fmax(hi, bar ? l->test.hi : l->change_db);
        const bool worse = l->change == QNS_REGRESSED;
        if (!worse && l->change != QNS_IMPROVED)
            continue;
        if (!any[worse])
            qns_tval_add(v, worse ? "has_regressed" : "has_improved");
        any[worse] = true;
        qns_tval *mark = qns_tval_add(v, worse ? "regressed" : "improved");
        qns_tval_setf(mark, "i", "%u", i);
        qns_build_set_number(mark, "change", l->change_db);
    }
    if (!(hi > lo))
        return QNS_OK;
    if (r->min_change_db > 0)
        qns_build_set_number(qns_tval_add(v, "rule"), "db", r->min_change_db);
    qns_build_ticks(b, v, layer_name, r, r->n_layers);
    qns_build_set_number(v, "width", qns_build_chart_width(r->n_layers));
    qns_build_set_number(v, "end", r->n_layers - 0.2);
    qns_build_set_number(v, "lo", lo - 0.05 * (hi - lo));
    qns_build_set_number(v, "hi", hi + 0.05 * (hi - lo));
    return qns_build_plot(b, "change.gp", v,
                          (qns_plot){"change", "Change of each layer, in order of execution",
                                     "Below the line is worse. A step down of the line is where "
                                     "the regression begins; layers behind it inherit it.",
                                     NULL, NULL, false},
                          err);
}

qns_status qns_regression_report(qns_report **out, const qns_regression *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    QNS_TRY_DONE(qns_new((void **)&report, 1, sizeof *report, err));
    QNS_TRY_DONE(qns_arena_create(&report->arena, err));
    report->kind = &qns_kind_regression;
    report->of = r;
    report->qns = r->qns;
    report->guide = guide;
    report->n_guide = QNS_ARRAY_LEN(guide);
    maker m = {{report, report->arena, NULL, false}, r};
    build_head(&m);
    build_lines(&m);
    build_answers(&m);
    build_cards(&m);
    qns_build_findings(&m.b, r->finding, r->n_findings);
    build_table(&m);
    build_coverage(&m);
    build_identity(&m);
    if (!m.b.failed && r->n_layers)
        QNS_TRY_DONE(plot_changes(&m, err));
    if (m.b.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot build a report of %u layers", r->n_layers);
    *out = report;
    report = NULL;
done:
    qns_report_free(report);
    return st;
}
