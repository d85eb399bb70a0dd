/* SPDX-License-Identifier: MIT */
/* PyTorch's converted graphs become graphs of the library. */
#include "golden_nodes.h"

#include "core/ops/conv_impl.h"
#include "core/ops/op_concat.h"
#include "core/ops/op_pool.h"
#include "core/ops/op_quantize.h"
#include "core/ops/op_reshape.h"

#include <stdlib.h>

enum { MAX_NODES = 256 };

typedef struct item { /* a node of the list that was read */
    const char *name;
    qns_vid v; /* QNS_NO_VALUE for a number */
    double number;
} item;

typedef struct reader {
    gd *c;
    const gd_net *net;
    qns_gb *gb;
    item item[MAX_NODES];
    size_t n;
    /* of the node that is read */
    const json_t *node;
    const char *name, *target, *type;
} reader;

/* What the lists do not say: stride and padding of the layers of the generator's networks. */
static const struct {
    const char *file, *node;
    int64_t stride, pad;
} convs[] = {
    {"e2e_fx", "conv1", 1, 1},
    {"e2e_fx", "conv2", 1, 1},
    {"e2e_fx", "conv3", 2, 1},
    {"e2e_ns", "_0", 1, 1},
};
/* ... and the types of modules that have no 'type'. */
static const struct {
    const char *node, *type;
} modules[] = {{"pool", "MaxPool2d"}, {"gap", "AdaptiveAvgPool2d"}};

static const item *find(reader *r, const char *name, size_t n)
{
    for (size_t i = 0; i < r->n; i++)
        if (strlen(r->item[i].name) == n && strncmp(r->item[i].name, name, n) == 0)
            return &r->item[i];
    gd_stop(r->c, "node '%s' reads '%.*s', which is not there", r->name, (int)n, name);
}

static const char *arg_text(reader *r, size_t i)
{
    const char *s = json_string_value(json_array_get(json_object_get(r->node, "args"), i));
    if (!s)
        gd_stop(r->c, "node '%s' has no argument %zu", r->name, i);
    return s;
}

static qns_vid arg(reader *r, size_t i)
{
    const char *s = arg_text(r, i);
    return find(r, s, strlen(s))->v;
}

static double number(reader *r, size_t i)
{
    const char *s = arg_text(r, i);
    return find(r, s, strlen(s))->number;
}

/* "[a, b]" */
static uint32_t arg_list(qns_vid *out, reader *r, size_t i, uint32_t max)
{
    uint32_t n = 0;
    for (const char *s = arg_text(r, i); *s;) {
        s += strspn(s, "[], ");
        const size_t len = strcspn(s, "[], ");
        if (len && n < max)
            out[n++] = find(r, s, len)->v;
        s += len;
    }
    return n;
}

static void add(reader *r, qns_vid v, double value)
{
    if (r->n == MAX_NODES)
        gd_stop(r->c, "too many nodes");
    r->item[r->n++] = (item){r->name, v, value};
}

static const qns_qparams *qp_of(reader *r, qns_vid v)
{
    return qns_gb_value(r->gb, v)->qp;
}

typedef struct call {
    const char *op;
    const void *attr;
    const qns_qparams *qp;
    bool relu;
} call;

static qns_vid node(reader *r, const char *name, const call *k, const qns_vid *in, uint32_t n_in)
{
    const qns_op *op = qns_op_find(k->op);
    qns_vid v;
    qns_err err = {0};
    if (!op)
        gd_stop(r->c, "the library has no operator '%s'", k->op);
    const qns_node_spec s = {.op = op,
                             .name = gd_name(r->c, "%s_node", name),
                             .attr = k->attr,
                             .clamp = k->relu ? (qns_range){0, INFINITY} : QNS_NO_CLAMP,
                             .in = in,
                             .n_in = n_in,
                             .n_out = 1,
                             .out_name = &name,
                             .out_qp = k->qp ? &k->qp : NULL};
    gd_ok(r->c, qns_gb_node(&v, r->gb, &s, &err), &err, name);
    gd_ok(r->c, qns_gb_output(r->gb, v, &err), &err, name);
    return v;
}

