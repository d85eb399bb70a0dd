/* SPDX-License-Identifier: MIT */
/* Prepare, convert and lower on small networks: who is quantized, what borders look like, how
 * values are called, and that integers compute what the Q/DQ graph says. */
#include "tests/unit/core/quant/net.h"

typedef struct made {
    qns_graph *g, *fused, *qdq, *lowered, *literal;
    qns_qconfig_set *set;
    qns_decisions *d;
} made;

/* yaml may be NULL: the backend's preset. Takes over g. */
static made make(qns_graph *g, const char *yaml, const char *backend)
{
    made m = {.g = g};
    qns_err err = {0};
    const qns_backend *be = qns_backend_find(backend);
    const qns_calibration c = net_calibration(8);
    cr_assert_eq(qns_fuse(&m.fused, g, &err), QNS_OK, "%s", err.text);
    if (yaml)
        cr_assert_eq(qns_qconfig_parse(&m.set, yaml, strlen(yaml), "q.yaml", be, &err), QNS_OK,
                     "%s", err.text);
    else
        cr_assert_eq(qns_qconfig_create(&m.set, be, NULL, &err), QNS_OK);
    cr_assert_eq(qns_quantize(&m.qdq, &m.d, m.fused, m.set, &c, &err), QNS_OK, "%s (%s)", err.text,
                 err.trail);
    cr_assert_eq(qns_lower(&m.lowered, m.qdq, be, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    cr_assert_eq(qns_lower_literal(&m.literal, m.qdq, &err), QNS_OK, "%s", err.text);
    return m;
}

static void drop(made *m)
{
    qns_graph_free(m->lowered);
    qns_graph_free(m->literal);
    qns_graph_free(m->qdq);
    qns_decisions_free(m->d);
    qns_qconfig_free(m->set);
    qns_graph_free(m->fused);
    qns_graph_free(m->g);
}

static const qns_value *value(const qns_graph *g, const char *name)
{
    const qns_vid v = qns_graph_find_value(g, name);
    cr_assert(qns_has(v), "no value '%s'", name);
    return qns_graph_value(g, v);
}

static bool is_int8(const made *m, const char *node)
{
    const qns_nid n = qns_graph_find_node(m->fused, node);
    cr_assert_neq(n.i, QNS_NONE, "no node '%s'", node);
    return qns_decisions_int8(m->d, n);
}

static uint32_t observer(const made *m, const char *name)
{
    return qns_decisions_value(m->d, value(m->fused, name)->id)->observer;
}

static uint32_t count_nodes(const qns_graph *g, const char *op)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        n += strcmp(qns_graph_node(g, (qns_nid){i})->op->name, op) == 0;
    return n;
}

/* Runs both and compares the outputs: no number may be further apart than so many steps. */
static void same_within(const made *m, const char *backend, const char *last, double steps)
{
    const qns_backend *be = qns_backend_find(backend);
    const qns_tensor in = qns_graph_tensor(m->g, qns_graph_input(m->g, 0));
    const qns_tensor out = qns_graph_tensor(m->g, qns_graph_output(m->g, 0));
    const size_t n_in = qns_tensor_count(&in), n_out = qns_tensor_count(&out);
    const double step = value(m->qdq, last)->qp->scale[0];
    float *x = qns_calloc(n_in, sizeof *x), *a = qns_calloc(n_out, sizeof *a);
    float *b = qns_calloc(n_out, sizeof *b);
    qns_tensor sample = in;
    sample.data = x;
    size_t nonzero = 0;
    for (int64_t s = 100; s < 110; s++) {
        net_sample(&sample, NULL, s, NULL);
        net_eval(a, m->lowered, be, x, NULL);
        net_eval(b, m->literal, be, x, NULL);
        for (size_t i = 0; i < n_out; i++) {
            nonzero += b[i] != 0;
            cr_assert_leq(fabs((double)a[i] - (double)b[i]), step * (steps + 1e-3),
                          "sample %d, output %zu: %g and %g, step %g", (int)s, i, (double)a[i],
                          (double)b[i], step);
        }
    }
    cr_assert_gt(nonzero, 0);
    qns_free(x);
    qns_free(a);
    qns_free(b);
}

/* x -> pool p -> add s (p + p) -> relu -> pool y */
static qns_graph *chain(void)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const qns_vid p = net_maxpool2(&t, "p", x);
    const qns_vid r = net_relu(&t, "r", net_op(&t, "Add", "s", NET_IN(p, p), NULL, 0));
    const qns_vid y = net_maxpool2(&t, "y", r);
    return net_finish(&t, &y, 1);
}

