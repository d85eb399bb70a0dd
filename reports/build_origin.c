/* SPDX-License-Identifier: MIT */
/* What was compared with what: the coverage ledger, the identity of both sides, how to read it. */
#include "reports/build.h"

#include <math.h>

static const qns_column unmatched_columns[] = {
    {"side", "", "The capture that has it", false, false},
    {"operator", "", "Its name", false, false},
    {"op", "", "Kind of operator", false, false},
    {"MACs", "", "Multiplications of one sample", true, false},
    {"why", "", "Why it has no partner", false, false},
};

static qns_cell text_cell(const char *s)
{
    return (qns_cell){s, NAN, NAN, QNS_LEVEL_NONE};
}

static void build_coverage(qns_build *b)
{
    const qns_result *r = b->r;
    qns_fact *f = qns_build_get(b, 6, sizeof *f);
    qns_row *row = qns_build_get(b, r->coverage.n_unmatched, sizeof *row);
    if (!f || !row)
        return;
    f[0] = (qns_fact){"operators on the float side", qns_build_count(b, r->coverage.ops)};
    f[1] = (qns_fact){"compared", qns_build_count(b, r->coverage.matched)};
    f[2] = (qns_fact){"folded into another", qns_build_count(b, r->coverage.folded)};
    f[3] = (qns_fact){"without a partner", qns_build_count(b, r->coverage.n_unmatched)};
    f[4] = (qns_fact){"only on the int8 side", qns_build_count(b, r->coverage.test_only)};
    f[5] = (qns_fact){
        "share of the MACs compared",
        isnan(r->coverage.macs_matched)
            ? "unknown"
            : qns_build_text(b, "%s %%", qns_build_percent(b, r->coverage.macs_matched))};
    for (uint32_t i = 0; i < r->coverage.n_unmatched; i++) {
        const qns_unmatched *u = &r->coverage.unmatched[i];
        qns_cell *c = qns_build_get(b, QNS_ARRAY_LEN(unmatched_columns), sizeof *c);
        if (!c)
            return;
        c[0] = text_cell(qns_build_text(b, "%s", u->side));
        c[1] = text_cell(qns_build_text(b, "%s", u->name));
        c[2] = text_cell(qns_build_text(b, "%s", u->op));
        c[3] = text_cell(qns_build_count(b, u->macs));
        c[3].sort = (double)u->macs;
        c[4] = text_cell(qns_build_text(b, "%s", u->why));
        row[i] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->coverage = f;
    b->report->n_coverage = 6;
    b->report->unmatched = (qns_table){unmatched_columns, QNS_ARRAY_LEN(unmatched_columns), row,
                                       r->coverage.n_unmatched, 1};
}

static const qns_column identity_columns[] = {
    {"", "", "", false, false},
    {"float side", "", "The reference", false, false},
    {"int8 side", "", "What is tested", false, false},
};

static void build_identity(qns_build *b)
{
    const qns_side *ref = &b->r->ref, *test = &b->r->test;
    const struct {
        const char *label, *ref, *test;
    } line[] = {
        {"file", ref->file, test->file},
        {"model", ref->model, test->model},
        {"backend", ref->backend, test->backend},
        {"engine", ref->engine, test->engine},
        {"build", ref->build, test->build},
        {"samples", qns_build_count(b, (uint64_t)ref->samples),
         qns_build_count(b, (uint64_t)test->samples)},
        {"complete", ref->complete ? "yes" : "no", test->complete ? "yes" : "no"},
        {"graph", ref->graph_id, test->graph_id},
        {"weights", ref->weights_id, test->weights_id},
        {"inputs", ref->inputs_id, test->inputs_id},
        {"qparams", ref->qparams_id, test->qparams_id},
    };
    qns_row *row = qns_build_get(b, QNS_ARRAY_LEN(line), sizeof *row);
    uint32_t n = 0;
    for (size_t i = 0; row && i < QNS_ARRAY_LEN(line); i++) {
        qns_cell *c = qns_build_get(b, 3, sizeof *c);
        if (!c)
            return;
        if (!line[i].ref[0] && !line[i].test[0])
            continue;
        c[0] = text_cell(line[i].label);
        c[1] = text_cell(line[i].ref[0] ? qns_build_text(b, "%s", line[i].ref) : "-");
        c[2] = text_cell(line[i].test[0] ? qns_build_text(b, "%s", line[i].test) : "-");
        row[n++] = (qns_row){c, QNS_LEVEL_NONE, "", NULL, 0};
    }
    b->report->identity = (qns_table){identity_columns, 3, row, n, 1};
}

static const qns_fact guide[] = {
    {"SQNR",
     "Signal-to-quantization-noise ratio, 10 log10(sum r\xC2\xB2 / sum (r - q)\xC2\xB2), r float "
     "and q int8, pooled over all samples. 40 dB is an error of 1 % of "
     "the signal, 30 dB of 3 %, 20 dB of 10 % (below it: watch), 10 dB of 32 % (below it: bad). "
     "\xE2\x80\x9C"
     "exact\xE2\x80\x9D means equal in every element."},
    {"Steps",
     "The RMS error divided by the distance of two codes. Rounding alone gives 1/\xE2\x88\x9A"
     "12 = "
     "0.289; a layer far above it inherits or adds more than rounding."},
    {"Weight and output",
     "The weight's figure is the cost of rounding that one tensor. The output's is "
     "cumulative: all error that reached this layer, and its own."},
    {"Added", "How much the SQNR fell from the layer's worst input to its output. A large value "
              "marks where error is made, not only where it shows."},
    {"Clipped", "Share of float values beyond what the codes can stand for. Rounding cannot repair "
                "them; a wider range can, at the price of coarser steps."},
    {"Bias / sigma",
     "Mean of the error over its spread. Far from 0, the error has a direction: the "
     "layers behind it see a shift, not noise."},
    {"Agreement", "Share of samples where float and int8 give the same top answer, right or wrong. "
                  "It needs no labels and is harder than accuracy."},
};

void qns_build_origin(qns_build *b)
{
    build_coverage(b);
    build_identity(b);
    b->report->guide = guide;
    b->report->n_guide = QNS_ARRAY_LEN(guide);
}
