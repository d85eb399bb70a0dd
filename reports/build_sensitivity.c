/* SPDX-License-Identifier: MIT */
/* The report of a sensitivity scan. */
#include "core/base/mem.h"
#include "reports/build.h"
#include "reports/kind.h"
#include "reports/sensitivity_json.h"

#include <math.h>
#include <string.h>

typedef struct building {
    qns_build b;
    const qns_sensitivity *s;
} building;

/* ---- the table ---- */

enum {
    RANK,
    LAYER,
    OP,
    MACS,
    IN_DB,
    IN_AGREE,
    IN_TOP1,
    OUT_DB,
    OUT_AGREE,
    OUT_TOP1,
    ORDER,
    VERDICT,
    N_COLUMNS
};

static const qns_column columns[N_COLUMNS] = {
    [RANK] = {"#", "", "Rank, the worst layer first", true, false},
    [LAYER] = {"layer", "", "Name, as in a skip list", false, false},
    [OP] = {"op", "", "Operator", false, false},
    [MACS] = {"MACs", "%", "Share of the network's multiply-adds", true, true},
    [IN_DB] = {"only int8", "dB", "SQNR of the network's output when only this layer is in int8",
               true, false},
    [IN_AGREE] = {"agree", "%",
                  "Samples with the float model's answer when only this layer is in "
                  "int8",
                  true, false},
    [IN_TOP1] = {"top-1", "%", "Right answers when only this layer is in int8", true, true},
    [OUT_DB] = {"if float", "+dB",
                "What the int8 network's output gains when this layer is in "
                "float",
                true, false},
    [OUT_AGREE] = {"agree", "+%",
                   "What the agreement of the int8 network gains when this layer is "
                   "in float",
                   true, false},
    [OUT_TOP1] = {"top-1", "+%", "What the int8 network's top-1 gains when this layer is in float",
                  true, true},
    [ORDER] = {"order", "", "Place in the order of execution", true, true},
    [VERDICT] = {"verdict", "", "ok, watch or bad", false, false},
};

static bool is_shown(const qns_sensitivity *s, int column)
{
    if (column == IN_AGREE || column == OUT_AGREE)
        return s->classifier;
    if (column == IN_TOP1 || column == OUT_TOP1)
        return s->labels;
    return column != MACS || s->cost.macs > 0;
}

static qns_cell cell(const char *text, double sort)
{
    return (qns_cell){text, sort, NAN, QNS_LEVEL_NONE};
}

static const char *decibels(qns_build *b, double db)
{
    return isnan(db)   ? "-"
           : isinf(db) ? (db > 0 ? "exact" : "-inf")
                       : qns_build_text(b, "%.1f", db);
}

static const char *with_unit(qns_build *b, double db)
{
    return isfinite(db) ? qns_build_text(b, "%.1f dB", db) : decibels(b, db);
}

/* "+1.8"; "0.0" for what rounds to it. */
static const char *gain(qns_build *b, double v)
{
    if (!isfinite(v))
        return decibels(b, v);
    return fabs(v) < 0.05 ? "0.0" : qns_build_text(b, "%+.1f", v);
}

static int db_level(double db)
{
    return isnan(db)                ? QNS_LEVEL_NONE
           : db < QNS_SQNR_BAD_DB   ? QNS_V_BAD
           : db < QNS_SQNR_WATCH_DB ? QNS_V_WATCH
                                    : QNS_V_OK;
}

static qns_cell db_cell(qns_build *b, double db)
{
    qns_cell c = cell(decibels(b, db), db);
    c.level = db_level(db);
    c.share = isnan(db) ? NAN : fmin(1, fmax(0, db / 60));
    return c;
}

static void add(qns_build *b, qns_fact *f, uint32_t *n, const char *label, const char *value)
{
    if (value[0] && !(value[0] == '-' && !value[1]))
        f[(*n)++] = (qns_fact){label, value};
}

static const char *percent(qns_build *b, double share)
{
    return isnan(share) ? "-" : qns_build_text(b, "%s %%", qns_build_percent(b, share));
}

