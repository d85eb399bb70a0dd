/* SPDX-License-Identifier: MIT */
/* A whole network against PyTorch's graph mode (goldens e2e_fx_*): conv-bn-relu, conv-bn, add+relu,
 * max pool, depthwise conv+relu, global average pool, flatten, linear.
 *
 * Float convolutions add in another order than PyTorch's, so ranges may differ a little; folded
 * biases and weight codes are element-wise and must be exact. With PyTorch's own qparams every
 * activation code must be exact, too. */
#include "tests/unit/core/quant/golden_npz.h"
#include "tests/unit/core/quant/net.h"

static qns_vid constant(net *t, const golden *g, const json_t *c, const char *field)
{
    golden_array a = golden_get(g, c, field);
    qns_shape s = {.rank = a.rank};
    for (int i = 0; i < a.rank; i++)
        s.dim[i] = a.dim[i];
    const qns_vid v = net_const(t, field, s, a.data);
    free(a.bytes);
    return v;
}

static qns_vid conv(net *t, const golden *g, const json_t *c, const char *name, qns_vid x,
                    int64_t stride, int64_t group, bool bias)
{
    char w[64], b[64];
    snprintf(w, sizeof w, "float_%s__weight", name);
    snprintf(b, sizeof b, "float_%s__bias", name);
    const net_ints attr[] = {{"kernel_shape", {3, 3}, 2},
                             {"pads", {1, 1, 1, 1}, 4},
                             {"strides", {stride, stride}, 2},
                             {"group", {group}, 0}};
    const qns_vid in[3] = {x, constant(t, g, c, w), bias ? constant(t, g, c, b) : QNS_NO_VALUE};
    return net_op(t, "Conv", name, in, bias ? 3 : 2, attr, 4);
}

static qns_vid batchnorm(net *t, const golden *g, const json_t *c, const char *name, qns_vid x)
{
    static const char *const part[] = {"weight", "bias", "running_mean", "running_var"};
    qns_vid in[5] = {x};
    for (int i = 0; i < 4; i++) {
        char field[64];
        snprintf(field, sizeof field, "float_%s__%s", name, part[i]);
        in[i + 1] = constant(t, g, c, field);
    }
    return net_op(t, "BatchNormalization", name, in, 5, NULL, 0);
}

static qns_graph *network(const golden *g, const json_t *c, int64_t batch)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {batch, 3, 12, 12}});
    const qns_vid relu1 =
        net_relu(&t, "relu1", batchnorm(&t, g, c, "bn1", conv(&t, g, c, "conv1", x, 1, 1, true)));
    const qns_vid bn2 = batchnorm(&t, g, c, "bn2", conv(&t, g, c, "conv2", relu1, 1, 1, false));
    const qns_vid relu2 =
        net_relu(&t, "relu2", net_op(&t, "Add", "add", NET_IN(relu1, bn2), NULL, 0));
    const qns_vid pool = net_maxpool2(&t, "pool", relu2);
    const qns_vid relu3 = net_relu(&t, "relu3", conv(&t, g, c, "conv3", pool, 2, 8, true));
    const qns_vid gap = net_op(&t, "GlobalAveragePool", "gap", NET_IN(relu3), NULL, 0);
    const qns_vid flat = net_op(&t, "Flatten", "flat", NET_IN(gap), NULL, 0);
    const net_ints trans = {"transB", {1}, 0};
    const qns_vid w = constant(&t, g, c, "float_fc__weight");
    const qns_vid b = constant(&t, g, c, "float_fc__bias");
    const qns_vid y = net_op(&t, "Gemm", "fc", NET_IN(flat, w, b), &trans, 1);
    return net_finish(&t, &y, 1);
}

/* Our value for each activation of the golden graph; observed: has an observer of its own. */
static const struct {
    const char *golden, *value, *lowered;
    bool observed;
} map[] = {
    {"quantize_per_tensor", "x", "x_q", true},
    {"conv1", "relu1", "relu1", true},
    {"conv2", "bn2", "bn2", true},
    {"add_relu", "relu2", "relu2", true},
    {"pool", "pool", "pool", false},
    {"conv3", "relu3", "relu3", true},
    {"gap", "gap", "gap", false},
    {"flatten", "flat", "flat", false},
    {"fc", "fc", "fc_op", true},
};