Test(convert, names_and_pairs)
{
    made m = make(chain(), NULL, "fbgemm");
    cr_assert(is_int8(&m, "p_node") && is_int8(&m, "s_node") && is_int8(&m, "y_node"));
    cr_assert_str_eq(value(m.qdq, "r_q")->origin, "r");
    cr_assert_str_eq(value(m.qdq, "r_dq")->origin, "r");
    cr_assert_eq(value(m.qdq, "r")->dtype, QNS_F32);
    cr_assert_eq(value(m.qdq, "r_q")->dtype, QNS_U8);
    cr_assert_eq(count_nodes(m.qdq, "quantize"), 4);
    const qns_value *out = qns_graph_value(m.qdq, qns_graph_output(m.qdq, 0));
    cr_assert_str_eq(out->name, "y");
    cr_assert_eq(out->dtype, QNS_F32);
    cr_assert_str_eq(value(m.qdq, "y_op")->origin, "y");
    drop(&m);
}

Test(convert, passing_on_keeps_the_qparams)
{
    made m = make(chain(), NULL, "fbgemm");
    cr_assert_eq(observer(&m, "p"), observer(&m, "x"));
    cr_assert_eq(observer(&m, "y"), observer(&m, "r"));
    cr_assert_neq(observer(&m, "r"), observer(&m, "p"));
    cr_assert(qns_qparams_equal(value(m.qdq, "x_q")->qp, value(m.qdq, "p_q")->qp));
    cr_assert(qns_qparams_equal(value(m.qdq, "r_q")->qp, value(m.qdq, "y_q")->qp));
    cr_assert(!qns_qparams_equal(value(m.qdq, "r_q")->qp, value(m.qdq, "p_q")->qp));
    drop(&m);
}

Test(convert, lowered_graph_is_integers_between_one_pair)
{
    made m = make(chain(), NULL, "fbgemm");
    cr_assert_eq(count_nodes(m.lowered, "quantize"), 1);
    cr_assert_eq(count_nodes(m.lowered, "dequantize"), 1);
    cr_assert_eq(qns_graph_n_nodes(m.lowered), 5);
    cr_assert_eq(value(m.lowered, "r")->dtype, QNS_U8);
    cr_assert(qns_qparams_equal(value(m.lowered, "r")->qp, value(m.qdq, "r_q")->qp));
    cr_assert_str_eq(value(m.lowered, "y_op")->origin, "y");
    same_within(&m, "fbgemm", "y_q", 1);
    drop(&m);
}

Test(convert, metadata_tells_what_was_done)
{
    made m = make(chain(), "rules:\n  - skip: [s_node]\n", "fbgemm");
    const char *const keys[] = {"qns.backend",   "qns.qconfig",      "qns.calibration",
                                "qns.decisions", "qns.source_graph", "qns.source_weights"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(keys); i++)
        cr_assert(qns_graph_meta(m.qdq, keys[i]), "no %s", keys[i]);
    cr_assert_str_eq(qns_graph_meta(m.qdq, "qns.backend"), "fbgemm");
    cr_assert_str_eq(qns_graph_meta(m.qdq, "qns.calibration"), "8");
    cr_assert(strstr(qns_graph_meta(m.qdq, "qns.decisions"),
                     "{\"node\":\"s_node\",\"op\":\"add\",\"int8\":false,"
                     "\"why\":\"kept float by rule\",\"line\":2}"),
              "%s", qns_graph_meta(m.qdq, "qns.decisions"));
    qns_qconfig_set *again;
    qns_err err = {0};
    const char *text = qns_graph_meta(m.qdq, "qns.qconfig");
    cr_assert_eq(qns_qconfig_parse(&again, text, strlen(text), "meta", NULL, &err), QNS_OK);
    qns_qconfig_free(again);
    drop(&m);
}

/* x -> a (add) -> s (add, skipped) -> y (add). */
Test(convert, a_skipped_node_stands_between_borders)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const qns_vid a = net_op(&t, "Add", "a", NET_IN(x, x), NULL, 0);
    const qns_vid s = net_op(&t, "Add", "s", NET_IN(a, x), NULL, 0);
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(s, a), NULL, 0);
    made m = make(net_finish(&t, &y, 1), "rules:\n  - skip: s_node\n", "fbgemm");
    cr_assert(is_int8(&m, "a_node") && !is_int8(&m, "s_node") && is_int8(&m, "y_node"));
    const qns_node *skipped = qns_graph_node(m.lowered, qns_graph_find_node(m.lowered, "s_node"));
    const qns_value *first = qns_graph_value(m.lowered, skipped->in[0]);
    const qns_value *second = qns_graph_value(m.lowered, skipped->in[1]);
    cr_assert_str_eq(first->name, "a_dq"); /* what an integer node makes is read quantized */
    cr_assert_str_eq(second->name, "x");   /* the graph's input stays exact for float readers */
    cr_assert_eq(value(m.lowered, "s")->dtype, QNS_F32);
    cr_assert_eq(value(m.lowered, "s_q")->dtype, QNS_U8);
    cr_assert_eq(value(m.lowered, "y_op")->dtype, QNS_U8);
    same_within(&m, "fbgemm", "y_q", 1);
    drop(&m);
}