static qns_facts effect_facts(building *x, const char *title, const qns_effect *e)
{
    qns_build *b = &x->b;
    qns_fact *f = qns_build_get(b, 12, sizeof *f);
    qns_facts out = {title, f, 0};
    if (!f)
        return out;
    add(b, f, &out.n, "output SQNR", with_unit(b, e->output_sqnr_db));
    add(b, f, &out.n, "top-1 agreement", percent(b, e->top1_agreement));
    add(b, f, &out.n, "top-1", percent(b, e->top1));
    if (!isnan(e->top1))
        add(b, f, &out.n, "95 % interval",
            qns_build_text(b, "%.2f to %.2f %%", 100 * e->top1_lo, 100 * e->top1_hi));
    if (e->nonfinite)
        add(b, f, &out.n, "NaN or infinite",
            qns_build_text(b, "%s output values", qns_build_count(b, (uint64_t)e->nonfinite)));
    return out;
}

static qns_facts place_facts(building *x, const qns_sens_unit *u)
{
    qns_build *b = &x->b;
    qns_fact *f = qns_build_get(b, 12, sizeof *f);
    qns_facts out = {"Layer", f, 0};
    if (!f)
        return out;
    add(b, f, &out.n, "name", qns_build_joined(b, u->names, u->n_names));
    add(b, f, &out.n, "operator", qns_build_text(b, "%s", u->op));
    add(b, f, &out.n, "order", qns_build_text(b, "%u", u->index));
    add(b, f, &out.n, "MACs", u->macs > 0 ? qns_build_count(b, (uint64_t)u->macs) : "-");
    if (u->alone)
        add(b, f, &out.n, "alone",
            "stays in float: it only joins codes that other layers make, so that nothing is in "
            "int8 when all others are in float");
    return out;
}

static void build_row(building *x, qns_row *row, const qns_sens_unit *u, uint32_t rank)
{
    qns_build *b = &x->b;
    qns_cell all[N_COLUMNS], *c = qns_build_get(b, N_COLUMNS, sizeof *c);
    qns_facts *facts = qns_build_get(b, 3, sizeof *facts);
    uint32_t n = 0;
    if (!c || !facts)
        return;
    all[RANK] = cell(qns_build_text(b, "%u", rank + 1), rank + 1);
    all[LAYER] = cell(qns_build_text(b, "%s", u->name), NAN);
    all[OP] = cell(qns_build_text(b, "%s", u->op), NAN);
    all[MACS] = cell(qns_build_percent(b, u->macs / x->s->cost.macs), u->macs);
    all[IN_DB] = db_cell(b, u->in.output_sqnr_db);
    all[IN_AGREE] = cell(qns_build_percent(b, u->in.top1_agreement), u->in.top1_agreement);
    all[IN_TOP1] = cell(qns_build_percent(b, u->in.top1), u->in.top1);
    all[OUT_DB] = cell(gain(b, u->gain_db), u->gain_db);
    all[OUT_AGREE] = cell(gain(b, 100 * u->gain_agreement), u->gain_agreement);
    all[OUT_TOP1] = cell(gain(b, 100 * u->gain_top1), u->gain_top1);
    all[ORDER] = cell(qns_build_text(b, "%u", u->index), u->index);
    all[VERDICT] = cell(qns_verdict_text(u->verdict), -(double)u->verdict);
    all[VERDICT].level = (int)u->verdict;
    for (int k = 0; k < N_COLUMNS; k++)
        if (is_shown(x->s, k))
            c[n++] = all[k];
    facts[0] = effect_facts(x, "Only this layer in int8", &u->in);
    facts[1] = effect_facts(x, "Only this layer in float", &u->out);
    facts[2] = place_facts(x, u);
    *row = (qns_row){c, (int)u->verdict, qns_build_text(b, "%s", u->advice), facts, 3};
}

