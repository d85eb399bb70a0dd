/* SPDX-License-Identifier: MIT */
/* e2e_*: whole networks with PyTorch's qparams, weights and biases; every activation is compared.
 */
#include "golden_metric.h"
#include "golden_nodes.h"

/* ---- e2e_fx_*: codes of every activation ---- */

typedef struct prefix {
    const char *acts, *y, *last;
    double absolute, relative; /* of y; 0, 0: bits */
    size_t seen;
} prefix;

static void see_codes(gd *c, const qns_value *v, const qns_tensor *t, void *ctx)
{
    prefix *p = ctx;
    const char *field = gd_name(c, "%s%s", p->acts, v->name);
    if (t->qp && gd_has(c, field)) {
        gd_same_tensor(c, field, t, v->name);
        p->seen++;
    }
    if (strcmp(v->name, p->last) != 0)
        return;
    if (p->absolute == 0 && p->relative == 0)
        gd_same_tensor(c, p->y, t, v->name);
    else
        gd_close(c, p->y, qns_cf32(t), qns_tensor_count(t), p->absolute, p->relative);
    p->seen++;
}

static void fx(gd *c)
{
    const char *backend = gd_text(c, "backend");
    if (!backend || !qns_backend_find(backend))
        gd_stop(c, "there is no backend '%s'", backend ? backend : "");
    const bool fbgemm = strcmp(backend, "fbgemm") == 0;
    const gd_net net = {.nodes = json_object_get(c->json, "nodes")};
    prefix p = {.acts = fbgemm ? "act_fbgemm_" : "act_", .y = fbgemm ? "y_fbgemm" : "y"};
    size_t expected = 1;
    const char *name;
    const json_t *pair;
    const qns_graph *g = gd_net_build(&p.last, c, &net);
    json_object_foreach(json_object_get(c->json, "act_qparams"), name, pair)
    {
        expected++;
        const qns_vid v = qns_graph_find_value(g, name);
        const qns_qparams *qp = qns_has(v) ? qns_graph_value(g, v)->qp : NULL;
        if (!qp)
            gd_stop(c, "there are no codes of '%s'", name);
        gd_same_number(c, name, qp->scale[0], json_number_value(json_array_get(pair, 0)));
        gd_same_number(c, name, qp->zero[0], json_number_value(json_array_get(pair, 1)));
    }
    gd_net_run(c, g, backend, "x", see_codes, &p);
    if (p.seen != expected)
        gd_fail(c, "%zu of %zu activations were seen", p.seen, expected);
    gd_check_calibration(c, backend);
}

/* ---- e2e_ns: numeric suite ---- */

static void see_int8(gd *c, const qns_value *v, const qns_tensor *t, void *ctx)
{
    static const char *const what[] = {"activation_propagated", "activation_shadow"};
    const size_t n = qns_tensor_count(t), name = strcspn(v->name, ".");
    float *x = gd_mem(c, n, sizeof *x);
    qns_tensor_to_float(x, t);
    for (size_t i = 0; i < QNS_ARRAY_LEN(what); i++) {
        const char *field = gd_name(c, "%s_%.*s_int8_dq", what[i], (int)name, v->name);
        if (!v->name[name] && t->qp && gd_has(c, field))
            gd_same_floats(c, field, x, n);
    }
    const char *shadow = gd_name(c, "activation_shadow_%.*s_fp32", (int)name, v->name);
    if (strcmp(v->name + name, ".shadow") == 0 && gd_has(c, shadow))
        gd_close(c, shadow, x, n, 1e-5, 1e-5);
}

static void see_float(gd *c, const qns_value *v, const qns_tensor *t, void *ctx)
{
    const char *field = gd_name(c, "activation_propagated_%s_fp32", v->name);
    if (gd_has(c, field))
        gd_close(c, field, qns_cf32(t), qns_tensor_count(t), 1e-5, 1e-5);
}

/* Codes of a weight, dequantized. */
static void check_weight(gd *c, const char *layer)
{
    const qns_qparams *qp = gd_qp_arrays(c, QNS_I8, -1, gd_name(c, "qw_scale_%s", layer), NULL);
    const qns_tensor w = gd_codes(c, gd_name(c, "qw_%s", layer), qp);
    const size_t n = qns_tensor_count(&w);
    float *x = gd_mem(c, n, sizeof *x);
    qns_tensor_to_float(x, &w);
    gd_same_floats(c, gd_name(c, "weight_%s_int8_dq", layer), x, n);
}

static void check_results(gd *c, const char *what, const char *layer, const json_t *row)
{
    size_t n, m;
    const float *x = gd_floats(c, gd_name(c, "%s_%s_fp32", what, layer), &n);
    const float *y = gd_floats(c, gd_name(c, "%s_%s_int8_dq", what, layer), &m);
    const gd_metrics want = {json_number_value(json_object_get(row, "sqnr")),
                             json_number_value(json_object_get(row, "l2")),
                             json_number_value(json_object_get(row, "cosine"))};
    if (n != m)
        gd_stop(c, "%s %s: %zu and %zu numbers", what, layer, n, m);
    gd_check_metrics(c, gd_name(c, "%s %s", what, layer), &want, x, y, n, 1e-5);
    if (strcmp(what, "weight") == 0)
        check_weight(c, layer);
}

static void numeric_suite(gd *c)
{
    const json_t *nodes = json_object_get(c->json, "converted_nodes"), *row;
    json_t *layers;
    const gd_net quantized = {.nodes = nodes, .shadows = true};
    const gd_net real = {.nodes = nodes, .as_float = true};
    const char *what, *layer, *last;
    gd_net_run(c, gd_net_build(&last, c, &quantized), "qnnpack", "x", see_int8, NULL);
    gd_net_run(c, gd_net_build(&last, c, &real), "qnnpack", "x", see_float, NULL);
    json_object_foreach(json_object_get(c->json, "results"), what, layers)
    {
        json_object_foreach(layers, layer, row) check_results(c, what, layer, row);
    }
}

/* ---- e2e_boundary: which layers stay float ---- */

static double last_scale(const json_t *nodes)
{
    double s = 0;
    size_t i;
    const json_t *n;
    json_array_foreach((json_t *)(uintptr_t)nodes, i, n)
    {
        const json_t *v = json_object_get(n, "scale");
        s = v ? json_number_value(v) : s;
    }
    return s;
}

static void boundary(gd *c)
{
    const gd_net net = {.nodes = json_object_get(c->json, "converted_nodes")};
    prefix p = {.acts = "act_", .y = "y"};
    const qns_graph *g = gd_net_build(&p.last, c, &net);
    /* All integers: bits. Float layers at the end: 1e-5. A float layer before integer ones may move
     * a code by one step, and so the output by one. */
    if (strcmp(c->kind, "all") != 0) {
        p.absolute = p.relative = 1e-5;
        if (strcmp(c->kind, "skip_none") == 0)
            p.absolute += last_scale(net.nodes);
    }
    gd_net_run(c, g, "qnnpack", "x", see_codes, &p);
    if (p.seen != 1)
        gd_fail(c, "the output '%s' was not seen", p.last);
    gd_check_boundaries(c);
}

const gd_kind gd_e2e_kinds[] = {
    {"e2e_fx*", "e2e", fx},
    {"e2e_ns", "numeric_suite", numeric_suite},
    {NULL, NULL, NULL},
};
const gd_kind gd_boundary_kinds[] = {{"e2e_boundary", NULL, boundary}, {NULL, NULL, NULL}};
