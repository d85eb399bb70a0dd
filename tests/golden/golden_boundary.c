/* SPDX-License-Identifier: MIT */
/* Stage 1 of the end-to-end files: the float network goes through our own fusing, preparing and
 * calibrating. Folded weights and biases must be the file's bit for bit, decisions the same, and
 * qparams near: float convolutions add in another order than PyTorch's. */
#include "core/model/elem.h"
#include "core/ops/conv_impl.h"
#include "core/ops/op_batchnorm.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_concat.h"
#include "core/ops/op_pool.h"
#include "core/ops/op_reshape.h"
#include "core/quant/calibrate.h"
#include "core/quant/fuse.h"
#include "golden_nodes.h"

typedef struct net {
    gd *c;
    qns_gb *gb;
    const qns_backend *be;
    qns_graph *graph, *fused;
    qns_qconfig_set *set;
    qns_decisions *d;
} net;

static void free_net(void *p)
{
    net *t = p;
    qns_decisions_free(t->d);
    qns_qconfig_free(t->set);
    qns_graph_free(t->fused);
    qns_graph_free(t->graph);
    qns_gb_free(t->gb);
}

/* ---- the float networks of the generator ---- */

static qns_vid op_on(net *t, const char *op, const char *name, const void *attr, const qns_vid *in,
                     uint32_t n_in)
{
    qns_err err = {0};
    qns_vid v;
    const char *node = gd_name(t->c, "%s_node", name);
    const qns_node_spec s = {.op = qns_op_find(op),
                             .name = node,
                             .attr = attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = n_in,
                             .n_out = 1,
                             .out_name = &name};
    if (!s.op)
        gd_stop(t->c, "the library has no operator '%s'", op);
    gd_ok(t->c, qns_gb_node(&v, t->gb, &s, &err), &err, name);
    return v;
}

static qns_vid parameter(net *t, const char *layer, const char *part)
{
    const char *field = gd_name(t->c, "float_%s__%s", layer, part);
    qns_err err = {0};
    qns_vid v;
    if (!gd_has(t->c, field))
        return QNS_NO_VALUE;
    const qns_tensor x = gd_tensor(t->c, field);
    const qns_const_spec s = {.name = field, .dtype = x.dtype, .shape = x.shape, .data = x.data};
    gd_ok(t->c, qns_gb_constant(&v, t->gb, &s, &err), &err, field);
    return v;
}

static qns_vid weighted(net *t, const char *op, const char *layer, const char *name,
                        const void *attr, qns_vid x)
{
    const qns_vid in[3] = {x, parameter(t, layer, "weight"), parameter(t, layer, "bias")};
    if (!qns_has(in[1]))
        gd_stop(t->c, "there is no weight of '%s'", layer);
    return op_on(t, op, name, attr, in, qns_has(in[2]) ? 3 : 2);
}

static qns_vid conv(net *t, const char *layer, const char *name, qns_vid x, int64_t stride,
                    int64_t pad)
{
    const qns_shape w = gd_get(t->c, gd_name(t->c, "float_%s__weight", layer)).shape;
    const qns_shape xs = qns_gb_value(t->gb, x)->shape;
    qns_conv_attr a = {.win = {.rank = 2}};
    if (w.rank != 4 || xs.rank != 4 || w.dim[1] < 1)
        gd_stop(t->c, "'%s' is no 2d convolution", layer);
    a.groups = xs.dim[1] / w.dim[1];
    for (int i = 0; i < 2; i++) {
        a.win.kernel[i] = w.dim[2 + i];
        a.win.stride[i] = stride;
        a.win.dilation[i] = 1;
        a.win.pad_lo[i] = a.win.pad_hi[i] = pad;
    }
    return weighted(t, "conv", layer, name, &a, x);
}

static qns_vid batchnorm(net *t, const char *layer, const char *name, qns_vid x)
{
    const qns_batchnorm_attr a = {.eps = 1e-5f}; /* PyTorch's default; the files do not say it */
    const qns_vid in[5] = {x, parameter(t, layer, "weight"), parameter(t, layer, "bias"),
                           parameter(t, layer, "running_mean"), parameter(t, layer, "running_var")};
    return op_on(t, "batchnorm", name, &a, in, 5);
}

