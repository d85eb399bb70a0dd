/* SPDX-License-Identifier: MIT */
/* Dynamic and float16 layers: what they become in files, and that reading back gives the same bits;
 * observers that find no range. */
#include "tests/unit/core/quant/net.h"

#include "core/base/half.h"
#include "core/model/onnx_write.h"
#include "core/ops/dynamic_linear.h"
#include "core/quant/convert_dynamic.h"
#include "core/quant/fuse.h"
#include "core/quant/lower.h"
#include "core/quant/model.h"

#include <unistd.h>

enum { STEPS = 3, IN = 8, OUT = 5, N_X = STEPS * IN, N_Y = STEPS * OUT };

/* x [1, 3, 8] -> MatMul -> Add -> relu: one linear layer once fused. */
static qns_graph *linear3(void)
{
    net t = net_start(3);
    const qns_vid x = net_input(&t, "x", (qns_shape){3, {1, STEPS, IN}});
    const qns_vid w = net_random(&t, "w", (qns_shape){2, {IN, OUT}}, -0.5F, 0.6F);
    const qns_vid b = net_random(&t, "b", (qns_shape){1, {OUT}}, -0.5F, 0.5F);
    const qns_vid m = net_op(&t, "MatMul", "m", NET_IN(x, w), NULL, 0);
    const qns_vid y = net_relu(&t, "y", net_op(&t, "Add", "s", NET_IN(m, b), NULL, 0));
    return net_finish(&t, &y, 1);
}

/* x [3, 1, 8] -> LSTM or GRU, 5 units. */
static qns_graph *recurrent(const char *type, int64_t gates)
{
    net t = net_start(4);
    const net_ints attr[] = {{"hidden_size", {OUT}, 0}, {"linear_before_reset", {1}, 0}};
    const qns_vid x = net_input(&t, "x", (qns_shape){3, {STEPS, 1, IN}});
    const qns_vid w = net_random(&t, "w", (qns_shape){3, {1, gates * OUT, IN}}, -0.5F, 0.5F);
    const qns_vid r = net_random(&t, "r", (qns_shape){3, {1, gates * OUT, OUT}}, -0.7F, 0.5F);
    const qns_vid b = net_random(&t, "b", (qns_shape){2, {1, 2 * gates * OUT}}, -0.2F, 0.2F);
    const qns_vid y = net_op(&t, type, "y", NET_IN(x, w, r, b), attr, gates == 3 ? 2 : 1);
    return net_finish(&t, &y, 1);
}

typedef struct made {
    qns_graph *fused, *qdq;
    qns_qconfig_set *set;
    qns_decisions *d;
} made;