static qns_vid constant(reader *r, const char *field, const qns_qparams *qp, const char *suffix)
{
    const qns_tensor t = qp ? gd_codes(r->c, field, qp) : gd_tensor(r->c, field);
    const qns_const_spec s = {.name = gd_name(r->c, "%s%s", field, suffix),
                              .dtype = t.dtype,
                              .shape = t.shape,
                              .data = t.data,
                              .qp = qp};
    qns_err err = {0};
    qns_vid v;
    gd_ok(r->c, qns_gb_constant(&v, r->gb, &s, &err), &err, field);
    return v;
}

static const char *float_field(reader *r, const char *part)
{
    char *s = (char *)(uintptr_t)gd_name(r->c, "float_%s__%s", r->target, part);
    char *dot = strchr(s, '.');
    if (dot)
        gd_stop(r->c, "nested module '%s'", r->target);
    return s;
}

static const qns_qparams *weight_qp(reader *r)
{
    const char *scales = gd_name(r->c, "qw_scales_%s", r->name);
    if (!gd_has(r->c, scales))
        return gd_qp_arrays(r->c, QNS_I8, -1, gd_name(r->c, "qw_scale_%s", r->name), NULL);
    const bool per_channel = json_is_true(json_object_get(r->node, "per_channel"));
    return gd_qp_arrays(r->c, QNS_I8, per_channel ? 0 : -1, scales,
                        gd_name(r->c, "qw_zps_%s", r->name));
}

/* A conv or linear on x: quantized when qp is given, else with the float weights. */
static qns_vid layer(reader *r, const char *name, qns_vid x, const qns_qparams *qp, bool relu)
{
    const char *suffix = strstr(name, ".shadow") ? ".shadow" : "";
    qns_vid in[3] = {x};
    uint32_t n_in = 2;
    if (qp) {
        in[1] = constant(r, gd_name(r->c, "qw_%s", r->name), weight_qp(r), suffix);
        in[n_in++] = constant(r, gd_name(r->c, "bias_%s", r->name), NULL, suffix);
    } else {
        in[1] = constant(r, float_field(r, "weight"), NULL, suffix);
        if (gd_has(r->c, float_field(r, "bias")))
            in[n_in++] = constant(r, float_field(r, "bias"), NULL, suffix);
    }
    const qns_shape w = qns_gb_value(r->gb, in[1])->shape, xs = qns_gb_value(r->gb, x)->shape;
    call k = {.op = "linear", .qp = qp, .relu = relu};
    if (w.rank == 2)
        return node(r, name, &k, in, n_in);
    if (w.rank != 4 || xs.rank != 4 || w.dim[1] < 1)
        gd_stop(r->c, "layer '%s' is no 2d convolution", name);
    qns_conv_attr a = {.win = {.rank = 2}, .groups = xs.dim[1] / w.dim[1]};
    for (int i = 0; i < 2; i++) {
        a.win.kernel[i] = w.dim[2 + i];
        a.win.stride[i] = a.win.dilation[i] = 1;
        for (size_t j = 0; j < QNS_ARRAY_LEN(convs); j++)
            if (strncmp(convs[j].file, r->c->file, strlen(convs[j].file)) == 0 &&
                strcmp(convs[j].node, r->name) == 0) {
                a.win.stride[i] = convs[j].stride;
                a.win.pad_lo[i] = a.win.pad_hi[i] = convs[j].pad;
            }
    }
    k.op = "conv";
    k.attr = &a;
    return node(r, name, &k, in, n_in);
}

static qns_vid dequantized(reader *r, const char *name, qns_vid x)
{
    const qns_quantize_attr a = {qp_of(r, x)};
    const call k = {.op = "dequantize", .attr = &a};
    return a.qp ? node(r, name, &k, &x, 1) : x;
}

static qns_vid maxpool(reader *r, const char *name, qns_vid x)
{
    const qns_window w = {.rank = 2, .kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}};
    const call k = {.op = "maxpool", .attr = &w, .qp = qp_of(r, x)};
    return node(r, name, &k, &x, 1);
}

static qns_vid plain(reader *r, const char *op, qns_vid x)
{
    const qns_reshape_attr flat = {QNS_FLATTEN, 1, 0, {1}};
    const bool sigmoid = strcmp(op, "sigmoid") == 0;
    const call k = {.op = op,
                    .attr = sigmoid ? NULL : &flat,
                    .qp = !qp_of(r, x) ? NULL
                          : sigmoid    ? gd_qp(r->c, QNS_U8, 1.0 / 256, 0)
                                       : qp_of(r, x)};
    return node(r, r->name, &k, &x, 1);
}