static void build_layers(building *x)
{
    static const char *const groups[] = {"bad", "watch", "ok"};
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    qns_report *r = b->report;
    qns_row *row = qns_build_get(b, s->n_units, sizeof *row);
    qns_column *shown = qns_build_get(b, N_COLUMNS, sizeof *shown);
    uint32_t n = 0;
    if (!row || !shown)
        return;
    for (int k = 0; k < N_COLUMNS; k++)
        if (is_shown(s, k))
            shown[n++] = columns[k];
    for (uint32_t i = 0; i < s->n_units; i++)
        build_row(x, &row[i], &s->unit[s->ranking[i]], i);
    r->layers = (qns_table){shown, n, row, s->n_units, LAYER};
    r->heading = strcmp(s->order, "execution") == 0
                     ? "layers, in order of execution"
                     : qns_build_text(b, "layers, worst first by %s", s->order);
    r->intro =
        "\"Only int8\": all other layers are in float. \"If float\": all other layers are in "
        "int8, and this is what their network gains.";
    r->groups = groups;
    r->n_groups = QNS_ARRAY_LEN(groups);
}

/* ---- head ---- */

static void count(const qns_sensitivity *s, uint32_t *bad, uint32_t *watch)
{
    *bad = *watch = 0;
    for (uint32_t i = 0; i < s->n_units; i++) {
        *bad += s->unit[i].verdict == QNS_V_BAD;
        *watch += s->unit[i].verdict == QNS_V_WATCH;
    }
}

static const qns_sens_unit *worst(const qns_sensitivity *s)
{
    return s->n_units ? &s->unit[s->ranking[0]] : NULL;
}

/* "12.3 dB, agreement 91.0 %, top-1 80.3 %" */
static const char *effect_text(qns_build *b, const qns_effect *e)
{
    const char *s = with_unit(b, e->output_sqnr_db);
    if (!isnan(e->top1_agreement))
        s = qns_build_text(b, "%s, agreement %s", s, percent(b, e->top1_agreement));
    if (!isnan(e->top1))
        s = qns_build_text(b, "%s, top-1 %s", s, percent(b, e->top1));
    return s;
}

static void build_head(building *x)
{
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    const qns_sens_unit *w = worst(s);
    uint32_t bad, watch;
    count(s, &bad, &watch);
    b->report->title = qns_build_text(b, "%s", s->model[0] ? s->model : "sensitivity");
    b->report->subtitle = qns_build_text(
        b, "%u of %u int8 layers of %s, each alone in int8 and alone in float, %s samples (%s)",
        s->n_units, s->n_all, s->model, qns_build_count(b, (uint64_t)s->samples), s->backend);
    b->report->level = !w ? QNS_LEVEL_NONE : bad ? QNS_V_BAD : watch ? QNS_V_WATCH : QNS_V_OK;
    b->report->verdict =
        !w ? "nothing to quantize: all layers stay in float"
           : qns_build_text(b, "worst layer: %s, %s alone in int8 (%s); all in int8: %s", w->name,
                            with_unit(b, w->in.output_sqnr_db), qns_verdict_text(w->verdict),
                            effect_text(b, &s->int8));
}

static const qns_sens_unit *most_gain(const qns_sensitivity *s)
{
    const qns_sens_unit *best = NULL;
    for (uint32_t i = 0; i < s->n_units; i++)
        if (!isnan(s->unit[i].gain_db) && (!best || s->unit[i].gain_db > best->gain_db))
            best = &s->unit[i];
    return best;
}