static made quantized(qns_graph *source, const char *backend, const char *yaml)
{
    made m = {0};
    qns_err err = {0};
    const qns_calibration c = net_calibration(4);
    cr_assert_eq(qns_fuse(&m.fused, source, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(
        qns_qconfig_parse(&m.set, yaml, strlen(yaml), "q.yaml", qns_backend_find(backend), &err),
        QNS_OK, "%s", err.text);
    cr_assert_eq(qns_quantize(&m.qdq, &m.d, m.fused, m.set, &c, &err), QNS_OK, "%s (%s)", err.text,
                 err.trail);
    return m;
}

static void made_fini(made *m)
{
    qns_graph_free(m->qdq);
    qns_decisions_free(m->d);
    qns_qconfig_free(m->set);
    qns_graph_free(m->fused);
}

static uint32_t count(const qns_graph *g, const char *op)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        n += strcmp(qns_graph_node(g, (qns_nid){i})->op->name, op) == 0;
    return n;
}

static const float *numbers(void)
{
    static float x[N_X];
    for (int i = 0; i < N_X; i++)
        x[i] = (float)((i * 37 + 11) % 41) / 20 - 1;
    return x;
}

static float largest_difference(const float *a, const float *b)
{
    float most = 0;
    for (int i = 0; i < N_Y; i++)
        most = fmaxf(most, fabsf(a[i] - b[i]));
    return most;
}

/* The graph from memory and the one from a file: the same operators and the same bits, which are
 * put into y. */
static void same_from_file(float *y, const made *m, const char *backend, const char *op,
                           uint32_t n_op)
{
    qns_err err = {0};
    qns_graph *lowered;
    qns_model *model;
    float again[N_Y];
    char path[64];
    const qns_backend *be = qns_backend_find(backend);
    const qns_model_opts opts = {.backend = backend};
    snprintf(path, sizeof path, "/tmp/qns_dynamic_%d.onnx", (int)getpid());
    cr_assert_eq(qns_lower(&lowered, m->qdq, be, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    cr_assert_eq(qns_onnx_write(path, m->qdq, false, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    cr_assert_eq(qns_model_load(&model, path, &opts, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    unlink(path);
    cr_expect_eq(qns_model_is_quantized(model), qns_is_qdq(m->qdq));
    cr_expect_eq(count(lowered, op), n_op, "%u %s in memory", count(lowered, op), op);
    cr_expect_eq(count(qns_model_graph(model), op), n_op, "%u %s from the file",
                 count(qns_model_graph(model), op), op);
    net_eval(y, lowered, be, numbers(), NULL);
    net_eval(again, qns_model_graph(model), be, numbers(), NULL);
    cr_expect_arr_eq((const char *)y, (const char *)again, sizeof again);
    qns_model_free(model);
    qns_graph_free(lowered);
}

static void check_linear(const char *backend, const char *yaml, const char *op, uint32_t n_op,
                         float tolerance)
{
    float y[N_Y], reference[N_Y];
    qns_graph *source = linear3();
    made m = quantized(source, backend, yaml);
    net_eval(reference, m.fused, qns_backend_find("fbgemm"), numbers(), NULL);
    same_from_file(y, &m, backend, op, n_op);
    const float apart = largest_difference(y, reference);
    cr_expect(apart > 0 && apart < tolerance, "%s, %s: %g", backend, yaml, (double)apart);
    made_fini(&m);
    qns_graph_free(source);
}

Test(dynamic, linear_layers_read_back_with_the_same_bits)
{
    check_linear("fbgemm", "default: dynamic\n", "linear_dynamic", 1, 0.03F);
    check_linear("qnnpack", "default: dynamic\n", "linear_dynamic", 1, 0.03F);
    check_linear("fbgemm", "default: per_channel_dynamic\n", "linear_dynamic", 1, 0.03F);
    check_linear("fbgemm", "default: dynamic\nweight: {symmetric: false}\n", "linear_dynamic", 1,
                 0.03F);
    check_linear("fbgemm", "default: float16-dynamic\n", "linear_dynamic", 1, 1e-3F);
    check_linear("fbgemm", "default: float16_static_qconfig\n", "linear", 1, 2e-3F);
    check_linear("fbgemm", "default: default_weight_only_qconfig\n", "linear", 1, 0.03F);
}

/* There the nodes mean what ONNX says. */
Test(dynamic, onnxruntime_runs_the_nodes_as_they_are)
{
    check_linear("onnxruntime", "default: dynamic\n", "linear_dynamic", 0, 0.03F);
    check_linear("onnxruntime", "default: dynamic\n", "matmul_integer", 1, 0.03F);
}

/* Inputs of more than two axes are MatMul and Add in files. */
Test(dynamic, static_linear_layers_of_three_axes_read_back)
{
    check_linear("fbgemm", "default: fbgemm\n", "linear", 1, 0.1F);
    check_linear("qnnpack", "default: qnnpack\n", "linear", 1, 0.1F);
    check_linear("onnxruntime", "default: fbgemm\n", "linear", 1, 0.1F);
}

/* The node of the pattern computes what dynamic_linear.h computes. */
Test(dynamic, linear_is_dynamic_linear)
{
    float y[N_Y], want[N_Y];
    qns_graph *source = linear3();
    made m = quantized(source, "fbgemm", "default: dynamic\n");
    same_from_file(y, &m, "fbgemm", "linear_dynamic", 1);
    const qns_node *n = qns_graph_node(m.fused, (qns_nid){0});
    const qns_tensor *w = &qns_decisions_dynamic(m.d, n->id)->weight[1];
    const qns_dynlin_spec spec = {.rule = {QNS_REQUANT_FBGEMM, false, false},
                                  .n = OUT,
                                  .k = IN,
                                  .w = w->data,
                                  .qp = w->qp,
                                  .bias = qns_graph_value(m.fused, n->in[2])->constant,
                                  .clamp = n->clamp};
    qns_arena *a;
    qns_dynlin *l;
    qk_table k;
    qk_table_init(&k, 0);
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    cr_assert_eq(qns_dynlin_create(&l, a, &spec, NULL), QNS_OK);
    void *scratch = qns_malloc64(qns_dynlin_scratch(l, STEPS));
    cr_assert_eq(qns_dynlin_run(want, l, numbers(), STEPS, &k, scratch, NULL), QNS_OK);
    cr_expect_arr_eq((const char *)y, (const char *)want, sizeof want);
    qns_free(scratch);
    qns_arena_free(a);
    made_fini(&m);
    qns_graph_free(source);
}

static void check_recurrent(const char *type, int64_t gates, const char *op, const char *yaml,
                            float tolerance)
{
    float y[N_Y], reference[N_Y];
    qns_graph *source = recurrent(type, gates);
    made m = quantized(source, "fbgemm", yaml);
    cr_assert_eq(qns_decisions_count(m.d, QNS_DYNAMIC), 1);
    cr_expect_not_null(qns_graph_meta(m.qdq, QNS_META_DYNAMIC));
    net_eval(reference, m.fused, qns_backend_find("fbgemm"), numbers(), NULL);
    same_from_file(y, &m, "fbgemm", op, 1);
    const float apart = largest_difference(y, reference);
    cr_expect(apart > 0 && apart < tolerance, "%s, %s: %g", type, yaml, (double)apart);
    made_fini(&m);
    qns_graph_free(source);
}

Test(dynamic, recurrent_layers_read_back_with_the_same_bits)
{
    check_recurrent("LSTM", 4, "lstm", "default: dynamic\n", 0.02F);
    check_recurrent("LSTM", 4, "lstm", "default: per_channel_dynamic\n", 0.02F);
    check_recurrent("LSTM", 4, "lstm", "default: float16-dynamic\n", 1e-3F);
    check_recurrent("GRU", 3, "gru", "default: dynamic\n", 0.02F);
    check_recurrent("GRU", 3, "gru", "default: float16-dynamic\n", 1e-3F);
    check_recurrent("RNN", 1, "rnn", "default: dynamic\n", 0.05F);
}

static qns_status prepare_status(const char *yaml, qns_graph *source, const char *part)
{
    qns_graph *fused;
    qns_qconfig_set *set = NULL;
    qns_decisions *d = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_fuse(&fused, source, &err), QNS_OK);
    qns_status st = qns_qconfig_parse(&set, yaml, strlen(yaml), "q.yaml", NULL, &err);
    if (st == QNS_OK)
        st = qns_prepare(&d, fused, set, &err);
    if (st != QNS_OK)
        cr_expect(strstr(err.text, part), "'%s' is not in '%s'", part, err.text);
    qns_decisions_free(d);
    qns_qconfig_free(set);
    qns_graph_free(fused);
    qns_graph_free(source);
    return st;
}

/* x -> conv-like add a = x + x -> b = a * a, reusing a's qparams. */
static qns_graph *two_steps(void)
{
    net t = net_start(5);
    const qns_vid x = net_input(&t, "x", (qns_shape){3, {1, STEPS, OUT}});
    const qns_vid a = net_op(&t, "Add", "a", NET_IN(x, x), NULL, 0);
    const qns_vid b = net_op(&t, "Mul", "b", NET_IN(a, a), NULL, 0);
    return net_finish(&t, &b, 1);
}

Test(dynamic, reuse_input_takes_the_qparams_of_the_input)
{
    qns_graph *source = two_steps();
    made m = quantized(source, "fbgemm",
                       "default: default_qconfig\n"
                       "rules:\n  - op: mul\n    activation: {observer: ReuseInputObserver}\n");
    const qns_decision *a = qns_decisions_value(m.d, qns_graph_find_value(m.fused, "a"));
    const qns_decision *b = qns_decisions_value(m.d, qns_graph_find_value(m.fused, "b"));
    cr_expect(a->qp && qns_qparams_equal(a->qp, b->qp));
    cr_expect_eq(a->observer, b->observer);
    cr_expect_eq(b->why, QNS_WHY_REUSED);
    made_fini(&m);
    qns_graph_free(source);
}

Test(dynamic, reuse_input_without_anything_to_reuse)
{
    cr_expect_eq(
        prepare_status("default: default_reuse_input_qconfig\n", two_steps(), "nobody finds any"),
        QNS_E_CONFIG);
}

Test(dynamic, observers_that_do_not_go_together)
{
    cr_expect_eq(
        prepare_status("activation: {observer: placeholder}\n", two_steps(), "do not go together"),
        QNS_E_CONFIG);
    cr_expect_eq(prepare_status("weight: {observer: recording}\n", two_steps(), "for activations"),
                 QNS_E_CONFIG);
    cr_expect_eq(prepare_status("activation: {observer: noop, dynamic: true}\n", two_steps(),
                                "'placeholder'"),
                 QNS_E_CONFIG);
    cr_expect_eq(
        prepare_status("weight: {observer: reuse_input}\n", two_steps(), "for activations"),
        QNS_E_CONFIG);
}

Test(dynamic, recording_keeps_the_value_float_and_every_tensor)
{
    qns_graph *source = two_steps();
    made m = quantized(source, "fbgemm", "default: default_debug_qconfig\n");
    const qns_vid b = qns_graph_find_value(m.fused, "b");
    cr_expect_eq(qns_decisions_n_int8(m.d), 0);
    cr_expect_eq(qns_decisions_value(m.d, b)->why, QNS_WHY_RECORDED);
    cr_assert_eq(qns_decisions_n_recorded(m.d, b), 4);
    float x[N_Y];
    qns_tensor t = {QNS_F32, QNS_ROW, {3, {1, STEPS, OUT}}, x, NULL};
    net_sample(&t, NULL, 2, NULL);
    const qns_recorded r = qns_decisions_recorded(m.d, b, 2);
    cr_assert_eq(r.n, N_Y);
    for (int i = 0; i < N_Y; i++)
        cr_expect_eq(r.x[i], (x[i] + x[i]) * (x[i] + x[i]));
    made_fini(&m);
    qns_graph_free(source);
}

Test(dynamic, damaged_marks_are_ignored)
{
    qns_graph *source = recurrent("LSTM", 4), *fused, *lowered;
    qns_gb *gb;
    qns_err err = {0};
    made m = quantized(source, "fbgemm", "default: dynamic\n");
    cr_assert_eq(qns_gb_create(&gb, NULL, m.qdq, &err), QNS_OK);
    cr_assert_eq(qns_gb_copy_inputs(gb, &err), QNS_OK);
    for (uint32_t i = 0; i < qns_graph_n_nodes(m.qdq); i++)
        cr_assert_eq(qns_gb_copy_node(gb, qns_graph_node(m.qdq, (qns_nid){i}), &err), QNS_OK);
    cr_assert_eq(qns_gb_copy_outputs(gb, &err), QNS_OK);
    cr_assert_eq(qns_gb_meta(gb, QNS_META_DYNAMIC, "{]", &err), QNS_OK);
    cr_assert_eq(qns_gb_finish(&fused, gb, &err), QNS_OK);
    cr_assert_eq(qns_lower(&lowered, fused, qns_backend_find("fbgemm"), &err), QNS_OK);
    float y[N_Y];
    net_eval(y, lowered, qns_backend_find("fbgemm"), numbers(), NULL);
    qns_graph_free(lowered);
    qns_graph_free(fused);
    made_fini(&m);
    qns_graph_free(source);
}
