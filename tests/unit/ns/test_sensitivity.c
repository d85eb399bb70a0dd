/* SPDX-License-Identifier: MIT */
/* Sensitivities of small networks: planted faults are found, special cases are told. */
#include "ns/sensitivity.h"

#include "reports/kind.h"
#include "tests/unit/core/quant/net.h"

#include <math.h>

enum { SAMPLES = 6, CALIB = 8 };

#define OK(call)                                                                                   \
    do {                                                                                           \
        err = (qns_err){0};                                                                        \
        const qns_status st_ = (call);                                                             \
        cr_assert_eq(st_, QNS_OK, "%s: %s", err.trail, err.text);                                  \
    } while (0)

typedef struct scanned {
    qns_graph *raw, *fused;
    qns_qconfig_set *set;
    qns_trials *t;
    qns_sensitivity *s;
} scanned;

static scanned scan(net *n, const qns_vid *out, size_t n_out, const char *skip)
{
    qns_err err;
    scanned x = {.raw = net_finish(n, out, n_out)};
    OK(qns_fuse(&x.fused, x.raw, &err));
    OK(qns_qconfig_create(&x.set, qns_backend_find("fbgemm"), NULL, &err));
    if (skip)
        OK(qns_qconfig_skip(x.set, skip, &err));
    const qns_trials_spec spec = {.fused = x.fused,
                                  .set = x.set,
                                  .calib = {NULL, CALIB, net_sample},
                                  .eval = {NULL, SAMPLES, net_sample},
                                  .exec = {.engine = QNS_ENGINE_REFERENCE}};
    const qns_sens_opts o = {.model = "net"};
    OK(qns_trials_create(&x.t, &spec, &err));
    OK(qns_sensitivity_run(&x.s, x.t, &o, &err));
    return x;
}

static void drop(scanned *x)
{
    qns_sensitivity_free(x->s);
    qns_trials_free(x->t);
    qns_qconfig_free(x->set);
    qns_graph_free(x->fused);
    qns_graph_free(x->raw);
}

static qns_shape shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (qns_shape){4, {a, b, c, d}};
}

static qns_vid conv(net *n, const char *name, qns_vid x, qns_vid w)
{
    const net_ints pads[] = {{"pads", {1, 1, 1, 1}, 4}};
    return net_op(n, "Conv", name, NET_IN(x, w), pads, 1);
}

static const qns_sens_unit *unit(const qns_sensitivity *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_units; i++)
        if (strcmp(s->unit[i].name, name) == 0)
            return &s->unit[i];
    cr_assert_fail("no unit '%s'", name);
    return NULL;
}

static qns_vid quiet(net *n, const char *name)
{
    float w[4 * 4 * 9];
    for (size_t i = 0; i < QNS_ARRAY_LEN(w); i++)
        w[i] = i < 3 * 36 ? (float)(2 * qns_rng_unit(&n->rng) - 1) : 0;
    return net_const(n, name, shape4(4, 4, 3, 3), w);
}

/* The weights of an input channel that is always 0 are so large that all others round to zero. */
static qns_vid spoilt(net *n, const char *name)
{
    float w[4 * 4 * 9];
    for (size_t i = 0; i < QNS_ARRAY_LEN(w); i++)
        w[i] = (float)(0.2 * qns_rng_unit(&n->rng) - 0.1);
    for (size_t c = 0; c < 4; c++) /* in every output channel: scales may be by channel */
        w[c * 36 + 3 * 9] = 40;
    return net_const(n, name, shape4(4, 4, 3, 3), w);
}

