/* SPDX-License-Identifier: MIT */
/* The ranked table, and what is known of each layer. */
#include "reports/build.h"

#include <math.h>
#include <string.h>

enum {
    RANK,
    LAYER,
    OP,
    WEIGHT,
    OUTPUT,
    LOCAL,
    STEPS,
    CLIPPED,
    ADDED,
    INDEX,
    RUNS,
    VERDICT,
    N_COLUMNS
};

static const qns_column columns[N_COLUMNS] = {
    [RANK] = {"#", "", "Rank, the worst layer first", true, false},
    [LAYER] = {"layer", "", "Name on the float side", false, false},
    [OP] = {"op", "", "Operator", false, false},
    [WEIGHT] = {"weight", "dB", "SQNR of the weight: how much its rounding costs", true, false},
    [OUTPUT] = {"output", "dB", "SQNR of the output: all error up to and with this layer", true,
                false},
    [LOCAL] =
        {"local", "dB",
         "SQNR of the output when the layer reads the float side's values: its own error only",
         true, false},
    [STEPS] = {"error", "steps", "RMS error of the output in quantization steps; ideal is 0.289",
               true, false},
    [CLIPPED] = {"clipped", "%", "Share of values that the codes cannot reach", true, false},
    [ADDED] = {"added", "dB", "How much the SQNR fell from the worst input to here", true, true},
    [INDEX] = {"order", "", "Place in the order of execution", true, true},
    [RUNS] = {"runs", "", "How the layer runs on the int8 side", false, true},
    [VERDICT] = {"verdict", "", "ok, watch or bad", false, false},
};

qns_cell qns_build_cell(const char *text, double sort)
{
    return (qns_cell){text, sort, NAN, QNS_LEVEL_NONE};
}

static int db_level(const qns_diff *d)
{
    if (!d->present || isnan(d->sqnr_db) || d->flags & QNS_M_ZERO_REF)
        return QNS_LEVEL_NONE;
    if (d->nonfinite_test > d->nonfinite_ref)
        return QNS_V_BAD;
    return d->sqnr_db < QNS_SQNR_BAD_DB     ? QNS_V_BAD
           : d->sqnr_db < QNS_SQNR_WATCH_DB ? QNS_V_WATCH
                                            : QNS_V_OK;
}

/* Bars end at 60 dB: nothing above it matters for 8 bits. */
static qns_cell db_cell(qns_build *b, const qns_diff *d)
{
    qns_cell c = qns_build_cell(qns_build_db(b, d, d->sqnr_db), d->present ? d->sqnr_db : NAN);
    c.level = db_level(d);
    if (d->present && !isnan(d->sqnr_db))
        c.share = fmin(1, fmax(0, d->sqnr_db / 60));
    return c;
}

static qns_cell steps_cell(qns_build *b, const qns_diff *d)
{
    const double v = d->present ? d->rmse_steps : NAN;
    qns_cell c = qns_build_cell(
        isfinite(v) ? qns_build_text(b, v < 100 ? "%.2f" : "%.3g", v) : qns_build_number(b, v), v);
    return c;
}

static qns_cell clipped_cell(qns_build *b, const qns_diff *d)
{
    const double v = d->present ? d->clipped : NAN;
    qns_cell c = qns_build_cell(qns_build_percent(b, v), v);
    c.level = v > 0.01 ? QNS_V_WATCH : QNS_LEVEL_NONE;
    return c;
}

void qns_build_fact(qns_build *b, qns_fact *f, uint32_t *n, const char *label, const char *value)
{
    if (value[0] && !(value[0] == '-' && !value[1]))
        f[(*n)++] = (qns_fact){label, value};
}

static const char *range(qns_build *b, double lo, double hi)
{
    if (isnan(lo) || isnan(hi))
        return "-";
    return qns_build_text(b, "%s to %s", qns_build_number(b, lo), qns_build_number(b, hi));
}

static const char *unit(qns_build *b, const char *value, const char *u)
{
    return value[0] == '-' && !value[1] ? value : qns_build_text(b, "%s %s", value, u);
}