Test(convert, what_only_passes_on_stays_float_alone)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const qns_vid p = net_maxpool2(&t, "p", x);
    const qns_vid s = net_op(&t, "Add", "s", NET_IN(p, p), NULL, 0);
    const qns_vid y = net_maxpool2(&t, "y", s);
    made m = make(net_finish(&t, &y, 1), "rules:\n  - skip: s_node\n", "fbgemm");
    cr_assert(!is_int8(&m, "p_node") && !is_int8(&m, "y_node"));
    cr_assert_eq(qns_decisions_n_int8(m.d), 0);
    cr_assert(!qns_is_qdq(m.qdq));
    cr_assert_eq(qns_decisions_node(m.d, qns_graph_find_node(m.fused, "p_node"))->why,
                 QNS_WHY_ALONE);
    drop(&m);
}

static qns_status count_row(void *ctx, const qns_explain_row *r, qns_err *err)
{
    (void)err;
    cr_assert(r->value && r->op && r->why);
    if (r->choice == QNS_QUANTIZE || r->choice == QNS_SHARE)
        cr_assert(r->observer && r->scale > 0 && r->range.lo <= r->range.hi, "%s", r->value);
    ++*(int *)ctx;
    return QNS_OK;
}

Test(convert, every_value_is_explained)
{
    made m = make(chain(), NULL, "fbgemm");
    int n = 0;
    qns_err err = {0};
    cr_assert_eq(qns_decisions_explain(m.d, count_row, &n, &err), QNS_OK);
    cr_assert_eq(n, 4);
    drop(&m);
}

static qns_status bad_sample(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    QNS_TRY(net_sample(in, ctx, sample, err));
    if (sample == 2)
        qns_f32(&in[0])[5] = NAN;
    return QNS_OK;
}

static bool stop(void *ctx)
{
    return ++*(int *)ctx > 3;
}

Test(convert, calibration_failures_are_placed)
{
    qns_graph *g = chain(), *f, *out;
    qns_qconfig_set *set;
    qns_err err = {0};
    int asked = 0;
    cr_assert_eq(qns_fuse(&f, g, &err), QNS_OK);
    cr_assert_eq(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, &err), QNS_OK);
    qns_calibration c = net_calibration(8);
    c.samples.get = bad_sample;
    cr_assert_eq(qns_quantize(&out, NULL, f, set, &c, &err), QNS_E_DATA);
    cr_assert(strstr(err.trail, "sample 2") && strstr(err.trail, "'x'"), "%s", err.trail);
    err = (qns_err){0};
    c = net_calibration(8);
    c.cancelled = stop;
    c.ctx = &asked;
    cr_assert_eq(qns_quantize(&out, NULL, f, set, &c, &err), QNS_E_CANCELLED);
    err = (qns_err){0};
    c = net_calibration(0);
    cr_assert_eq(qns_quantize(&out, NULL, f, set, &c, &err), QNS_E_DATA);
    qns_qconfig_free(set);
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(convert, lowering_twice_gives_the_same)
{
    made m = make(chain(), NULL, "fbgemm");
    qns_graph *again;
    qns_err err = {0};
    qns_digest t1, c1, t2, c2;
    cr_assert_eq(qns_lower(&again, m.qdq, qns_backend_find("fbgemm"), &err), QNS_OK);
    cr_assert_eq(qns_graph_digest(&t1, &c1, m.lowered, &err), QNS_OK);
    cr_assert_eq(qns_graph_digest(&t2, &c2, again, &err), QNS_OK);
    cr_assert(qns_digest_equal(&t1, &t2) && qns_digest_equal(&c1, &c2));
    qns_graph_free(again);
    drop(&m);
}