static void build_answers(building *x)
{
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    const qns_sens_unit *w = worst(s), *g = most_gain(s);
    qns_fact *a = qns_build_get(b, 4, sizeof *a);
    uint32_t bad, watch;
    if (!a)
        return;
    count(s, &bad, &watch);
    a[0] = (qns_fact){"Where", !w ? "Nowhere: no layer is in int8."
                                  : qns_build_text(b,
                                                   "%s (%s). Of %u layers %u %s bad alone, %u "
                                                   "to watch.",
                                                   w->name, w->op, s->n_units, bad,
                                                   bad == 1 ? "is" : "are", watch)};
    a[1] = (qns_fact){"How much",
                      !w ? "-"
                         : qns_build_text(b, "Alone in int8: %s. All in int8: %s.",
                                          effect_text(b, &w->in), effect_text(b, &s->int8))};
    a[2] = (qns_fact){"Why", !g || !(g->gain_db > 0)
                                 ? "No single layer makes the error: none gains when it alone is "
                                   "in float."
                                 : qns_build_text(b,
                                                  "The largest gain is that of %s: %s when it "
                                                  "alone is in float.",
                                                  g->name, with_unit(b, g->gain_db))};
    a[3] = (qns_fact){"What to do",
                      bad + watch ? "Keep the worst layers in float: qns skiplist RESULT.json "
                                    "--worst 3 --to qns, or let qns search find the fewest."
                                  : "Nothing by single layers: each is fine alone."};
    b->report->answer = a;
    b->report->n_answers = 4;
}

static void add_card(building *x, qns_card *c, const char *label, const char *value,
                     const char *note, int level)
{
    c[x->b.report->n_cards++] = (qns_card){label, value, note, level};
}

static int agreement_level(double share)
{
    return isnan(share)                  ? QNS_LEVEL_NONE
           : share < QNS_AGREEMENT_BAD   ? QNS_V_BAD
           : share < QNS_AGREEMENT_WATCH ? QNS_V_WATCH
                                         : QNS_V_OK;
}

static void build_cards(building *x)
{
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    qns_card *c = qns_build_get(b, 8, sizeof *c);
    if (!c)
        return;
    b->report->card = c;
    add_card(x, c, "Output SQNR, all int8", with_unit(b, s->int8.output_sqnr_db),
             "against the float model", db_level(s->int8.output_sqnr_db));
    if (s->classifier)
        add_card(x, c, "Top-1 agreement, all int8", percent(b, s->int8.top1_agreement),
                 s->labels ? qns_build_text(b, "top-1 float %s, int8 %s", percent(b, s->ref.top1),
                                            percent(b, s->int8.top1))
                           : "samples with the same answer",
                 agreement_level(s->int8.top1_agreement));
    add_card(x, c, "Layers", qns_build_text(b, "%u of %u", s->n_units, s->n_all),
             "of those in int8 were tried", QNS_LEVEL_NONE);
    if (s->n_units && isfinite(s->cost.in_runs + s->cost.out_runs))
        add_card(x, c, "Cost",
                 qns_build_text(b, "%.1f + %.1f runs", s->cost.in_runs, s->cost.out_runs),
                 qns_build_text(b, "of the network, by MACs: %.2f and %.2f per layer",
                                s->cost.in_runs / s->n_units, s->cost.out_runs / s->n_units),
                 QNS_LEVEL_NONE);
    add_card(x, c, "Samples", qns_build_count(b, (uint64_t)s->samples),
             qns_build_text(b, "calibrated on %s", qns_build_count(b, (uint64_t)s->calib_samples)),
             QNS_LEVEL_NONE);
}

/* ---- chart, origin ---- */

static const char *unit_name(const void *of, uint32_t i)
{
    return ((const qns_sensitivity *)of)->unit[i].name;
}

static qns_status build_chart(building *x, qns_err *err)
{
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    qns_tval *v = qns_tval_create(b->arena);
    double lowest = INFINITY;
    for (uint32_t i = 0; i < s->n_units; i++) {
        const double noise = 100 * pow(10, -s->unit[i].in.output_sqnr_db / 20);
        qns_tval *row = qns_tval_add(v, "layers");
        qns_tval_setf(row, "i", "%u", i);
        qns_build_set_number(row, "noise", noise > 0 ? noise : NAN);
        qns_build_set_number(row, "gain", s->unit[i].gain_db);
        if (noise > 0 && isfinite(noise))
            lowest = fmin(lowest, noise);
    }
    if (!isfinite(lowest)) /* a log axis needs something to show */
        return QNS_OK;
    qns_build_ticks(b, v, unit_name, s, s->n_units);
    qns_tval_setf(v, "height", "%d", 700);
    qns_build_set_number(v, "width", qns_build_chart_width(s->n_units));
    qns_build_set_number(v, "end", s->n_units - 0.2);
    qns_build_set_number(v, "floor", pow(10, floor(log10(lowest / 1.5))));
    return qns_build_plot(b, "sensitivity.gp", v,
                          (qns_plot){.name = "sensitivity",
                                     .title = "What every layer alone does to the output",
                                     .caption = "Above, higher is worse: error that this layer "
                                                "makes by itself. Below, higher is better to skip: "
                                                "what leaving only this layer in float brings."},
                          err);
}