static void qparams_of(double *scale, int32_t *zero, const json_t *c, const char *name)
{
    const json_t *pair = json_object_get(json_object_get(c, "act_qparams"), name);
    cr_assert(pair, "no qparams of '%s'", name);
    *scale = json_number_value(json_array_get(pair, 0));
    *zero = (int32_t)json_integer_value(json_array_get(pair, 1));
}

typedef struct bench {
    golden g;
    const json_t *c;
    const qns_backend *be;
    qns_graph *graph, *fused;
    qns_qconfig_set *set;
    qns_decisions *d;
    qns_err err;
} bench;

static void bench_start(bench *b, const char *backend, int64_t batch)
{
    b->c = golden_case(&b->g, 0);
    b->be = qns_backend_find(backend);
    b->graph = network(&b->g, b->c, batch);
    cr_assert_eq(qns_fuse(&b->fused, b->graph, &b->err), QNS_OK, "%s (%s)", b->err.text,
                 b->err.trail);
    cr_assert_eq(qns_qconfig_create(&b->set, b->be, NULL, &b->err), QNS_OK);
    cr_assert_eq(qns_prepare(&b->d, b->fused, b->set, &b->err), QNS_OK, "%s", b->err.text);
    for (uint32_t i = 0; i < qns_graph_n_nodes(b->fused); i++) {
        const qns_node *n = qns_graph_node(b->fused, (qns_nid){i});
        const qns_decision *x = qns_decisions_node(b->d, n->id);
        cr_assert(qns_decisions_int8(b->d, n->id), "'%s' stays float: %s: %s", n->name,
                  qns_why_text(x->why), x->detail ? x->detail : "");
    }
}

static void bench_end(bench *b)
{
    qns_decisions_free(b->d);
    qns_qconfig_free(b->set);
    qns_graph_free(b->fused);
    qns_graph_free(b->graph);
    golden_close(&b->g);
}

/* ---- weights ---- */

static void check_weight(const bench *b, const char *node, const char *name)
{
    char field[64];
    const qns_node *n = qns_graph_node(b->fused, qns_graph_find_node(b->fused, node));
    snprintf(field, sizeof field, "qw_%s", name);
    golden_array w = golden_get(&b->g, b->c, field);
    snprintf(field, sizeof field, "qw_scales_%s", name);
    golden_array s = golden_get(&b->g, b->c, field);
    snprintf(field, sizeof field, "bias_%s", name);
    golden_array bias = golden_get(&b->g, b->c, field);
    const qns_qparams *qp = qns_decisions_weight_qparams(b->d, n->id);
    cr_assert_eq((size_t)qp->n, s.n);
    for (size_t i = 0; i < s.n; i++)
        cr_assert_eq(qp->scale[i], ((const double *)s.data)[i], "%s: scale %zu", name, i);
    cr_assert_arr_eq(qns_decisions_weight(b->d, n->id), w.data, w.n);
    const float *is = qns_graph_value(b->fused, n->in[2])->constant;
    for (size_t i = 0; i < bias.n; i++)
        cr_assert_eq(is[i], ((const float *)bias.data)[i], "%s: bias %zu", name, i);
    free(w.bytes);
    free(s.bytes);
    free(bias.bytes);
}

static void check_weights(const bench *b)
{
    check_weight(b, "conv1_node", "conv1");
    check_weight(b, "conv2_node", "conv2");
    check_weight(b, "conv3_node", "conv3");
    check_weight(b, "fc_node", "fc");
}

/* ---- calibration ---- */

static qns_status calibration_batch(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    const bench *b = ctx;
    char field[32];
    (void)err;
    snprintf(field, sizeof field, "calib%d", (int)sample);
    golden_array x = golden_get(&b->g, b->c, field);
    memcpy(in[0].data, x.data, x.n * sizeof(float));
    free(x.bytes);
    return QNS_OK;
}

