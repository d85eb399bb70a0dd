/* SPDX-License-Identifier: MIT */
/* The tables and the chart of a search: layers, front, what it was made with. */
#include "reports/build_search.h"

#include "reports/template.h"

#include <math.h>

const char *qns_build_value(qns_build *b, const qns_search_result *r, double value)
{
    char text[32];
    return qns_build_text(b, "%s", qns_target_value_text(text, r->target.metric, value));
}

double qns_search_share(const qns_search_result *r, const double cost[QNS_COSTS], qns_cost c)
{
    return r->total[c] > 0 ? cost[c] / r->total[c] : NAN;
}

const char *qns_search_names(qns_build *b, const qns_search_result *r, const qns_search_trial *t,
                             uint32_t most)
{
    const char *s = "";
    for (uint32_t i = 0; i < t->n_units && i < most; i++)
        s = qns_build_text(b, "%s%s%s", s, i ? ", " : "", r->unit[t->unit[i]].name);
    if (t->n_units > most)
        s = qns_build_text(b, "%s and %u more", s, t->n_units - most);
    return t->n_units ? s : "none";
}

/* ---- tables ---- */

enum { U_NAME, U_OP, U_MACS, U_BYTES, U_RANK, U_SCORE, U_KEPT, U_COLUMNS };
static const qns_column unit_columns[U_COLUMNS] = {
    {"layer", "", "the name that stands in skip lists", false, false},
    {"op", "", "operator", false, false},
    {"MACs", "[%]", "multiply-adds, of all of the model", true, false},
    {"bytes", "[%]", "weights and outputs, of all int8 layers", true, true},
    {"rank", "", "place in the ranking, 1 first", true, false},
    {"score", "[dB]", "SQNR that it was ranked by", true, false},
    {"kept in", "", "precision in the answer", false, false},
};
static const char *const groups[] = {"float", "int8"};

static qns_cell number(const char *text, double sort, double share)
{
    return (qns_cell){text, sort, share, QNS_LEVEL_NONE};
}

static qns_cell share_cell(qns_build *b, double share)
{
    return number(qns_build_percent(b, share), share, isnan(share) ? NAN : fmin(fmax(share, 0), 1));
}

static void fill_unit(qns_build *b, qns_row *row, const qns_search_result *r,
                      const qns_search_unit *u)
{
    qns_cell *c = qns_build_get(b, U_COLUMNS, sizeof *c);
    if (!c)
        return;
    const int level = u->in_float ? QNS_V_WATCH : QNS_V_OK;
    c[U_NAME] = (qns_cell){
        qns_build_text(b, "%s%s", u->name,
                       u->n_names > 1 ? qns_build_text(b, " (+%u)", u->n_names - 1) : ""),
        NAN, NAN, QNS_LEVEL_NONE};
    c[U_OP] = (qns_cell){qns_build_text(b, "%s", u->op), NAN, NAN, QNS_LEVEL_NONE};
    c[U_MACS] = share_cell(b, qns_search_share(r, u->cost, QNS_COST_MACS));
    c[U_BYTES] = share_cell(b, qns_search_share(r, u->cost, QNS_COST_BYTES));
    c[U_RANK] =
        number(u->rank ? qns_build_text(b, "%u", u->rank) : "-", u->rank ? u->rank : NAN, NAN);
    c[U_SCORE] = number(isnan(u->score)   ? "-"
                        : isinf(u->score) ? (u->score > 0 ? "exact" : "-inf")
                                          : qns_build_text(b, "%.1f", u->score),
                        u->score, NAN);
    c[U_KEPT] = (qns_cell){u->in_float ? groups[0] : groups[1], NAN, NAN, level};
    *row = (qns_row){c, level, "", NULL, 0};
}

/* In float first, then by rank; unranked ones in execution order. */
static bool unit_before(const qns_search_unit *a, const qns_search_unit *b)
{
    if (a->in_float != b->in_float)
        return a->in_float;
    return a->rank < b->rank;
}