static qns_vid relu(net *t, const char *name, qns_vid x)
{
    const qns_clamp_attr a = {{0, INFINITY}};
    return op_on(t, "clamp", name, &a, &x, 1);
}

static qns_vid tail(net *t, const char *gap, const char *last, qns_vid x)
{
    const qns_reshape_attr flat = {QNS_FLATTEN, 1, 0, {1}};
    const qns_vid mean = op_on(t, "global_avgpool", gap, NULL, &x, 1);
    const qns_vid row = op_on(t, "reshape", "flatten", &flat, &mean, 1);
    return weighted(t, "linear", last, last, NULL, row);
}

static qns_vid input(net *t, const char *field)
{
    const qns_shape s = gd_get(t->c, field).shape;
    qns_err err = {0};
    qns_vid v;
    gd_ok(t->c, qns_gb_input(&v, t->gb, "x", QNS_F32, &s, &err), &err, field);
    return v;
}

static const qns_window max2 = {.rank = 2, .kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}};

/* Values have the names of the converted graph's nodes. */
static qns_vid fx_network(net *t)
{
    const qns_vid x = input(t, "calib0");
    const qns_vid a = batchnorm(t, "bn1", "bn1", conv(t, "conv1", "conv1_raw", x, 1, 1));
    const qns_vid r = relu(t, "conv1", a);
    const qns_vid b = batchnorm(t, "bn2", "conv2", conv(t, "conv2", "conv2_raw", r, 1, 1));
    const qns_vid sum = op_on(t, "add", "sum", NULL, (qns_vid[]){r, b}, 2);
    const qns_vid sum_relu = relu(t, "add_relu", sum);
    const qns_vid pool = op_on(t, "maxpool", "pool", &max2, &sum_relu, 1);
    return tail(t, "gap", "fc", relu(t, "conv3", conv(t, "conv3", "conv3_raw", pool, 2, 1)));
}

static qns_vid boundary_network(net *t)
{
    const qns_concat_attr join = {1};
    const qns_vid x = input(t, "x");
    const qns_vid a = relu(t, "a", conv(t, "a", "a_raw", x, 1, 0));
    const qns_vid skip = conv(t, "skip", "skip", a, 1, 0);
    const qns_vid b = conv(t, "b", "b", skip, 1, 0);
    const qns_vid gate = op_on(t, "sigmoid", "sg", NULL, &b, 1);
    const qns_vid mul = op_on(t, "mul", "mul", NULL, (qns_vid[]){b, gate}, 2);
    const qns_vid cat = op_on(t, "concat", "cat", &join, (qns_vid[]){a, mul}, 2);
    const qns_vid pool = op_on(t, "maxpool", "max_pool2d", &max2, &cat, 1);
    return tail(t, "adaptive_avg_pool2d", "fc", pool);
}

static net *start(gd *c, const char *backend, qns_vid (*make)(net *t), const char *const *skip)
{
    net *t = gd_mem(c, 1, sizeof *t);
    qns_err err = {0};
    t->c = c;
    t->be = qns_backend_find(backend);
    gd_defer(c, free_net, t);
    gd_ok(c, qns_gb_create(&t->gb, "net", NULL, &err), &err, "builder");
    gd_ok(c, qns_gb_output(t->gb, make(t), &err), &err, "output");
    qns_gb *gb = t->gb;
    t->gb = NULL;
    gd_ok(c, qns_gb_finish(&t->graph, gb, &err), &err, "graph");
    gd_ok(c, qns_fuse(&t->fused, t->graph, &err), &err, "fuse");
    gd_ok(c, qns_qconfig_create(&t->set, t->be, NULL, &err), &err, "qconfig");
    for (; skip && *skip; skip++)
        gd_ok(c, qns_qconfig_skip(t->set, *skip, &err), &err, *skip);
    gd_ok(c, qns_prepare(&t->d, t->fused, t->set, &err), &err, "prepare");
    return t;
}

/* ---- weights ---- */

