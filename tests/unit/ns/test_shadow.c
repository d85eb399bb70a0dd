/* SPDX-License-Identifier: MIT */
/* Shadow runs of the fixture: the same numbers as two captures, and an error planted in one layer.
 */
#include "ns/shadow.h"

#include "core/model/onnx_write.h"
#include "core/quant/model.h"
#include "core/quant/quantize_model.h"
#include "ns/compare.h"
#include "reports/result_json.h"
#include "tests/unit/ns/cap_help.h"

#include <math.h>

enum { SAMPLES = 12 };
#define FIXTURE(name) QNS_SOURCE_DIR "/fixtures/fashion/" name

static qns_model *float_model, *int8_model;
static qns_source *data;

static void make_models(void)
{
    qns_err err;
    qns_source *calib = NULL;
    qns_qconfig_set *set = NULL;
    qns_graph *qdq = NULL;
    const char *calib_yaml = FIXTURE("calib.yaml"), *eval_yaml = FIXTURE("eval.yaml");
    make_folder();
    OK(qns_model_load(&float_model, FIXTURE("model.onnx"), NULL, &err));
    const qns_graph *g = qns_model_graph(float_model);
    OK(qns_source_open(&calib, g, &calib_yaml, 1, NULL, 16, &err));
    OK(qns_source_open(&data, g, &eval_yaml, 1, NULL, SAMPLES, &err));
    OK(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, &err));
    const qns_calibration c = {.samples = qns_samples_of(calib), .exec = {.cpu_mask = ~0u}};
    OK(qns_quantize(&qdq, NULL, g, set, &c, &err));
    OK(qns_onnx_write(in_folder("q.onnx"), qdq, true, &err));
    OK(qns_model_load(&int8_model, in_folder("q.onnx"), NULL, &err));
    qns_graph_free(qdq);
    qns_qconfig_free(set);
    qns_source_close(calib);
}

static void drop_models(void)
{
    qns_source_close(data);
    qns_model_free(int8_model);
    qns_model_free(float_model);
    drop_folder();
}

TestSuite(shadow, .init = make_models, .fini = drop_models);

static qns_result *shadowed(int threads, const qns_shadow_opts *o)
{
    qns_err err;
    qns_result *r = NULL;
    const qns_exec_opts e = {.engine = QNS_ENGINE_REFERENCE, .cpu_mask = ~0u, .threads = threads};
    const qns_shadow_side a = {.graph = qns_model_graph(float_model), .exec = &e};
    const qns_shadow_side b = {.graph = qns_model_graph(int8_model), .exec = &e};
    OK(qns_shadow(&r, &a, &b, data, o, &err));
    return r;
}

static const char *captured(const char *name, const qns_model *m)
{
    qns_err err;
    qns_plan *p = NULL;
    const char *path = in_folder(name);
    const qns_exec_opts e = {.engine = QNS_ENGINE_REFERENCE, .cpu_mask = ~0u};
    OK(qns_plan_create(&p, qns_model_graph(m), &e, &err));
    OK(qns_capture_run(NULL, path, p, data, NULL, &err));
    qns_plan_free(p);
    return path;
}

/* Padding is zero on both sides: diffs start from one literal or from qns_diff_init(). */
static void same_diff(const qns_diff *a, const qns_diff *b, const char *what)
{
    const size_t numbers = offsetof(qns_diff, n) - offsetof(qns_diff, sqnr_db);
    cr_assert_eq(a->present, b->present, "%s", what);
    cr_assert_arr_eq(&a->sqnr_db, &b->sqnr_db, numbers, "%s: %g and %g dB", what, a->sqnr_db,
                     b->sqnr_db);
    cr_assert_eq(a->n, b->n, "%s", what);
    cr_assert_arr_eq(&a->sqnr_db_min, &b->sqnr_db_min, 3 * sizeof(double), "%s", what);
    cr_assert_eq(a->worst_sample, b->worst_sample, "%s", what);
    cr_assert_eq(a->flags, b->flags, "%s", what);
}