/* x -> a (add), b (add) -> cat(a, b) -> p (pool) -> y (add) */
Test(convert, concat_shares_the_first_observer)
{
    net t = net_start(1);
    const net_ints axis = {"axis", {1}, 0};
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const qns_vid a = net_op(&t, "Add", "a", NET_IN(x, x), NULL, 0);
    const qns_vid b = net_op(&t, "Add", "b", NET_IN(a, x), NULL, 0);
    const qns_vid c = net_op(&t, "Concat", "c", NET_IN(a, b), &axis, 1);
    const qns_vid p = net_maxpool2(&t, "p", c);
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(p, p), NULL, 0);
    made m = make(net_finish(&t, &y, 1), NULL, "fbgemm");
    cr_assert_eq(observer(&m, "b"), observer(&m, "a"));
    cr_assert_eq(observer(&m, "c"), observer(&m, "a"));
    cr_assert_eq(observer(&m, "p"), observer(&m, "a"));
    cr_assert_neq(observer(&m, "y"), observer(&m, "a"));
    cr_assert(qns_qparams_equal(value(m.qdq, "a_q")->qp, value(m.qdq, "b_q")->qp));
    /* The range holds the wider of both. */
    cr_assert_geq(qns_decisions_range(m.d, value(m.fused, "a")->id).hi, 2.2F);
    same_within(&m, "fbgemm", "y_q", 1);
    drop(&m);
}

/* x -> s (softmax), a (add) -> cat(s, a): a must not be squeezed into 0..1. */
Test(convert, a_fixed_range_is_not_shared)
{
    net t = net_start(1);
    const net_ints axis = {"axis", {1}, 0};
    const qns_vid x = net_input(&t, "x", (qns_shape){2, {1, 12}});
    const qns_vid s = net_op(&t, "Softmax", "s", NET_IN(x), &axis, 1);
    const qns_vid a = net_op(&t, "Add", "a", NET_IN(x, x), NULL, 0);
    const qns_vid c = net_op(&t, "Concat", "c", NET_IN(s, a), &axis, 1);
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(c, c), NULL, 0);
    made m = make(net_finish(&t, &y, 1), NULL, "fbgemm");
    if (is_int8(&m, "s_node")) {
        cr_assert_eq(value(m.qdq, "s_q")->qp->scale[0], 1.0 / 256);
        cr_assert_eq(observer(&m, "c"), observer(&m, "a"));
    }
    cr_assert_lt(qns_decisions_range(m.d, value(m.fused, "a")->id).lo, -1.5F);
    cr_assert_gt(value(m.qdq, "c_q")->qp->zero[0], 0);
    same_within(&m, "fbgemm", "y_q", 1);
    drop(&m);
}

Test(convert, qnnpack_computes_what_the_graph_says)
{
    made m = make(chain(), NULL, "qnnpack");
    cr_assert_eq(qns_graph_n_nodes(m.lowered), 5);
    cr_assert_eq(qns_decisions_n_int8(m.d), 3);
    same_within(&m, "qnnpack", "y_q", 1);
    drop(&m);
}

static qns_status pipeline(const qns_graph *g, qns_err *err)
{
    static const char yaml[] = "rules:\n  - op: add\n    activation: {observer: minmax}\n"
                               "  - name: 'y*'\n    activation: {bins: 64}\n";
    qns_status st = QNS_OK;
    qns_graph *f = NULL, *qdq = NULL, *lowered = NULL;
    qns_qconfig_set *set = NULL, *copy = NULL;
    const qns_calibration c = net_calibration(2);
    QNS_TRY_DONE(qns_fuse(&f, g, err));
    QNS_TRY_DONE(qns_qconfig_parse(&set, yaml, strlen(yaml), "q.yaml", NULL, err));
    QNS_TRY_DONE(qns_qconfig_copy(&copy, set, err));
    QNS_TRY_DONE(qns_quantize(&qdq, NULL, f, copy, &c, err));
    QNS_TRY_DONE(qns_lower(&lowered, qdq, qns_backend_find("fbgemm"), err));
done:
    qns_graph_free(lowered);
    qns_graph_free(qdq);
    qns_graph_free(f);
    qns_qconfig_free(set);
    qns_qconfig_free(copy);
    return st;
}

Test(convert, out_of_memory_anywhere_is_reported)
{
    qns_graph *g = chain();
    qns_status st = QNS_E_NOMEM;
    int64_t n = 0;
    for (; st != QNS_OK; n++) {
        qns_err err = {0};
        qns_mem_fail_at(n);
        st = pipeline(g, &err);
        qns_mem_fail_at(-1);
        cr_assert(st == QNS_OK || (st == QNS_E_NOMEM && err.code == QNS_E_NOMEM),
                  "allocation %d: %s: %s", (int)n, qns_status_text(st), err.text);
        cr_assert_lt(n, 100000);
    }
    cr_assert_gt(n, 50);
    qns_graph_free(g);
}