qns_facts qns_build_diff_facts(qns_build *b, const char *title, const qns_diff *d)
{
    qns_fact *f = qns_build_get(b, 24, sizeof *f);
    qns_facts out = {title, f, 0};
    char flags[160];
    if (!f)
        return out;
    const char *dB = isfinite(d->sqnr_db) ? "dB" : "";
    qns_build_fact(b, f, &out.n, "SQNR", unit(b, qns_build_db(b, d, d->sqnr_db), dB));
    if (isfinite(d->sqnr_db_median))
        qns_build_fact(b, f, &out.n, "per sample",
                       qns_build_text(b, "min %s, 5 %% %s, median %s dB",
                                      qns_build_db(b, d, d->sqnr_db_min),
                                      qns_build_db(b, d, d->sqnr_db_p5),
                                      qns_build_db(b, d, d->sqnr_db_median)));
    if (d->worst_sample >= 0)
        qns_build_fact(b, f, &out.n, "worst sample",
                       qns_build_text(b, "%lld", (long long)d->worst_sample));
    qns_build_fact(b, f, &out.n, "RMS error", qns_build_number(b, d->rmse));
    qns_build_fact(b, f, &out.n, "RMS error", unit(b, qns_build_number(b, d->rmse_steps), "steps"));
    qns_build_fact(b, f, &out.n, "largest error", qns_build_number(b, d->max_abs));
    qns_build_fact(b, f, &out.n, "largest error",
                   unit(b, qns_build_number(b, d->max_abs_steps), "steps"));
    qns_build_fact(b, f, &out.n, "cosine",
                   isnan(d->cosine) ? "-" : qns_build_text(b, "%.6f", d->cosine));
    qns_build_fact(b, f, &out.n, "gain", isnan(d->gain) ? "-" : qns_build_text(b, "%.4f", d->gain));
    qns_build_fact(b, f, &out.n, "bias", qns_build_number(b, d->bias));
    qns_build_fact(b, f, &out.n, "bias / sigma", qns_build_number(b, d->bias_sigma));
    qns_build_fact(b, f, &out.n, "clipped", unit(b, qns_build_percent(b, d->clipped), "%"));
    qns_build_fact(b, f, &out.n, "float range", range(b, d->ref_min, d->ref_max));
    qns_build_fact(b, f, &out.n, "int8 range", range(b, d->test_min, d->test_max));
    qns_build_fact(b, f, &out.n, "float RMS", qns_build_number(b, d->ref_rms));
    qns_build_fact(b, f, &out.n, "values", qns_build_count(b, d->n));
    if (d->nonfinite_ref || d->nonfinite_test)
        qns_build_fact(b, f, &out.n, "non-finite",
                       qns_build_text(b, "%s float, %s int8", qns_build_count(b, d->nonfinite_ref),
                                      qns_build_count(b, d->nonfinite_test)));
    qns_flags_text(flags, sizeof flags, d->flags);
    qns_build_fact(b, f, &out.n, "flags", qns_build_text(b, "%s", flags));
    return out;
}

static const char *qparams(qns_build *b, const qns_qinfo *q)
{
    if (!q->n_scale)
        return "-";
    double lo = q->scale[0], hi = q->scale[0];
    for (uint32_t i = 1; i < q->n_scale; i++) {
        lo = fmin(lo, q->scale[i]);
        hi = fmax(hi, q->scale[i]);
    }
    if (q->n_scale == 1)
        return qns_build_text(b, "%s, scale %.6g, zero point %d", q->dtype, lo, q->zero[0]);
    return qns_build_text(b, "%s, %u scales on axis %d, %.4g to %.4g (%.1f times)", q->dtype,
                          q->n_scale, q->axis, lo, hi, hi / lo);
}

static qns_facts place_facts(qns_build *b, const qns_layer *l)
{
    qns_fact *f = qns_build_get(b, 16, sizeof *f);
    qns_facts out = {"Layer", f, 0};
    if (!f)
        return out;
    qns_build_fact(b, f, &out.n, "name", qns_build_text(b, "%s", l->name));
    qns_build_fact(b, f, &out.n, "stands for", qns_build_joined(b, l->origin, l->n_origin));
    qns_build_fact(b, f, &out.n, "operator", qns_build_text(b, "%s", l->op));
    qns_build_fact(b, f, &out.n, "runs as", qns_build_text(b, "%s", l->kept));
    qns_build_fact(b, f, &out.n, "order", qns_build_text(b, "%d", l->index));
    qns_build_fact(b, f, &out.n, "MACs", l->macs ? qns_build_count(b, l->macs) : "-");
    qns_build_fact(b, f, &out.n, "added here", unit(b, qns_build_number(b, l->added_db), "dB"));
    qns_build_fact(b, f, &out.n, "weight codes", qparams(b, &l->weight_q));
    qns_build_fact(b, f, &out.n, "output codes", qparams(b, &l->activation_q));
    qns_build_fact(b, f, &out.n, "float data", qns_build_text(b, "%s", l->ref_dataset));
    qns_build_fact(b, f, &out.n, "int8 data", qns_build_text(b, "%s", l->test_dataset));
    qns_build_fact(b, f, &out.n, "paired by", qns_build_text(b, "%s", l->paired_by));
    return out;
}