static void build_origin(building *x)
{
    static const qns_column id_columns[] = {{"", "", "", false, false},
                                            {"value", "", "", false, false}};
    static const qns_fact guide[] = {
        {"Only int8", "Leave-one-in: this layer is in int8, all others are in float. What remains "
                      "is the error that this layer alone brings to the output."},
        {"If float", "Leave-one-out: all layers are in int8 but this one. The figure is the gain "
                     "against all in int8. It is small where other layers are worse."},
        {"SQNR", "Signal-to-quantization-noise ratio of the network's outputs, pooled over samples "
                 "and outputs, against the float model. Below 20 dB watch, below 10 dB bad."},
        {"Agreement", "Share of samples with the float model's answer. Below 95 % watch, below "
                      "90 % bad."},
        {"Runs", "Work of the scans in multiply-adds, over those of one run of the network. What "
                 "is the same in several networks is computed once."},
    };
    qns_build *b = &x->b;
    const qns_sensitivity *s = x->s;
    const qns_fact line[] = {{"model", s->model},
                             {"backend", s->backend},
                             {"float engine", s->engine},
                             {"settings", s->preset},
                             {"calibration data", s->calib},
                             {"evaluation data", s->eval},
                             {"graph", s->graph_id},
                             {"weights", s->weights_id},
                             {"settings id", s->qconfig_id},
                             {"calibration id", s->calib_id},
                             {"evaluation id", s->eval_id}};
    qns_row *row = qns_build_get(b, QNS_ARRAY_LEN(line), sizeof *row);
    qns_fact *f = qns_build_get(b, 3, sizeof *f);
    uint32_t n = 0;
    for (size_t i = 0; row && f && i < QNS_ARRAY_LEN(line); i++) {
        qns_cell *c = qns_build_get(b, 2, sizeof *c);
        if (!c || !line[i].value[0])
            continue;
        c[0] = cell(line[i].label, NAN);
        c[1] = cell(qns_build_text(b, "%s", line[i].value), NAN);
        row[n++] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->identity = (qns_table){id_columns, 2, row, n, 1};
    b->report->guide = guide;
    b->report->n_guide = QNS_ARRAY_LEN(guide);
    if (!f)
        return;
    f[0] = (qns_fact){"layers in int8", qns_build_count(b, s->n_all)};
    f[1] = (qns_fact){"tried", qns_build_count(b, s->n_units)};
    b->report->coverage = f;
    b->report->n_coverage = 2;
}

qns_status qns_sensitivity_build(qns_report **out, const qns_sensitivity *s, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    QNS_TRY_DONE(qns_new((void **)&report, 1, sizeof *report, err));
    QNS_TRY_DONE(qns_arena_create(&report->arena, err));
    report->kind = &qns_kind_sensitivity;
    report->of = s;
    report->qns = s->qns;
    building x = {{report, report->arena, NULL, false}, s};
    build_head(&x);
    build_answers(&x);
    build_cards(&x);
    build_layers(&x);
    build_origin(&x);
    if (!x.b.failed)
        QNS_TRY_DONE(build_chart(&x, err));
    if (x.b.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot build a report of %u layers", s->n_units);
    *out = report;
    report = NULL;
done:
    qns_report_free(report);
    return st;
}