Test(sensitivity, finds_the_spoilt_layer)
{
    net n = net_start(3);
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, quiet(&n, "wa"));
    const qns_vid b = conv(&n, "b", a, spoilt(&n, "wb"));
    const qns_vid c = conv(&n, "c", b, net_random(&n, "wc", shape4(4, 4, 3, 3), -1, 1));
    scanned r = scan(&n, &c, 1, NULL);
    cr_assert_eq(r.s->n_units, 3);
    cr_assert_not(r.s->classifier);
    cr_assert(isnan(r.s->int8.top1_agreement));
    const qns_sens_unit *worst = &r.s->unit[r.s->ranking[0]];
    cr_assert_str_eq(worst->name, "b_node");
    cr_assert_eq(worst->verdict, QNS_V_BAD);
    cr_assert(strstr(worst->advice, "keep this layer in float"));
    cr_assert_gt(unit(r.s, "a_node")->in.output_sqnr_db, 20);
    cr_assert_gt(worst->out.output_sqnr_db, 20);
    drop(&r);
}

/* Numbers of the scan are those of single trials; a concat alone has nothing to do. */
Test(sensitivity, two_outputs_and_a_concat)
{
    qns_err err;
    net n = net_start(4);
    const net_ints axis[] = {{"axis", {1}, 0}};
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, net_random(&n, "wa", shape4(4, 4, 3, 3), -1, 1));
    const qns_vid b = conv(&n, "b", x, net_random(&n, "wb", shape4(4, 4, 3, 3), -3, 3));
    const qns_vid both = net_op(&n, "Concat", "both", NET_IN(a, b), axis, 1);
    const qns_vid pool = net_maxpool2(&n, "pool", both);
    const qns_vid c = conv(&n, "c", pool, net_random(&n, "wc", shape4(4, 8, 3, 3), -1, 1));
    const qns_vid out[] = {c, b};
    scanned r = scan(&n, out, 2, NULL);
    cr_assert_eq(r.s->n_units, 4);
    cr_assert(unit(r.s, "both_node")->alone);
    cr_assert_eq(unit(r.s, "both_node")->in.output_sqnr_db, INFINITY);
    cr_assert_not(unit(r.s, "c_node")->alone);
    for (uint32_t i = 0; i < 4; i++) {
        bool in_float[4];
        qns_trial_score one;
        for (uint32_t k = 0; k < 4; k++)
            in_float[k] = k != i;
        OK(qns_trials_run(&one, r.t, in_float, 0, SAMPLES, false, &err));
        cr_assert_eq(one.output_sqnr_db, r.s->unit[i].in.output_sqnr_db);
        for (uint32_t k = 0; k < 4; k++)
            in_float[k] = k == i;
        OK(qns_trials_run(&one, r.t, in_float, 0, SAMPLES, false, &err));
        cr_assert_eq(one.output_sqnr_db, r.s->unit[i].out.output_sqnr_db);
    }
    drop(&r);
}

static void same_document(const qns_sensitivity *s)
{
    qns_err err;
    qns_str a = {0}, b = {0};
    void *back;
    const qns_kind *k = qns_kind_find("sensitivity");
    OK(k->to_json(&a, s, false, &err));
    json_t *doc = json_loads(qns_str_get(&a), 0, NULL);
    OK(k->from_json(&back, doc, &err));
    OK(k->to_json(&b, back, false, &err));
    cr_assert_str_eq(qns_str_get(&a), qns_str_get(&b));
    k->free(back);
    json_decref(doc);
    qns_str_fini(&a);
    qns_str_fini(&b);
}

static char *text_of(const qns_sensitivity *s, qns_report **report)
{
    qns_err err;
    OK(qns_kind_find("sensitivity")->build(report, s, &err));
    return (char *)(uintptr_t)(*report)->verdict;
}

Test(sensitivity, nothing_to_quantize)
{
    net n = net_start(5);
    qns_report *report;
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, net_random(&n, "wa", shape4(4, 4, 3, 3), -1, 1));
    scanned r = scan(&n, &a, 1, "*");
    cr_assert_eq(r.s->n_units, 0);
    cr_assert_eq(r.s->int8.output_sqnr_db, INFINITY);
    cr_assert(strstr(text_of(r.s, &report), "nothing to quantize"));
    qns_report_free(report);
    same_document(r.s);
    drop(&r);
}