static void build_row(qns_build *b, qns_row *row, const qns_layer *l, uint32_t rank)
{
    qns_cell *c = qns_build_get(b, N_COLUMNS, sizeof *c);
    qns_facts *facts = qns_build_get(b, 4, sizeof *facts);
    if (!c || !facts)
        return;
    const qns_diff *d = &l->activation;
    c[RANK] = qns_build_cell(qns_build_text(b, "%u", rank + 1), rank + 1);
    c[LAYER] = qns_build_cell(qns_build_text(b, "%s", l->name), NAN);
    c[OP] = qns_build_cell(qns_build_text(b, "%s", l->op), NAN);
    c[WEIGHT] = db_cell(b, &l->weight);
    c[OUTPUT] = db_cell(b, d);
    c[LOCAL] = db_cell(b, &l->local);
    c[STEPS] = steps_cell(b, d);
    c[CLIPPED] = clipped_cell(b, d);
    c[ADDED] = qns_build_cell(isfinite(l->added_db) ? qns_build_text(b, "%.1f", l->added_db)
                                                    : qns_build_number(b, l->added_db),
                              l->added_db);
    c[INDEX] = qns_build_cell(qns_build_text(b, "%d", l->index), l->index);
    c[RUNS] = qns_build_cell(qns_build_text(b, "%s", l->kept), NAN);
    c[VERDICT] = qns_build_cell(qns_verdict_text(l->verdict), -(double)l->verdict);
    c[VERDICT].level = (int)l->verdict;
    row->cell = c;
    row->level = (int)l->verdict;
    row->next = qns_build_text(b, "%s", l->advice);
    row->facts = facts;
    if (d->present)
        facts[row->n_facts++] = qns_build_diff_facts(b, "Output", d);
    if (l->local.present)
        facts[row->n_facts++] =
            qns_build_diff_facts(b, "Output, on the float side's inputs", &l->local);
    if (l->weight.present)
        facts[row->n_facts++] = qns_build_diff_facts(b, "Weight", &l->weight);
    facts[row->n_facts++] = place_facts(b, l);
}

/* Only a shadow run has local errors; elsewhere the column would be empty. */
static void drop_local(qns_build *b, qns_row *row, uint32_t n)
{
    qns_column *kept = qns_build_get(b, N_COLUMNS, sizeof *kept);
    if (!kept)
        return;
    memcpy(kept, columns, LOCAL * sizeof *kept);
    memcpy(kept + LOCAL, columns + LOCAL + 1, (N_COLUMNS - LOCAL - 1) * sizeof *kept);
    for (uint32_t i = 0; i < n && !b->failed; i++) {
        qns_cell *c = (qns_cell *)(uintptr_t)row[i].cell;
        memmove(c + LOCAL, c + LOCAL + 1, (N_COLUMNS - LOCAL - 1) * sizeof *c);
    }
    b->report->layers = (qns_table){kept, N_COLUMNS - 1, row, n, LAYER};
}

static const char *const groups[] = {"bad", "watch", "ok"};

void qns_build_layers(qns_build *b)
{
    const qns_result *r = b->r;
    qns_row *row = qns_build_get(b, r->n_ranking, sizeof *row);
    if (!row)
        return;
    for (uint32_t i = 0; i < r->n_ranking; i++)
        build_row(b, &row[i], &r->layer[r->ranking[i]], i);
    b->report->heading = "layers, worst first";
    b->report->intro = "The output's SQNR is cumulative; the weight's is the tensor alone.";
    b->report->groups = groups;
    b->report->n_groups = QNS_ARRAY_LEN(groups);
    bool local = false;
    for (uint32_t i = 0; i < r->n_layers; i++)
        local |= r->layer[i].local.present;
    b->report->layers = (qns_table){columns, N_COLUMNS, row, r->n_ranking, LAYER};
    if (!local)
        drop_local(b, row, r->n_ranking);
}