static void check_weight(net *t, const char *layer, const char *node, const char *scales)
{
    const qns_nid id = qns_graph_find_node(t->fused, gd_name(t->c, "%s_node", node));
    if (id.i == QNS_NONE)
        gd_stop(t->c, "there is no node of layer '%s'", layer);
    const qns_node *n = qns_graph_node(t->fused, id);
    const qns_qparams *qp = qns_decisions_weight_qparams(t->d, id);
    if (!qp) {
        gd_fail(t->c, "layer '%s' has no quantized weight", layer);
        return;
    }
    const qns_shape s = {1, {qp->n}};
    const qns_value *w = qns_graph_value(t->fused, n->in[1]);
    gd_same(t->c, gd_name(t->c, "qw_%s", layer), qns_decisions_weight(t->d, id), QNS_ELEM_I8,
            &w->shape);
    gd_same(t->c, gd_name(t->c, "%s_%s", scales, layer), qp->scale, QNS_ELEM_F64, &s);
    if (n->n_in > 2 && qns_has(n->in[2])) {
        const qns_value *b = qns_graph_value(t->fused, n->in[2]);
        gd_same(t->c, gd_name(t->c, "bias_%s", layer), b->constant, QNS_ELEM_F32, &b->shape);
    }
}

/* ---- calibration ---- */

static qns_status calibration_batch(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    net *t = ctx;
    const char *one = gd_name(t->c, "calib%d", (int)sample);
    const char *field = gd_has(t->c, one) ? one : "x";
    size_t n;
    const float *x = gd_floats(t->c, field, &n);
    if (n != qns_tensor_count(&in[0]))
        QNS_FAIL(err, SHAPE, "batch '%s' has %zu numbers", field, n);
    memcpy(in[0].data, x, n * sizeof *x);
    return QNS_OK;
}

static void calibrate(net *t)
{
    qns_err err = {0};
    int64_t n = 0;
    while (gd_has(t->c, gd_name(t->c, "calib%d", (int)n)))
        n++;
    const qns_calibration c = {.samples = {t, n ? n : 1, calibration_batch},
                               .exec = {.be = t->be, .engine = QNS_ENGINE_REFERENCE}};
    gd_ok(t->c, qns_calibrate(t->d, &c, &err), &err, "calibrate");
}

/* Within 1e-4 and one zero point, as the vectors' README says. */
static void check_qparams(net *t, const char *value, double scale, double zero)
{
    const qns_vid v = qns_graph_find_value(t->fused, value);
    const qns_qparams *qp = qns_has(v) ? qns_decisions_value(t->d, v)->qp : NULL;
    if (!qp) {
        gd_fail(t->c, "value '%s' is not quantized", value);
        return;
    }
    gd_close_number(t->c, gd_name(t->c, "calibrated scale of '%s'", value), qp->scale[0], scale, 0,
                    1e-4);
    gd_close_number(t->c, gd_name(t->c, "calibrated zero point of '%s'", value), qp->zero[0], zero,
                    1, 0);
}

void gd_check_calibration(gd *c, const char *backend)
{
    static const char *const convs[] = {"conv1", "conv2", "conv3"};
    net *t = start(c, backend, fx_network, NULL);
    const char *name;
    const json_t *pair;
    for (size_t i = 0; i < QNS_ARRAY_LEN(convs); i++)
        check_weight(t, convs[i], gd_name(c, "%s_raw", convs[i]), "qw_scales");
    check_weight(t, "fc", "fc", "qw_scales");
    calibrate(t);
    json_object_foreach(json_object_get(c->json, "act_qparams"), name, pair) check_qparams(
        t, strcmp(name, "quantize_per_tensor") == 0 ? "x" : name,
        json_number_value(json_array_get(pair, 0)), json_number_value(json_array_get(pair, 1)));
}

/* ---- boundaries ---- */

static const char *const all_values[] = {
    "x",       "a", "skip", "b", "sg", "mul", "cat", "max_pool2d", "adaptive_avg_pool2d",
    "flatten", "fc"};

/* The observer of a value in the prepared graph: "Type@instance", or NULL. */
static const char *observer_of(gd *c, const char *value)
{
    size_t i;
    json_t *n;
    json_array_foreach(json_object_get(c->json, "prepared_nodes"), i, n)
    {
        const char *o = json_string_value(json_object_get(n, "observer"));
        const char *from = json_string_value(json_array_get(json_object_get(n, "args"), 0));
        if (o && from && strcmp(from, value) == 0)
            return o;
    }
    return NULL;
}