static bool type_is(const reader *r, const char *what)
{
    return r->type && strstr(r->type, what);
}

static qns_vid adaptive(reader *r, const char *name, qns_vid x)
{
    /* The generator's networks: 1x1, and 2x2 in the numeric suite. */
    const int64_t size = strcmp(r->c->file, "e2e_ns") == 0 ? 2 : 1;
    const qns_adaptive_attr a = {.n = 2, .size = {size, size}};
    const call k = {.op = "adaptive_avgpool", .attr = &a, .qp = qp_of(r, x)};
    return node(r, name, &k, &x, 1);
}

static qns_vid module(reader *r)
{
    const json_t *scale = json_object_get(r->node, "scale");
    const qns_vid x = arg(r, 0);
    const bool relu = type_is(r, "ReLU");
    for (size_t i = 0; !r->type && i < QNS_ARRAY_LEN(modules); i++)
        if (strcmp(modules[i].node, r->name) == 0)
            r->type = modules[i].type;
    const char *shadow = r->net->shadows ? gd_name(r->c, "%s.shadow", r->name) : NULL;
    const qns_vid real =
        shadow && qp_of(r, x) ? dequantized(r, gd_name(r->c, "%s.in", r->name), x) : x;
    if (scale && !r->net->as_float) {
        const int64_t zero = json_integer_value(json_object_get(r->node, "zero_point"));
        if (shadow)
            layer(r, shadow, real, NULL, relu);
        return layer(r, r->name, x, gd_qp(r->c, QNS_U8, json_number_value(scale), zero), relu);
    }
    if (type_is(r, "Conv") || type_is(r, "Linear"))
        return layer(r, r->name, x, NULL, relu);
    if (type_is(r, "AdaptiveAvgPool2d")) {
        if (shadow)
            adaptive(r, shadow, real);
        return adaptive(r, r->name, x);
    }
    if (type_is(r, "MaxPool2d"))
        return maxpool(r, r->name, x);
    if (type_is(r, "Flatten"))
        return plain(r, "reshape", x);
    if (type_is(r, "Sigmoid"))
        return plain(r, "sigmoid", x);
    gd_stop(r->c, "module '%s' of type '%s'", r->name, r->type ? r->type : "?");
}

static qns_vid binary(reader *r, const char *op, bool relu)
{
    const qns_vid in[2] = {arg(r, 0), arg(r, 1)};
    const bool codes = qp_of(r, in[0]) != NULL;
    const call k = {.op = op,
                    .qp = codes ? gd_qp(r->c, QNS_U8, number(r, 2), (int64_t)number(r, 3)) : NULL,
                    .relu = relu};
    return node(r, r->name, &k, in, 2);
}

static qns_vid function(reader *r)
{
    if (strcmp(r->target, "quantize_per_tensor") == 0) {
        const qns_vid x = arg(r, 0);
        if (r->net->as_float)
            return x;
        const qns_quantize_attr a = {gd_qp(r->c, QNS_U8, number(r, 1), (int64_t)number(r, 2))};
        const call k = {.op = "quantize", .attr = &a, .qp = a.qp};
        return node(r, r->name, &k, &x, 1);
    }
    if (strcmp(r->target, "cat") == 0) {
        const qns_concat_attr a = {strtoll(arg_text(r, 1), NULL, 10)};
        qns_vid in[8];
        const uint32_t n = arg_list(in, r, 0, 8);
        if (!n)
            gd_stop(r->c, "node '%s' joins nothing", r->name);
        const call k = {.op = "concat", .attr = &a, .qp = qp_of(r, in[0])};
        return node(r, r->name, &k, in, n);
    }
    if (strcmp(r->target, "add_relu") == 0 || strcmp(r->target, "add") == 0)
        return binary(r, "add", strcmp(r->target, "add_relu") == 0);
    if (strcmp(r->target, "mul") == 0)
        return binary(r, "mul", false);
    if (strcmp(r->target, "max_pool2d") == 0)
        return maxpool(r, r->name, arg(r, 0));
    if (strcmp(r->target, "adaptive_avg_pool2d") == 0)
        return adaptive(r, r->name, arg(r, 0));
    if (strcmp(r->target, "flatten") == 0)
        return plain(r, "reshape", arg(r, 0));
    gd_stop(r->c, "function '%s'", r->target);
}