/* A sum over one order and over another. scale: of its terms. */
static void near(double a, double b, double scale, const char *what)
{
    cr_assert((isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-12 * scale, "%s: %.17g, %.17g",
              what, a, b);
}

/* As same_diff() does it, with sums that were made in another order. */
static void close_diff(const qns_diff *a, const qns_diff *b, const char *what)
{
    cr_assert_eq(a->present, b->present, "%s", what);
    cr_assert_eq(a->n, b->n, "%s", what);
    cr_assert_eq(a->flags, b->flags, "%s", what);
    cr_assert_eq(a->worst_sample, b->worst_sample, "%s", what);
    near(a->max_abs, b->max_abs, 0, what);
    near(a->max_abs_steps, b->max_abs_steps, 0, what);
    near(a->clipped, b->clipped, 0, what);
    near(a->ref_min, b->ref_min, 0, what);
    near(a->ref_max, b->ref_max, 0, what);
    near(a->test_min, b->test_min, 0, what);
    near(a->test_max, b->test_max, 0, what);
    near(a->sqnr_db, b->sqnr_db, 10, what);
    near(a->sqnr_db_min, b->sqnr_db_min, 10, what);
    near(a->sqnr_db_p5, b->sqnr_db_p5, 10, what);
    near(a->sqnr_db_median, b->sqnr_db_median, 10, what);
    near(a->rmse, b->rmse, b->rmse, what);
    near(a->rmse_steps, b->rmse_steps, b->rmse_steps, what);
    near(a->ref_rms, b->ref_rms, b->ref_rms, what);
    near(a->cosine, b->cosine, 1, what);
    near(a->bias, b->bias, b->rmse, what);
    near(a->bias_sigma, b->bias_sigma, 1 + fabs(b->bias_sigma), what);
}

Test(shadow, cumulative_is_what_captures_say)
{
    qns_err err;
    qns_result *s = shadowed(0, NULL), *c = NULL;
    const char *f = captured("f.h5", float_model), *q = captured("q.h5", int8_model);
    OK(qns_compare(&c, f, q, NULL, &err));
    cr_assert_str_eq(s->kind, "shadow");
    cr_assert_eq(s->n_layers, c->n_layers);
    cr_assert_gt(s->n_layers, 10);
    for (uint32_t i = 0; i < s->n_layers; i++) {
        const qns_layer *x = &s->layer[i], *y = &c->layer[i];
        cr_assert_str_eq(x->name, y->name);
        close_diff(&x->activation, &y->activation, x->name);
        same_diff(&x->weight, &y->weight, x->name);
        cr_assert(x->local.present);
        cr_assert_not(y->local.present);
        cr_assert_eq(s->ranking[i], c->ranking[i]);
    }
    cr_assert_eq(s->output.top1_agreement, c->output.top1_agreement);
    cr_assert_eq(s->output.test_top1, c->output.test_top1);
    cr_assert_str_eq(s->ref.inputs_id, c->ref.inputs_id);
    cr_assert_eq(s->coverage.matched, c->coverage.matched);
    qns_result_free(s);
    qns_result_free(c);
}

/* The first layer has one input, which is quantized the same way in both runs. */
Test(shadow, first_layer_has_local_error_only)
{
    qns_result *r = shadowed(0, NULL);
    same_diff(&r->layer[0].local, &r->layer[0].activation, r->layer[0].name);
    qns_result_free(r);
}

/* Turns the sign of a layer's int8 weights. */
static void plant(const char *layer)
{
    const qns_graph *g = qns_model_graph(int8_model);
    const qns_node *n = NULL;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *x = qns_graph_node(g, (qns_nid){i});
        for (uint32_t k = 0; k < x->n_origin; k++)
            if (x->op->quant.weight >= 0 && strcmp(x->origin[k], layer) == 0)
                n = x;
    }
    cr_assert(n, "no node of '%s'", layer);
    const qns_value *w = qns_graph_value(g, n->in[n->op->quant.weight]);
    int8_t *q = (int8_t *)(uintptr_t)w->constant;
    cr_assert_eq(w->dtype, QNS_I8);
    for (size_t i = 0; i < qns_shape_count(&w->shape); i++)
        q[i] = (int8_t)(q[i] == -128 ? 127 : -q[i]);
}

/* More threads than samples, too. */
static void same_for_all_threads(void)
{
    static const int threads[] = {2, 3, 5, SAMPLES + 1};
    qns_err err;
    qns_str one = {0};
    const qns_shadow_opts o = {.per_channel = true};
    qns_result *r = shadowed(1, &o);
    OK(qns_result_to_json(&one, r, false, &err));
    cr_assert(strstr(qns_str_get(&one), "\"activation_channels\""));
    qns_result_free(r);
    for (size_t i = 0; i < QNS_ARRAY_LEN(threads); i++) {
        qns_str many = {0};
        r = shadowed(threads[i], &o);
        OK(qns_result_to_json(&many, r, false, &err));
        cr_assert_str_eq(qns_str_get(&one), qns_str_get(&many), "%d threads", threads[i]);
        qns_str_fini(&many);
        qns_result_free(r);
    }
    qns_str_fini(&one);
}

Test(shadow, independent_of_threads)
{
    same_for_all_threads();
}

