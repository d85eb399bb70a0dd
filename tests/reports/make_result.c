/* SPDX-License-Identifier: MIT */
#include "tests/reports/make_result.h"

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "reports/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const attack[] = {
    "</script><b>bold</b><script>document.title='broken'</script>",
    "it's \"quoted\" `id` $(id) @macro \\",
    "line\nbreak\x1b[31mred\ttab",
    "{{name}} {{#each layers}}",
    "\xE2\x80\xAEoverride \xFF\xC0 bytes",
    "\xE5\xB1\x82/\xE5\x8D\xB7\xE7\xA7\xAF_\xD1\x81\xD0\xBB\xD0\xBE\xD0\xB9",
    "' onmouseover='alert(1)",
    "a/very/long/name/of/a/layer/that/goes/on/and/on/model.features.encoder.blocks.11.attention."
    "projection.output.dense.conv2d_quantized_with_suffix/BatchNorm/FusedBatchNormV3",
};

static double *doubles(qns_result *r, uint32_t n)
{
    return qns_arena_get(r->arena, n, sizeof(double));
}

static void fill_diff(qns_diff *d, qns_rng *g, double db, bool activation)
{
    const double rms = 0.5 + qns_rng_unit(g), rmse = rms * pow(10, -db / 20);
    *d = (qns_diff){.present = true,
                    .sqnr_db = db,
                    .rmse = rmse,
                    .rmse_steps = 0.289 * (activation ? pow(10, (45 - db) / 20) : 1),
                    .max_abs = rmse * 7,
                    .max_abs_steps = 3 + 10 * qns_rng_unit(g),
                    .cosine = 1 - pow(10, -db / 10) / 2,
                    .bias = rmse * (qns_rng_unit(g) - 0.5) / 4,
                    .bias_sigma = (qns_rng_unit(g) - 0.5) / 4,
                    .clipped = db < 20 ? 0.004 * qns_rng_unit(g) : 0,
                    .ref_min = activation ? 0 : -3 * rms,
                    .ref_max = 4 * rms,
                    .ref_rms = rms,
                    .test_min = activation ? 0 : -2.9 * rms,
                    .test_max = 3.9 * rms,
                    .n = 1024 + qns_rng_below(g, 100000),
                    .sqnr_db_min = activation ? db - 4 : NAN,
                    .sqnr_db_p5 = activation ? db - 2 : NAN,
                    .sqnr_db_median = activation ? db + 0.3 : NAN,
                    .worst_sample = activation ? (int64_t)qns_rng_below(g, 256) : -1};
    if (d->clipped > 0.001)
        d->flags |= QNS_M_SATURATED;
}

static void fill_qinfo(qns_result *r, qns_qinfo *q, qns_rng *g, uint32_t n, const char *dtype)
{
    double *scale = doubles(r, n);
    int32_t *zero = qns_arena_get(r->arena, n, sizeof *zero);
    for (uint32_t i = 0; i < n; i++) {
        scale[i] = 0.002 + 0.02 * qns_rng_unit(g);
        zero[i] = n > 1 ? 0 : (int32_t)qns_rng_below(g, 128);
    }
    *q = (qns_qinfo){dtype, n > 1 ? 0 : -1, n, scale, zero};
}

static void fill_hist(qns_result *r, qns_layer *l, qns_rng *g)
{
    enum { BINS = 96 };
    uint64_t *ref = qns_arena_get(r->arena, BINS, sizeof *ref);
    uint64_t *test = qns_arena_get(r->arena, BINS, sizeof *test);
    const double mid = 10 + 30 * qns_rng_unit(g), spread = 8 + 10 * qns_rng_unit(g);
    for (int i = 0; i < BINS; i++) {
        const double z = (i - mid) / spread;
        ref[i] = (uint64_t)(20000 * exp(-fabs(z) * 1.3)) + (i > 88 ? 3 : 0);
        test[i] = i > 72 ? 0 : (i % 3 ? ref[i] / 4 : ref[i] * 2) + (i == 72 ? 90 : 0);
    }
    double *rms = doubles(r, BINS), *mean = doubles(r, BINS);
    for (int i = 0; i < BINS; i++) {
        rms[i] = i % 31 == 7 ? NAN : 0.01 + (i > 72 ? 0.06 * (i - 72) : 0);
        mean[i] = i % 31 == 7 ? NAN : i > 72 ? -0.06 * (i - 72) : 0.001;
    }
    l->hist = (qns_hist){BINS, -1, 5, ref, test, rms, mean, -1, 3.55};
}