static qns_vid placeholder(reader *r)
{
    const qns_shape s = gd_get(r->c, "x").shape;
    qns_err err = {0};
    qns_vid v;
    gd_ok(r->c, qns_gb_input(&v, r->gb, r->name, QNS_F32, &s, &err), &err, r->name);
    return v;
}

static const char *text_of(const json_t *n, const char *key)
{
    const char *s = json_string_value(json_object_get(n, key));
    return s ? s : "";
}

static void read_node(reader *r)
{
    const char *op = text_of(r->node, "op");
    if (strcmp(op, "placeholder") == 0)
        add(r, placeholder(r), 0);
    else if (strcmp(op, "get_attr") == 0)
        add(r, QNS_NO_VALUE, json_number_value(json_object_get(r->node, "value")));
    else if (strcmp(op, "call_method") == 0 && strcmp(r->target, "dequantize") == 0)
        add(r, dequantized(r, r->name, arg(r, 0)), 0);
    else if (strcmp(op, "call_module") == 0)
        add(r, module(r), 0);
    else if (strcmp(op, "call_function") == 0)
        add(r, function(r), 0);
    else
        gd_stop(r->c, "node '%s' is a '%s'", r->name, op);
}

static void free_builder(void *p)
{
    qns_gb **gb = p;
    qns_gb_free(*gb);
}

static void free_graph(void *g)
{
    qns_graph_free(g);
}

const qns_graph *gd_net_build(const char **last, gd *c, const gd_net *net)
{
    reader *r = gd_mem(c, 1, sizeof *r);
    qns_err err = {0};
    qns_graph *g;
    size_t i;
    const json_t *n;
    r->c = c;
    r->net = net;
    *last = NULL;
    gd_ok(c, qns_gb_create(&r->gb, "net", NULL, &err), &err, "builder");
    gd_defer(c, free_builder, &r->gb);
    json_array_foreach((json_t *)(uintptr_t)net->nodes, i, n)
    {
        r->node = n;
        r->name = text_of(n, "name");
        r->target = text_of(n, "target");
        r->type = json_string_value(json_object_get(n, "type"));
        if (strcmp(text_of(n, "op"), "output") == 0)
            *last = arg_text(r, 0);
        else
            read_node(r);
    }
    if (!*last)
        gd_stop(c, "the list of nodes has no output");
    qns_gb *gb = r->gb;
    r->gb = NULL;
    gd_ok(c, qns_gb_finish(&g, gb, &err), &err, "graph");
    gd_defer(c, free_graph, g);
    return g;
}

/* ---- running ---- */

typedef struct watcher {
    gd *c;
    gd_see *see;
    void *ctx;
} watcher;

static bool wants(void *ctx, const qns_value *v)
{
    return true;
}

static qns_status watch(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                        qns_err *err)
{
    const watcher *w = ctx;
    qns_tensor row = *t;
    row.data = gd_mem(w->c, qns_tensor_bytes(t), 1);
    row.layout = QNS_ROW;
    qns_tensor_relayout(row.data, QNS_ROW, t);
    w->see(w->c, v, &row, w->ctx);
    return QNS_OK;
}

static void free_plan(void *p)
{
    qns_plan_free(p);
}

void gd_net_run(gd *c, const qns_graph *g, const char *backend, const char *x, gd_see *see,
                void *ctx)
{
    watcher w = {c, see, ctx};
    const qns_tap tap = {&w, wants, watch};
    const qns_taps taps = {&tap, 1};
    const qns_exec_opts o = {
        .be = qns_backend_find(backend), .engine = QNS_ENGINE_REFERENCE, .cpu_mask = ~0u};
    const uint32_t n_out = qns_graph_n_outputs(g);
    qns_tensor in = gd_tensor(c, x), *out = gd_mem(c, n_out, sizeof *out);
    qns_plan *p;
    qns_err err = {0};
    for (uint32_t i = 0; i < n_out; i++) {
        out[i] = qns_graph_tensor(g, qns_graph_output(g, i));
        out[i].layout = QNS_ROW;
        out[i].data = NULL;
    }
    gd_ok(c, qns_plan_create(&p, g, &o, &err), &err, "plan");
    gd_defer(c, free_plan, p);
    gd_ok(c, qns_plan_bind(p, &taps, &err), &err, "taps");
    gd_ok(c, qns_plan_run(out, p, &in, 0, &err), &err, "run");
    gd_ok(c, qns_plan_bind(p, NULL, &err), &err, "taps");
}
