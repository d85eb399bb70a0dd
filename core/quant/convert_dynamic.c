/* SPDX-License-Identifier: MIT */
#include "core/quant/convert_dynamic.h"

#include "core/base/mem.h"
#include "core/ops/op_moves.h"
#include "core/quant/candidate.h"
#include "core/quant/qdq.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

qns_status qns_dyn_converter_init(qns_dyn_converter *c, qns_gb *gb, const qns_decisions *d,
                                  qns_err *err)
{
    *c = (qns_dyn_converter){.g = qns_decisions_graph(d), .d = d, .gb = gb};
    const uint32_t n = qns_graph_n_values(c->g);
    QNS_TRY(qns_new((void **)&c->x, n, sizeof *c->x, err));
    QNS_TRY(qns_new((void **)&c->rounded, n, sizeof *c->rounded, err));
    for (uint32_t i = 0; i < n; i++) {
        c->x[i].codes = QNS_NO_VALUE;
        c->rounded[i] = QNS_NO_VALUE;
    }
    return QNS_OK;
}

void qns_dyn_converter_fini(qns_dyn_converter *c)
{
    qns_free(c->x);
    qns_free(c->rounded);
}

/* ---- pieces ---- */

/* A helper node with one output that no float value stands for: its names are those of `name` and
 * the suffix. */
static qns_status step(qns_vid *out, qns_gb *gb, const char *op, const void *attr,
                       const qns_vid *in, uint32_t n_in, const char *name, const char *suffix,
                       qns_err *err)
{
    const char *full;
    QNS_TRY(qns_qdq_name(&full, gb, name, suffix, err));
    const qns_node_spec s = {.op = qns_op_find(op),
                             .name = full,
                             .attr = attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = n_in,
                             .n_out = 1,
                             .out_name = &full};
    return qns_gb_node(out, gb, &s, err);
}

static qns_status constant(qns_vid *out, qns_gb *gb, const char *name, const char *suffix,
                           const qns_tensor *t, qns_err *err)
{
    const char *full;
    QNS_TRY(qns_qdq_name(&full, gb, name, suffix, err));
    const qns_const_spec s = {full, NULL, t->dtype, t->shape, t->data, NULL};
    return qns_gb_constant(out, gb, &s, err);
}

/* ---- linear with codes ---- */

static qns_status quantize_input(qns_dyn_input *out, qns_dyn_converter *c, qns_vid old,
                                 qns_err *err)
{
    static const char *const suffix[] = {"_dyn_q", "_dyn_scale", "_dyn_zero"};
    const qns_value *v = qns_graph_value(c->g, old);
    const char *name[3], *node;
    qns_vid in, made[3];
    if (!qns_has(c->x[old.i].codes)) {
        QNS_TRY(qns_gb_mapped(&in, c->gb, old, err));
        for (int i = 0; i < 3; i++)
            QNS_TRY(qns_qdq_name(&name[i], c->gb, v->name, suffix[i], err));
        QNS_TRY(qns_qdq_name(&node, c->gb, v->name, "_dyn/quantize", err));
        const qns_node_spec s = {.op = qns_op_find("dynamic_quantize"),
                                 .name = node,
                                 .clamp = QNS_NO_CLAMP,
                                 .in = &in,
                                 .n_in = 1,
                                 .n_out = 3,
                                 .out_name = name};
        QNS_TRY(qns_gb_node(made, c->gb, &s, err));
        c->x[old.i] = (qns_dyn_input){made[0], made[1], made[2]};
    }
    *out = c->x[old.i];
    return QNS_OK;
}