static void fill_channels(qns_result *r, qns_channels *c, qns_rng *g, uint32_t n, bool hostile)
{
    double *lo = doubles(r, n), *hi = doubles(r, n), *rlo = doubles(r, n), *rhi = doubles(r, n);
    double *db = doubles(r, n);
    for (uint32_t i = 0; i < n; i++) {
        const double size = i % 17 == 5 ? 2.6 : 0.2 + 0.5 * qns_rng_unit(g);
        lo[i] = -size * (0.6 + 0.4 * qns_rng_unit(g));
        hi[i] = size;
        rlo[i] = -fmin(size, 1.3) * 128 / 127;
        rhi[i] = fmin(size, 1.3);
        db[i] = size > 2 ? 9 : 38 + 6 * qns_rng_unit(g);
    }
    if (hostile) {
        db[0] = INFINITY;
        db[1] = NAN;
    }
    *c = (qns_channels){n, lo, hi, rlo, rhi, db};
}

static void fill_layer(qns_result *r, qns_rng *g, uint32_t i, uint32_t n, bool hostile)
{
    static const char *const ops[] = {"conv", "conv", "add_relu", "depthwise_conv", "avgpool"};
    qns_layer *l = &r->layer[i];
    char name[64];
    const char **origin = qns_arena_get(r->arena, 2, sizeof *origin);
    snprintf(name, sizeof name, "layer%u.%u.conv%u", 1 + i / 16, i / 4 % 4, i % 4);
    l->name = hostile && i % 7 == 3 && i / 7 < QNS_ARRAY_LEN(attack)
                  ? attack[i / 7]
                  : qns_arena_strdup(r->arena, name);
    l->op = i + 1 == n ? "linear" : ops[qns_rng_below(g, QNS_ARRAY_LEN(ops))];
    l->kept = i % 23 == 11 ? "float" : "int8";
    l->index = (int32_t)i;
    origin[0] = l->name;
    origin[1] = "bn";
    l->origin = origin;
    l->n_origin = 2;
    uint32_t *from = qns_arena_get(r->arena, 2, sizeof *from);
    if (from && i) {
        from[0] = i - 1;
        from[1] = i > 4 ? i - 4 : 0; /* a residual connection now and then */
        l->from = from;
        l->n_from = i % 8 == 7 ? 2 : 1;
    }
    l->macs = 1000000 + qns_rng_below(g, 90000000);
    l->ref_dataset = l->test_dataset = "/activations/x";
    l->paired_by = "lineage";
    const double fall = 44 - 28.0 * i / n;
    const bool dip = i % 19 == 8;
    fill_diff(&l->activation, g, fall - (dip ? 18 : 0) + 3 * qns_rng_unit(g), true);
    l->weight.sqnr_db = NAN;
    l->weight.worst_sample = -1;
    if (strcmp(l->op, "add_relu") != 0 && strcmp(l->op, "avgpool") != 0) {
        fill_diff(&l->weight, g, 38 + 6 * qns_rng_unit(g) - (dip ? 16 : 0), false);
        fill_qinfo(r, &l->weight_q, g, 64, "int8");
        fill_channels(r, &l->weight_channels, g, 64, hostile && i % 2);
    }
    fill_qinfo(r, &l->activation_q, g, 1, "uint8");
    l->hist.reach_lo = l->hist.reach_hi = l->hist.lo = l->hist.hi = NAN;
    l->added_db = i ? 2 * qns_rng_unit(g) + (dip ? 12 : 0) : NAN;
    const double db = l->activation.sqnr_db;
    l->verdict = db < QNS_SQNR_BAD_DB ? QNS_V_BAD : db < QNS_SQNR_WATCH_DB ? QNS_V_WATCH : QNS_V_OK;
    l->advice = db < 10   ? "a few channels are ten times wider than the rest: use per-channel "
                            "weights, or keep this layer in float"
                : db < 20 ? "values are clipped: calibrate with a wider range"
                          : "";
}

static void spoil(qns_result *r, uint32_t n)
{
    qns_layer *l = r->layer;
    l[5 % n].activation.sqnr_db = INFINITY;
    l[5 % n].activation.flags = QNS_M_EXACT;
    l[9 % n].activation.sqnr_db = -INFINITY;
    l[9 % n].activation.flags = QNS_M_ZERO_REF;
    l[12 % n].activation.sqnr_db = NAN;
    l[12 % n].activation.flags = QNS_M_UNDEFINED | QNS_M_EMPTY | QNS_M_CONSTANT;
    l[20 % n].activation.nonfinite_test = 17;
    l[20 % n].activation.flags |= QNS_M_NONFINITE_TEST;
    l[20 % n].verdict = QNS_V_BAD;
    l[30 % n].activation.present = false;
    l[30 % n].activation.sqnr_db = NAN;
    l[40 % n].macs = UINT64_MAX;
    l[2 % n].name = l[1 % n].name; /* twice the same name */
}