/* All samples are bad at one layer, of which the first ones alone are looked at by channel. */
Test(shadow, bad_layer_independent_of_threads)
{
    qns_err err;
    const char *eval_yaml = FIXTURE("eval.yaml");
    qns_result *fine = shadowed(0, NULL);
    plant(fine->layer[5].name);
    qns_source_close(data);
    data = NULL;
    OK(qns_source_open(&data, qns_model_graph(float_model), &eval_yaml, 1, NULL, 70, &err));
    same_for_all_threads();
    qns_result_free(fine);
}

typedef struct stopping {
    int64_t done;
    int64_t asked; /* times */
} stopping;

static bool stop_at_5(void *ctx)
{
    return ((stopping *)ctx)->asked++ == 5;
}

static void note_done(void *ctx, int64_t done, int64_t total)
{
    stopping *s = ctx;
    cr_assert_eq(done, s->done + 1);
    cr_assert_eq(total, SAMPLES);
    s->done = done;
}

Test(shadow, stops)
{
    for (int threads = 1; threads <= 3; threads++) {
        qns_err err;
        qns_result *r = NULL;
        stopping s = {0};
        const qns_exec_opts e = {.cpu_mask = ~0u, .threads = threads};
        const qns_shadow_side a = {.graph = qns_model_graph(float_model), .exec = &e};
        const qns_shadow_side b = {.graph = qns_model_graph(int8_model), .exec = &e};
        const qns_shadow_opts o = {.progress = note_done, .cancelled = stop_at_5, .ctx = &s};
        FAILS(qns_shadow(&r, &a, &b, data, &o, &err), QNS_E_CANCELLED, "sample 5 of 12");
        cr_assert_null(r);
        cr_assert_eq(s.done, 5, "%d threads", threads);
    }
}

Test(shadow, planted_error)
{
    qns_result *fine = shadowed(0, NULL);
    uint32_t at = 3, hurt = 0;
    while (!fine->layer[at].weight.present)
        at++;
    plant(fine->layer[at].name);
    qns_result *r = shadowed(0, NULL);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_layer *l = &r->layer[i];
        if (i == at) {
            cr_assert_lt(l->local.sqnr_db, 6, "%s: %g dB", l->name, l->local.sqnr_db);
            continue;
        }
        same_diff(&l->local, &fine->layer[i].local, l->name);
        cr_assert_gt(l->local.sqnr_db, 20, "%s: %g dB", l->name, l->local.sqnr_db);
        hurt += l->activation.sqnr_db < fine->layer[i].activation.sqnr_db - 6;
        if (i < at)
            same_diff(&l->activation, &fine->layer[i].activation, l->name);
        if (l->verdict != QNS_V_OK && i > at)
            cr_assert(strstr(l->advice, "alone it is fine"), "%s: %s", l->name, l->advice);
    }
    cr_assert_gt(hurt, 2);
    qns_result_free(fine);
    qns_result_free(r);
}

/* A layer in float reads the same floats on both sides. */
Test(shadow, float_against_itself_is_exact)
{
    qns_err err;
    qns_result *r = NULL;
    const qns_exec_opts e = {.cpu_mask = ~0u};
    const qns_shadow_side a = {.graph = qns_model_graph(float_model), .exec = &e};
    OK(qns_shadow(&r, &a, &a, data, NULL, &err));
    for (uint32_t i = 0; i < r->n_layers; i++)
        cr_assert(r->layer[i].local.flags & QNS_M_EXACT, "%s", r->layer[i].name);
    qns_result_free(r);
}

Test(shadow, json_keeps_local)
{
    qns_err err;
    qns_result *r = shadowed(0, NULL), *back = NULL;
    OK(qns_result_save(in_folder("r.json"), r, &err));
    OK(qns_result_load(&back, in_folder("r.json"), &err));
    cr_assert_str_eq(back->kind, "shadow");
    for (uint32_t i = 0; i < r->n_layers; i++)
        same_diff(&back->layer[i].local, &r->layer[i].local, r->layer[i].name);
    qns_result_free(r);
    qns_result_free(back);
}

Test(shadow, refused)
{
    qns_err err;
    qns_result *r = NULL;
    const char *none = "nosuchlayer";
    const qns_exec_opts e = {.cpu_mask = ~0u};
    const qns_shadow_side a = {.graph = qns_model_graph(float_model), .exec = &e, .file = "f"};
    const qns_shadow_side b = {.graph = qns_model_graph(int8_model), .exec = &e, .file = "q"};
    const qns_shadow_opts o = {.layers = &none, .n_layers = 1};
    FAILS(qns_shadow(&r, &b, &a, data, NULL, &err), QNS_E_MISMATCH, "is quantized");
    FAILS(qns_shadow(&r, &a, &b, data, &o, &err), QNS_E_NOTFOUND, "no layer matches");
}