/* 0 / 0 in one output value of the float model itself: counted, and no layer is blamed. */
Test(sensitivity, nan_of_the_float_model)
{
    net n = net_start(6);
    float zero[4] = {1, 0, 1, 1};
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, net_random(&n, "wa", shape4(4, 4, 3, 3), -1, 1));
    const qns_vid d = net_const(&n, "zero", shape4(1, 4, 1, 1), zero);
    const qns_vid m = net_op(&n, "Mul", "m", NET_IN(a, d), NULL, 0);
    const qns_vid q = net_op(&n, "Div", "q", NET_IN(m, d), NULL, 0);
    scanned r = scan(&n, &q, 1, NULL);
    cr_assert_eq(r.s->ref.nonfinite, SAMPLES * 36);
    cr_assert_geq(r.s->n_units, 1);
    const qns_sens_unit *u = unit(r.s, "a_node");
    cr_assert_eq(u->in.nonfinite, SAMPLES * 36);
    cr_assert(isfinite(u->in.output_sqnr_db));
    cr_assert_eq(u->verdict, QNS_V_OK);
    same_document(r.s);
    drop(&r);
}

Test(sensitivity, orders)
{
    qns_err err;
    net n = net_start(7);
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, net_random(&n, "wa", shape4(4, 4, 3, 3), -1, 1));
    const qns_vid b = conv(&n, "b", a, spoilt(&n, "wb"));
    scanned r = scan(&n, &b, 1, NULL);
    for (int o = QNS_SENS_IN; o <= QNS_SENS_EXECUTION; o++) {
        qns_sens_order back;
        cr_assert(qns_sens_order_parse(&back, qns_sens_order_text((qns_sens_order)o)));
        cr_assert_eq((int)back, o);
    }
    OK(qns_sensitivity_judge(r.s, QNS_SENS_EXECUTION, &err));
    cr_assert_eq(r.s->ranking[0], 0);
    OK(qns_sensitivity_judge(r.s, QNS_SENS_OUT, &err));
    cr_assert_geq(r.s->unit[r.s->ranking[0]].gain_db, r.s->unit[r.s->ranking[1]].gain_db);
    same_document(r.s);
    qns_result *layers;
    OK(qns_sensitivity_layers(&layers, r.s, &err));
    cr_assert_eq(layers->n_layers, 2);
    cr_assert_str_eq(layers->layer[layers->ranking[0]].name, r.s->unit[r.s->ranking[0]].name);
    qns_result_free(layers);
    drop(&r);
}

/* A value is called as another node is: what stands in a skip list must mean one layer only. */
Test(sensitivity, names_that_mean_two_layers)
{
    qns_err err;
    net n = net_start(8);
    const qns_vid x = net_input(&n, "x", shape4(1, 4, 6, 6));
    const qns_vid a = conv(&n, "a", x, net_random(&n, "wa", shape4(4, 4, 3, 3), -1, 1));
    const qns_vid b = conv(&n, "a_node", a, net_random(&n, "wb", shape4(4, 4, 3, 3), -1, 1));
    scanned r = scan(&n, &b, 1, NULL);
    cr_assert_eq(r.s->n_units, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const qns_qrule skip = {.by = QNS_BY_SKIP, .pattern = r.s->unit[i].name};
        for (uint32_t k = 0; k < qns_graph_n_nodes(r.fused); k++) {
            const qns_node *node = qns_graph_node(r.fused, (qns_nid){k});
            cr_assert_eq(qns_qrule_matches(&skip, r.fused, node), k == r.s->unit[i].index);
        }
        bool in_float[2] = {i == 0, i == 1};
        qns_trial_score one;
        OK(qns_trials_run(&one, r.t, in_float, 0, SAMPLES, false, &err));
        cr_assert_eq(one.output_sqnr_db, r.s->unit[i].out.output_sqnr_db);
    }
    drop(&r);
}