/* Codes [n, k] as MatMulInteger takes them: [k, n]. */
static qns_status turned(qns_tensor *out, qns_arena *a, const qns_tensor *w, qns_err *err)
{
    const size_t n = (size_t)w->shape.dim[0], k = (size_t)w->shape.dim[1];
    const int8_t *from = w->data;
    int8_t *to;
    QNS_TRY(qns_arena_new((void **)&to, a, n, k, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            to[j * n + i] = from[i * k + j];
    *out =
        (qns_tensor){.dtype = QNS_I8, .shape = {2, {w->shape.dim[1], w->shape.dim[0]}}, .data = to};
    return QNS_OK;
}

/* Scales of the weight as float32, zero points as int8: one number, or one for each output. */
static qns_status split_qparams(qns_tensor *scale, qns_tensor *zero, bool *any_zero, qns_arena *a,
                                const qns_qparams *qp, qns_err *err)
{
    float *s;
    int8_t *z;
    QNS_TRY(qns_arena_new((void **)&s, a, (size_t)qp->n, sizeof *s, err));
    QNS_TRY(qns_arena_new((void **)&z, a, (size_t)qp->n, sizeof *z, err));
    *any_zero = false;
    for (int32_t i = 0; i < qp->n; i++) {
        s[i] = (float)qp->scale[i];
        z[i] = (int8_t)qp->zero[i];
        *any_zero |= z[i] != 0;
    }
    const qns_shape shape = {.rank = qp->axis < 0 ? 0 : 1, .dim = {qp->n}};
    *scale = (qns_tensor){.dtype = QNS_F32, .shape = shape, .data = s};
    *zero = (qns_tensor){.dtype = QNS_I8, .shape = shape, .data = z};
    return QNS_OK;
}

/* The product as floats: cast(matmul_integer) and, in *by, what it is to be multiplied with. */
static qns_status product(qns_vid *out, qns_vid *by, qns_dyn_converter *c, const qns_node *n,
                          qns_err *err)
{
    static const qns_cast_attr to_float = {.to = QNS_F32};
    const qns_value *w = qns_graph_value(c->g, n->in[1]), *v = qns_graph_value(c->g, n->out[0]);
    const qns_tensor *packed = &qns_decisions_dynamic(c->d, n->id)->weight[1];
    qns_arena *a = qns_gb_arena(c->gb);
    qns_tensor codes, scale, zero;
    qns_dyn_input x;
    qns_vid in[4], acc, factor[2];
    bool any_zero;
    const char *acc_name;
    QNS_TRY(quantize_input(&x, c, n->in[0], err));
    QNS_TRY(turned(&codes, a, packed, err));
    QNS_TRY(split_qparams(&scale, &zero, &any_zero, a, packed->qp, err));
    in[0] = x.codes;
    in[2] = x.zero;
    QNS_TRY(constant(&in[1], c->gb, w->name, "_q", &codes, err));
    if (any_zero)
        QNS_TRY(constant(&in[3], c->gb, w->name, "_zero", &zero, err));
    QNS_TRY(qns_qdq_name(&acc_name, c->gb, v->name, "_acc", err));
    const qns_node_spec s = {.op = qns_op_find("matmul_integer"),
                             .name = n->name,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = any_zero ? 4 : 3,
                             .origin = n->origin,
                             .n_origin = n->n_origin,
                             .n_out = 1,
                             .out_name = &acc_name};
    QNS_TRY(qns_gb_node(&acc, c->gb, &s, err));
    QNS_TRY(step(out, c->gb, "cast", &to_float, &acc, 1, v->name, "_acc_float", err));
    factor[0] = x.scale;
    QNS_TRY(constant(&factor[1], c->gb, w->name, "_scale", &scale, err));
    return step(by, c->gb, "mul", NULL, factor, 2, v->name, "_scale", err);
}

static qns_status convert_linear(qns_dyn_converter *c, const qns_node *n, qns_err *err)
{
    const qns_value *v = qns_graph_value(c->g, n->out[0]);
    const bool has_bias = n->n_in > 2 && qns_has(n->in[2]);
    const char *name;
    qns_vid in[2], out;
    QNS_TRY(product(&in[0], &in[1], c, n, err));
    if (has_bias) {
        QNS_TRY(step(&in[0], c->gb, "mul", NULL, in, 2, v->name, "_product", err));
        QNS_TRY(qns_gb_mapped(&in[1], c->gb, n->in[2], err));
    }
    QNS_TRY(qns_qdq_name(&name, c->gb, n->name, has_bias ? "/bias" : "/scale", err));
    const qns_node_spec s = {.op = qns_op_find(has_bias ? "add" : "mul"),
                             .name = name,
                             .clamp = n->clamp,
                             .in = in,
                             .n_in = 2,
                             .origin = n->origin,
                             .n_origin = n->n_origin,
                             .n_out = 1,
                             .out_name = &v->name,
                             .out_origin = &v->origin};
    QNS_TRY(qns_gb_node(&out, c->gb, &s, err));
    return qns_gb_map(c->gb, v->id, out, err);
}

/* ---- weights in front of the float operator ---- */

static qns_status weight_input(qns_vid *out, qns_dyn_converter *c, const qns_value *w,
                               const qns_tensor *t, qns_err *err)
{
    static const qns_cast_attr to_float = {.to = QNS_F32};
    const char *q_name, *dq_name;
    qns_arena *a = qns_gb_arena(c->gb);
    const qns_qparams *qp = NULL;
    qns_vid q;
    void *data = qns_arena_dup(a, t->data, qns_tensor_bytes(t));
    if (!data)
        QNS_FAIL(err, NOMEM, "cannot copy weight '%s'", w->name);
    if (t->qp)
        QNS_TRY(qns_qparams_new(&qp, a, t->qp->dtype, t->qp->axis, t->qp->n, t->qp->scale,
                                t->qp->zero, err));
    QNS_TRY(qns_qdq_name(&q_name, c->gb, w->name, t->qp ? "_q" : "_f16", err));
    const qns_const_spec s = {q_name, w->origin, t->dtype, t->shape, data, qp};
    QNS_TRY(qns_gb_constant(&q, c->gb, &s, err));
    if (!qp)
        return step(out, c->gb, "cast", &to_float, &q, 1, w->name, "_f32", err);
    QNS_TRY(qns_qdq_name(&dq_name, c->gb, w->name, "_dq", err));
    return qns_qdq_add(out, c->gb, qns_op_find("dequantize"), q, dq_name, w->origin, qp, err);
}

/* x as its readers see it: rounded to float16, in float32. */
static qns_status round_value(qns_vid *out, qns_dyn_converter *c, qns_vid old, qns_vid now,
                              qns_err *err)
{
    static const qns_cast_attr half = {.to = QNS_F32, .grid = QNS_CAST_F16}, back = {.to = QNS_F32};
    const qns_value *v = qns_graph_value(c->g, old);
    QNS_TRY(step(out, c->gb, "cast", &half, &now, 1, v->name, "_to_f16", err));
    QNS_TRY(step(out, c->gb, "cast", &back, out, 1, v->name, "_from_f16", err));
    c->rounded[old.i] = *out;
    return QNS_OK;
}

/* Behind a graph output nothing may change its name: it stays as it was computed. */
static qns_status round_outputs(qns_dyn_converter *c, const qns_node *n, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_out; i++) {
        qns_vid now, out;
        if (qns_graph_is_output(c->g, n->out[i]) ||
            qns_graph_value(c->g, n->out[i])->dtype != QNS_F32)
            continue;
        QNS_TRY(qns_gb_mapped(&now, c->gb, n->out[i], err));
        QNS_TRY(round_value(&out, c, n->out[i], now, err));
        QNS_TRY(qns_gb_map(c->gb, n->out[i], out, err));
    }
    return QNS_OK;
}

static qns_status with_weights(qns_dyn_converter *c, const qns_node *n, bool round, qns_err *err)
{
    const qns_dynamic *packed = qns_decisions_dynamic(c->d, n->id);
    qns_vid in[QNS_MAX_IN];
    for (uint32_t i = 0; i < n->n_in; i++) {
        QNS_TRY(qns_gb_mapped(&in[i], c->gb, n->in[i], err));
        if (packed && i < QNS_DYNAMIC_SLOTS && packed->weight[i].dtype != QNS_DTYPE_COUNT)
            QNS_TRY(
                weight_input(&in[i], c, qns_graph_value(c->g, n->in[i]), &packed->weight[i], err));
        else if (round && qns_is_float_act(c->g, n, i)) {
            if (qns_has(c->rounded[n->in[i].i]))
                in[i] = c->rounded[n->in[i].i];
            else
                QNS_TRY(round_value(&in[i], c, n->in[i], in[i], err));
        }
    }
    QNS_TRY(qns_qdq_replace(c->gb, c->g, n, in, err));
    return round ? round_outputs(c, n, err) : QNS_OK;
}

static bool is_half(const qns_dyn_converter *c, const qns_node *n)
{
    return qns_decisions_node(c->d, n->id)->why == QNS_WHY_HALF;
}

qns_status qns_convert_dynamic(qns_dyn_converter *c, const qns_node *n, qns_err *err)
{
    if (qns_decisions_node(c->d, n->id)->choice == QNS_F16_ROUND)
        return with_weights(c, n, true, err);
    if (n->op->quant.dynamic == QNS_DYNAMIC_LINEAR && !is_half(c, n))
        return convert_linear(c, n, err);
    return with_weights(c, n, false, err);
}

qns_status qns_convert_dynamic_facts(const qns_dyn_converter *c, qns_err *err)
{
    json_t *marks = json_object();
    for (uint32_t i = 0; i < qns_graph_n_nodes(c->g); i++) {
        const qns_node *n = qns_graph_node(c->g, (qns_nid){i});
        if (qns_decisions_node(c->d, n->id)->choice == QNS_DYNAMIC &&
            (n->op->quant.dynamic != QNS_DYNAMIC_LINEAR || is_half(c, n)))
            json_object_set_new(marks, n->name, json_string(is_half(c, n) ? "float16" : "int8"));
    }
    char *text = json_object_size(marks) ? json_dumps(marks, JSON_COMPACT) : NULL;
    const bool failed = json_object_size(marks) && !text;
    json_decref(marks);
    if (failed)
        QNS_FAIL(err, NOMEM, "cannot write which nodes are dynamic");
    const qns_status st = text ? qns_gb_meta(c->gb, QNS_META_DYNAMIC, text, err) : QNS_OK;
    free(text);
    return st;
}
