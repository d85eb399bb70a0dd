/* SPDX-License-Identifier: MIT */
/* Small networks for tests, built as the ONNX reader builds them: operators by their ONNX names. */
#ifndef NET_H
#define NET_H

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/exec/plan.h"
#include "core/graph/op.h"
#include "core/quant/quantize_model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

typedef struct net {
    qns_gb *gb;
    qns_rng rng;
    qns_err err;
} net;

static inline net net_start(uint64_t seed)
{
    net t = {0};
    cr_assert_eq(qns_gb_create(&t.gb, "net", NULL, &t.err), QNS_OK);
    qns_rng_seed(&t.rng, seed);
    return t;
}

static inline qns_vid net_input(net *t, const char *name, qns_shape shape)
{
    qns_vid v;
    cr_assert_eq(qns_gb_input(&v, t->gb, name, QNS_F32, &shape, &t->err), QNS_OK);
    return v;
}

/* Copies the numbers. */
static inline qns_vid net_const(net *t, const char *name, qns_shape shape, const float *x)
{
    qns_vid v;
    const size_t n = qns_shape_count(&shape);
    const qns_const_spec s = {.name = name,
                              .dtype = QNS_F32,
                              .shape = shape,
                              .data = qns_arena_dup(qns_gb_arena(t->gb), x, n * sizeof *x)};
    cr_assert_eq(qns_gb_constant(&v, t->gb, &s, &t->err), QNS_OK);
    return v;
}

/* Uniform in lo..hi. */
static inline qns_vid net_random(net *t, const char *name, qns_shape shape, float lo, float hi)
{
    const size_t n = qns_shape_count(&shape);
    float *x = qns_calloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = lo + (hi - lo) * (float)qns_rng_unit(&t->rng);
    const qns_vid v = net_const(t, name, shape, x);
    qns_free(x);
    return v;
}

typedef struct net_ints {
    const char *name;
    int64_t v[8];
    size_t n; /* 0: a single integer v[0] */
} net_ints;

/* A node that makes the value `out`; the node is called out + "_node" unless name is given. */
static inline qns_vid net_op(net *t, const char *type, const char *name, const qns_vid *in,
                             uint32_t n_in, const net_ints *attr, size_t n_attr)
{
    const qns_onnx_rule *rule;
    int since;
    _Alignas(16) char attr_bytes[512] = {0};
    qns_attrs attrs = {.arena = qns_gb_arena(t->gb)};
    const qns_op *op = qns_op_find_onnx(&rule, &since, type, 13);
    cr_assert(op, "no operator %s", type);
    cr_assert_leq(op->attr_size, sizeof attr_bytes);
    for (size_t i = 0; i < n_attr; i++)
        if (attr[i].n)
            qns_attrs_add_ints(&attrs, attr[i].name, attr[i].v, attr[i].n, &t->err);
        else
            qns_attrs_add_int(&attrs, attr[i].name, attr[i].v[0], &t->err);
    qns_onnx_node n = {.type = type,
                       .name = name,
                       .op = op,
                       .opset = 13,
                       .attrs = &attrs,
                       .gb = t->gb,
                       .n_in = n_in,
                       .n_out = 1,
                       .clamp = QNS_NO_CLAMP};
    memcpy(n.in, in, n_in * sizeof *in);
    if (rule->read)
        cr_assert_eq(rule->read(attr_bytes, &n, &t->err), QNS_OK, "%s: %s", type, t->err.text);
    qns_attrs_fini(&attrs);
    char node_name[64];
    const char *const origin = node_name;
    snprintf(node_name, sizeof node_name, "%s_node", name);
    const qns_node_spec s = {.op = n.op,
                             .name = node_name,
                             .attr = attr_bytes,
                             .clamp = n.clamp,
                             .in = n.in,
                             .n_in = n.n_in,
                             .origin = &origin,
                             .n_origin = 1,
                             .n_out = 1,
                             .out_name = &name};
    qns_vid v;
    cr_assert_eq(qns_gb_node(&v, t->gb, &s, &t->err), QNS_OK, "%s: %s", type, t->err.text);
    return v;
}

#define NET_IN(...)                                                                                \
    (const qns_vid[]){__VA_ARGS__}, sizeof((const qns_vid[]){__VA_ARGS__}) / sizeof(qns_vid)

static inline qns_vid net_relu(net *t, const char *name, qns_vid x)
{
    return net_op(t, "Relu", name, NET_IN(x), NULL, 0);
}

static inline qns_vid net_maxpool2(net *t, const char *name, qns_vid x)
{
    const net_ints attr[] = {{"kernel_shape", {2, 2}, 2}, {"strides", {2, 2}, 2}};
    return net_op(t, "MaxPool", name, NET_IN(x), attr, 2);
}

static inline qns_graph *net_finish(net *t, const qns_vid *out, size_t n)
{
    qns_graph *g;
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(qns_gb_output(t->gb, out[i], &t->err), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, t->gb, &t->err), QNS_OK, "%s", t->err.text);
    return g;
}

/* ---- running ---- */

/* One input, one output; out holds the output's bytes. Scalar kernels and the reference engine. */
static inline void net_eval(void *out, const qns_graph *g, const qns_backend *be, const float *x,
                            const qns_taps *taps)
{
    qns_err err = {0};
    qns_plan *p;
    const qns_exec_opts o = {.be = be, .engine = QNS_ENGINE_REFERENCE};
    cr_assert_eq(qns_plan_create(&p, g, &o, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    cr_assert_eq(qns_plan_bind(p, taps, &err), QNS_OK);
    qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    qns_tensor y = qns_graph_tensor(g, qns_graph_output(g, 0));
    in.layout = y.layout = QNS_ROW;
    in.data = (void *)(uintptr_t)x;
    y.data = out;
    cr_assert_eq(qns_plan_run(&y, p, &in, 0, &err), QNS_OK, "%s", err.text);
    qns_plan_free(p);
}

/* Samples for calibration: uniform in -1..1, from the seed and the number of the sample. */
static inline qns_status net_sample(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    qns_rng r;
    (void)ctx, (void)err;
    qns_rng_seed(&r, 1000 + (uint64_t)sample);
    float *x = qns_f32(&in[0]);
    for (size_t i = 0; i < qns_tensor_count(&in[0]); i++)
        x[i] = (float)(2 * qns_rng_unit(&r) - 1);
    return QNS_OK;
}

static inline qns_calibration net_calibration(int64_t n)
{
    return (qns_calibration){.samples = {NULL, n, net_sample},
                             .exec = {.engine = QNS_ENGINE_REFERENCE}};
}

#endif