static void build_units(qns_build *b, const qns_search_result *r)
{
    qns_row *row = qns_build_get(b, r->n_units, sizeof *row);
    uint32_t *order = qns_build_get(b, r->n_units, sizeof *order);
    if (!row || !order)
        return;
    for (uint32_t i = 0; i < r->n_units; i++) {
        uint32_t k = i;
        for (; k > 0 && unit_before(&r->unit[i], &r->unit[order[k - 1]]); k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (uint32_t i = 0; i < r->n_units; i++)
        fill_unit(b, &row[i], r, &r->unit[order[i]]);
    b->report->layers = (qns_table){unit_columns, U_COLUMNS, row, r->n_units, U_NAME};
    b->report->heading = "layers, those in float first";
    b->report->rest = "in int8";
    b->report->intro = qns_build_text(
        b, "Ranked by the noise that a layer in float takes away (%s), for its cost in %s.",
        qns_rank_name(r->by), qns_cost_name(r->by_cost));
    b->report->groups = groups;
    b->report->n_groups = QNS_ARRAY_LEN(groups);
}

enum { F_LAYERS, F_MACS, F_BYTES, F_VALUE, F_MET, F_WHAT, F_COLUMNS };

static void build_front(qns_build *b, const qns_search_result *r)
{
    qns_row *row = qns_build_get(b, r->n_front, sizeof *row);
    qns_column *col = qns_build_get(b, F_COLUMNS, sizeof *col);
    if (!row || !col)
        return;
    col[F_LAYERS] = (qns_column){"float", "", "layers in float", true, false};
    col[F_MACS] = (qns_column){"MACs", "[%]", "in float, of all of the model", true, false};
    col[F_BYTES] = (qns_column){"bytes", "[%]", "in float, of all int8 layers", true, false};
    col[F_VALUE] =
        (qns_column){qns_target_name(r->target.metric), "", "the target's metric", true, false};
    col[F_MET] = (qns_column){"target", "", "is it met?", false, false};
    col[F_WHAT] = (qns_column){"layers", "", "in float", false, false};
    for (uint32_t i = 0; i < r->n_front; i++) {
        const qns_search_trial *t = &r->trial[r->front[i]];
        qns_cell *c = qns_build_get(b, F_COLUMNS, sizeof *c);
        if (!c)
            return;
        c[F_LAYERS] = number(qns_build_text(b, "%u", t->n_units), t->n_units, NAN);
        c[F_MACS] = number(qns_build_percent(b, qns_search_share(r, t->cost, QNS_COST_MACS)),
                           t->cost[0], NAN);
        c[F_BYTES] = number(qns_build_percent(b, qns_search_share(r, t->cost, QNS_COST_BYTES)),
                            t->cost[1], NAN);
        c[F_VALUE] = number(qns_build_value(b, r, qns_search_value(&t->score, r->target.metric)),
                            qns_search_value(&t->score, r->target.metric), NAN);
        c[F_MET] = (qns_cell){r->front[i] == r->best ? "answer"
                              : t->met               ? "met"
                                                     : "no",
                              NAN, NAN, t->met ? QNS_V_OK : QNS_LEVEL_NONE};
        c[F_WHAT] = (qns_cell){t->n_units == r->n_units ? "all" : qns_search_names(b, r, t, 3), NAN,
                               NAN, QNS_LEVEL_NONE};
        row[i] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->second = (qns_table){col, F_COLUMNS, row, r->n_front, F_WHAT};
    b->report->second_heading = "front: what float layers buy";
    b->report->second_intro = qns_build_text(
        b, "Of %u trials, those that no other beats in both cost and value.", r->n_trials);
}

/* ---- what it was made with, how to read it ---- */

static const qns_column identity_columns[] = {
    {"", "", "", false, false},
    {"", "", "", false, false},
};

static void build_identity(qns_build *b, const qns_search_result *r)
{
    const struct {
        const char *label, *text;
    } line[] = {
        {"model", r->model},
        {"backend", r->backend},
        {"calibrated with", qns_build_text(b, "%s (%s samples)", r->calib,
                                           qns_build_count(b, (uint64_t)r->calib_samples))},
        {"searched with",
         qns_build_text(b, "%s (%s samples)", r->data, qns_build_count(b, (uint64_t)r->samples))},
        {"checked with", r->check.samples
                             ? qns_build_text(b, "%s (%s samples)", r->check.data,
                                              qns_build_count(b, (uint64_t)r->check.samples))
                             : ""},
        {"interval", r->check.interval.method ? r->check.interval.method : ""},
        {"strategy", qns_build_text(b, "%s, ranked by %s, cost in %s", r->strategy,
                                    qns_rank_name(r->by), qns_cost_name(r->by_cost))},
        {"judged by", r->eval_cmd},
        {"command", r->command},
    };
    qns_row *row = qns_build_get(b, QNS_ARRAY_LEN(line), sizeof *row);
    uint32_t n = 0;
    for (size_t i = 0; row && i < QNS_ARRAY_LEN(line); i++) {
        qns_cell *c = qns_build_get(b, 2, sizeof *c);
        if (!c)
            return;
        if (!line[i].text[0])
            continue;
        c[0] = (qns_cell){line[i].label, NAN, NAN, QNS_LEVEL_NONE};
        c[1] = (qns_cell){qns_build_text(b, "%s", line[i].text), NAN, NAN, QNS_LEVEL_NONE};
        row[n++] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->identity = (qns_table){identity_columns, 2, row, n, 1};
    b->report->identity_intro = "What the search was made with.";
}

static const qns_fact guide[] = {
    {"Layers",
     "Operators that are int8 when nothing is skipped and compute something of their own. "
     "What only passes codes on follows its neighbours. Groups move together."},
    {"Front", "Of all trials those that no other trial beats in both cost and value: what the next "
              "layers in float would buy, and what fewer would lose."},
    {"Check",
     "The answer measured on samples that the search did not use. A search picks what looks "
     "good on its own samples; only other samples can confirm it. Verified: the whole 95 % "
     "interval meets the target."},
    {"MACs",
     "Multiply-adds in float, of all of the model. They tell what an accelerator without fast "
     "floats would pay; bytes tell what memory would."},
};

void qns_build_search_tables(qns_build *b, const qns_search_result *r)
{
    build_units(b, r);
    build_front(b, r);
    build_identity(b, r);
    b->report->guide = guide;
    b->report->n_guide = QNS_ARRAY_LEN(guide);
}

/* ---- the chart ---- */

static void add_point(qns_tval *v, const char *list, const qns_search_result *r,
                      const qns_search_trial *t, double top)
{
    const double share = qns_search_share(r, t->cost, r->by_cost);
    const double value = qns_search_value(&t->score, r->target.metric);
    const double scale =
        r->target.metric == QNS_TARGET_AGREEMENT || r->target.metric == QNS_TARGET_DROP ? 100 : 1;
    if (isnan(value) || isnan(share))
        return;
    qns_tval *p = qns_tval_add(v, list);
    qns_build_set_number(p, "x", 100 * share);
    qns_build_set_number(p, "y", fmin(scale * value, top));
}

/* Where "exact" is drawn: above all other values, but not so far above the target that they cannot
 * be told apart. */
static double top_of(const qns_search_result *r)
{
    enum { ABOVE = 30 }; /* dB */
    double top = r->target.limit;
    for (uint32_t i = 0; i < r->n_trials; i++) {
        const double v = qns_search_value(&r->trial[i].score, r->target.metric);
        top = isfinite(v) ? fmax(top, v) : top;
    }
    if (r->target.metric != QNS_TARGET_SQNR)
        return INFINITY;
    return fmin(top + 3, r->target.limit + ABOVE);
}

qns_status qns_build_search_plot(qns_build *b, const qns_search_result *r, qns_err *err)
{
    static const char *const cost[QNS_COSTS] = {"MACs in float [%]", "bytes in float [%]",
                                                "time in float [%]", "layers in float [%]"};
    static const char *const metric[QNS_TARGET_METRICS] = {
        "output SQNR [dB]", "top-1 agreement [%]", "loss of top-1 [%]", "number of the command"};
    qns_tval *v = qns_tval_create(b->arena);
    const double top = top_of(r);
    const bool share =
        r->target.metric == QNS_TARGET_AGREEMENT || r->target.metric == QNS_TARGET_DROP;
    if (r->n_trials < 2 || !(r->total[r->by_cost] > 0))
        return QNS_OK;
    for (uint32_t i = 0; i < r->n_trials; i++)
        add_point(v, "trials", r, &r->trial[i], top);
    for (uint32_t i = 0; i < r->n_front; i++)
        add_point(v, "front", r, &r->trial[r->front[i]], top);
    add_point(v, "answer", r, qns_search_best(r), top);
    qns_tval_set(v, "cost", cost[r->by_cost]);
    qns_tval_set(v, "metric", metric[r->target.metric]);
    qns_build_set_number(v, "limit", share ? 100 * r->target.limit : r->target.limit);
    return qns_build_plot(b, "front.gp", v,
                          (qns_plot){.name = "front",
                                     .title = "What float layers buy",
                                     .caption =
                                         "Every dot is a trial; the line joins those that no other "
                                         "beats. Exact results, and what is far above the target, "
                                         "are drawn at the top."},
                          err);
}