static void rank_layers(qns_result *r)
{
    uint32_t *rank = qns_arena_get(r->arena, r->n_layers, sizeof *rank);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const double v = r->layer[i].activation.sqnr_db, key = isnan(v) ? INFINITY : v;
        uint32_t k = i;
        for (; k > 0; k--) {
            const double w = r->layer[rank[k - 1]].activation.sqnr_db;
            if ((isnan(w) ? INFINITY : w) <= key)
                break;
            rank[k] = rank[k - 1];
        }
        rank[k] = i;
    }
    r->ranking = rank;
    r->n_ranking = r->n_layers;
}

static void fill_rest(qns_result *r, qns_rng *g, bool hostile)
{
    qns_unmatched *u = qns_arena_get(r->arena, 2, sizeof *u);
    qns_finding *f = qns_arena_get(r->arena, 3, sizeof *f);
    const qns_layer *worst = &r->layer[r->ranking[0]];
    u[0] = (qns_unmatched){"reference", hostile ? attack[0] : "aux.fc", "linear",
                           "not in the test capture", 2048000};
    u[1] = (qns_unmatched){"test", "conv9.requantize", "requantize", "has no float partner", 0};
    f[0] =
        (qns_finding){"OUTLIER_CHANNEL", 2, worst->name,
                      "4 of 64 weight channels are wider than 9 times the median; the others get "
                      "3 bits.",
                      "Quantize these weights per channel."};
    f[1] = (qns_finding){"CLIPPING", 1, r->layer[r->ranking[1 % r->n_layers]].name,
                         "0.38 % of the outputs lie above what the codes reach.",
                         "Calibrate with more samples, or with the minmax observer."};
    f[2] = (qns_finding){"FLOAT_KEPT", 0, "", "3 layers run in float.", ""};
    r->coverage.ops = r->n_layers + 13;
    r->coverage.matched = r->n_layers;
    r->coverage.folded = 12;
    r->coverage.test_only = 1;
    r->coverage.macs_matched = 0.9991;
    r->coverage.unmatched = u;
    r->coverage.n_unmatched = 2;
    r->finding = f;
    r->n_findings = 3;
    r->output.name = "logits";
    fill_diff(&r->output.diff, g, 22.1, true);
    r->output.top1_agreement = 0.985;
    r->output.ref_top1 = 0.7613;
    r->output.test_top1 = 0.7583;
}

qns_result *make_result(uint32_t n, bool hostile)
{
    qns_rng g;
    void *p;
    qns_rng_seed(&g, 11);
    if (qns_new(&p, 1, sizeof(qns_result), NULL) != QNS_OK)
        return NULL;
    qns_result *r = p;
    if (qns_arena_create(&r->arena, NULL) != QNS_OK) {
        qns_free(r);
        return NULL;
    }
    r->kind = "comparison";
    r->qns = "0.1.0";
    r->ref = (qns_side){"float.h5",
                        "resnet50",
                        "",
                        "onednn 3.0",
                        "0.1.0 5d1a33180c21",
                        "5d41402abc4b2a76b9719d911017c592",
                        "7d793037a0760186574b0282f2f435e7",
                        "9e107d9d372bb6826bd81d3542a419d6",
                        "",
                        true,
                        256};
    r->test = (qns_side){"quant.h5",
                         "resnet50 int8",
                         "fbgemm",
                         "qns",
                         "0.1.0 5d1a33180c21",
                         "e4d909c290d0fb1ca068ffaddf22cbd0",
                         "a3cca2b2aa1e3b5b3b5aad99a8529074",
                         "9e107d9d372bb6826bd81d3542a419d6",
                         "1f3870be274f6c49b3e31a0c6728957f",
                         !hostile,
                         256};
    r->samples = 256;
    r->layer = qns_arena_get(r->arena, n, sizeof *r->layer);
    r->n_layers = n;
    for (uint32_t i = 0; i < n; i++)
        fill_layer(r, &g, i, n, hostile);
    if (hostile)
        spoil(r, n);
    rank_layers(r);
    for (uint32_t i = 0; i < 5 && i < n; i++)
        fill_hist(r, &r->layer[r->ranking[i]], &g);
    fill_rest(r, &g, hostile);
    return r;
}