static void check_calibration(const char *backend, const char *file)
{
    bench b = {0};
    if (!golden_open(&b.g, file))
        return;
    bench_start(&b, backend, 4);
    check_weights(&b);
    const qns_calibration c = {.samples = {&b, 4, calibration_batch},
                               .exec = {.engine = QNS_ENGINE_REFERENCE}};
    cr_assert_eq(qns_calibrate(b.d, &c, &b.err), QNS_OK, "%s (%s)", b.err.text, b.err.trail);
    for (size_t i = 0; i < QNS_ARRAY_LEN(map); i++) {
        double scale;
        int32_t zero;
        qparams_of(&scale, &zero, b.c, map[i].golden);
        const qns_vid v = qns_graph_find_value(b.fused, map[i].value);
        const qns_qparams *qp = qns_decisions_value(b.d, v)->qp;
        cr_assert_leq(fabs(qp->scale[0] - scale), 1e-4 * scale, "%s: scale %.9g, should be %.9g",
                      map[i].value, qp->scale[0], scale);
        cr_assert_leq(abs(qp->zero[0] - zero), 1, "%s: zero %d, should be %d", map[i].value,
                      qp->zero[0], zero);
    }
    bench_end(&b);
}

Test(quant_golden, calibration_fbgemm)
{
    check_calibration("fbgemm", "e2e_fx_fbgemm");
}

Test(quant_golden, calibration_qnnpack)
{
    check_calibration("qnnpack", "e2e_fx_qnnpack");
}

/* ---- codes ---- */

typedef struct watcher {
    const bench *b;
    const char *prefix;
    int seen;
} watcher;

static const char *golden_name(const char *lowered)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(map); i++)
        if (strcmp(map[i].lowered, lowered) == 0)
            return map[i].golden;
    return NULL;
}

static bool watch_wants(void *ctx, const qns_value *v)
{
    (void)ctx;
    return v->dtype == QNS_U8 && golden_name(v->name);
}

static qns_status watch_see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                            qns_err *err)
{
    watcher *w = ctx;
    char field[64];
    (void)sample, (void)err;
    snprintf(field, sizeof field, "%s%s", w->prefix, golden_name(v->name));
    golden_array want = golden_get(&w->b->g, w->b->c, field);
    uint8_t *is = qns_calloc(want.n, 1);
    cr_assert_eq(qns_tensor_count(t), want.n);
    qns_tensor_relayout(is, QNS_ROW, t);
    for (size_t i = 0; i < want.n; i++)
        cr_assert_eq(is[i], ((const uint8_t *)want.data)[i], "%s[%zu]: is %d, should be %d",
                     v->name, i, is[i], ((const uint8_t *)want.data)[i]);
    qns_free(is);
    free(want.bytes);
    w->seen++;
    return QNS_OK;
}

static void check_codes(const char *backend, const char *file, const char *prefix, const char *y)
{
    bench b = {0};
    qns_graph *qdq, *lowered;
    float out[20];
    if (!golden_open(&b.g, file))
        return;
    bench_start(&b, backend, 2);
    for (size_t i = 0; i < QNS_ARRAY_LEN(map); i++) {
        double scale;
        int32_t zero;
        qparams_of(&scale, &zero, b.c, map[i].golden);
        const qns_vid v = qns_graph_find_value(b.fused, map[i].value);
        if (map[i].observed)
            cr_assert_eq(qns_decisions_set_qparams(b.d, v, scale, zero, &b.err), QNS_OK);
    }
    cr_assert_eq(qns_convert(&qdq, b.d, &b.err), QNS_OK, "%s (%s)", b.err.text, b.err.trail);
    cr_assert_eq(qns_lower(&lowered, qdq, b.be, &b.err), QNS_OK, "%s", b.err.text);
    cr_assert_eq(qns_graph_n_nodes(lowered), 10);
    golden_array x = golden_get(&b.g, b.c, "x");
    watcher w = {&b, prefix, 0};
    const qns_tap tap = {&w, watch_wants, watch_see};
    const qns_taps taps = {&tap, 1};
    net_eval(out, lowered, b.be, x.data, &taps);
    cr_assert_eq(w.seen, (int)QNS_ARRAY_LEN(map));
    golden_array want = golden_get(&b.g, b.c, y);
    cr_assert_arr_eq(out, want.data, sizeof out);
    free(x.bytes);
    free(want.bytes);
    qns_graph_free(lowered);
    qns_graph_free(qdq);
    bench_end(&b);
}

Test(quant_golden, codes_fbgemm)
{
    check_codes("fbgemm", "e2e_fx_fbgemm", "act_fbgemm_", "y_fbgemm");
}

Test(quant_golden, codes_qnnpack)
{
    check_codes("qnnpack", "e2e_fx_qnnpack", "act_", "y");
}