static void check_observers(net *t)
{
    const char *theirs[QNS_ARRAY_LEN(all_values)];
    uint32_t ours[QNS_ARRAY_LEN(all_values)];
    gd *c = t->c;
    for (size_t i = 0; i < QNS_ARRAY_LEN(all_values); i++) {
        const qns_vid v = qns_graph_find_value(t->fused, all_values[i]);
        if (!qns_has(v))
            gd_stop(c, "there is no value '%s'", all_values[i]);
        const qns_decision *d = qns_decisions_value(t->d, v);
        theirs[i] = observer_of(c, all_values[i]);
        ours[i] = d->observer;
        c->checks++;
        const bool fixed = theirs[i] && strncmp(theirs[i], "FixedQParams", 12) == 0;
        if (fixed != (d->choice == QNS_FIXED))
            gd_fail(c, "'%s': expected %s fixed range, got '%s'", all_values[i], fixed ? "a" : "no",
                    qns_choice_text(d->choice));
        else if (!fixed && (theirs[i] != NULL) != (ours[i] != QNS_NONE))
            gd_fail(c, "'%s': expected %s, got %s: %s", all_values[i],
                    theirs[i] ? theirs[i] : "no observer",
                    ours[i] != QNS_NONE ? "an observer" : "none", qns_why_text(d->why));
        for (size_t k = 0; k < i && !fixed; k++)
            if (theirs[i] && theirs[k] && ours[i] != QNS_NONE && ours[k] != QNS_NONE &&
                (strcmp(theirs[i], theirs[k]) == 0) != (ours[i] == ours[k]))
                gd_fail(c, "'%s' and '%s': expected %s and %s, got observers %u and %u",
                        all_values[i], all_values[k], theirs[i], theirs[k], ours[i], ours[k]);
    }
}

/* The name of a value in the converted graph, whose mul is called mul_1 when it is quantized. */
static qns_vid converted(const qns_graph *g, const char *name)
{
    const qns_vid v =
        qns_graph_find_value(g, strcmp(name, "x") == 0 ? "quantize_per_tensor" : name);
    return !qns_has(v) && strcmp(name, "mul") == 0 ? qns_graph_find_value(g, "mul_1") : v;
}

void gd_check_boundaries(gd *c)
{
    static const char *const skip[] = {"skip_node", NULL};
    static const char *const not_conv[] = {
        "sg_node",      "mul_node", "cat_node", "max_pool2d_node", "adaptive_avg_pool2d_node",
        "flatten_node", "fc_node",  NULL};
    const char *const *none = strcmp(c->kind, "skip_none") == 0   ? skip
                              : strcmp(c->kind, "only_conv") == 0 ? not_conv
                                                                  : NULL;
    const gd_net theirs = {.nodes = json_object_get(c->json, "converted_nodes")};
    const char *last;
    const qns_graph *g = gd_net_build(&last, c, &theirs);
    net *t = start(c, "qnnpack", boundary_network, none);
    check_observers(t);
    calibrate(t);
    for (size_t i = 0; i < QNS_ARRAY_LEN(all_values); i++) {
        const qns_vid v = converted(g, all_values[i]);
        const qns_qparams *qp = qns_has(v) ? qns_graph_value(g, v)->qp : NULL;
        const qns_nid made =
            qns_graph_value(t->fused, qns_graph_find_value(t->fused, all_values[i]))->producer;
        c->checks++;
        if (made.i != QNS_NONE && qns_decisions_int8(t->d, made) != (qp != NULL))
            gd_fail(c, "'%s' %s run in integers", all_values[i], qp ? "should" : "should not");
        if (qp)
            check_qparams(t, all_values[i], qp->scale[0], qp->zero[0]);
    }
    static const char *const layers[] = {"a", "skip", "b", "fc"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(layers); i++)
        if (gd_has(c, gd_name(c, "qw_%s", layers[i])))
            check_weight(t, layers[i], i ? layers[i] : "a_raw", "qw_scale");
}
