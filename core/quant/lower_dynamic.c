/* SPDX-License-Identifier: MIT */
#include "core/quant/lower_dynamic.h"

#include "core/base/half.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/ops/op_linear_dynamic.h"
#include "core/ops/op_moves.h"
#include "core/quant/candidate.h"
#include "core/quant/convert_dynamic.h"

#include <jansson.h>
#include <string.h>

struct qns_dyn_marks {
    json_t *of; /* node name: "int8" or "float16" */
};

qns_status qns_dyn_marks_read(qns_dyn_marks **out, const qns_graph *g, qns_err *err)
{
    const char *text = qns_graph_meta(g, QNS_META_DYNAMIC);
    *out = NULL;
    if (!text)
        return QNS_OK;
    json_t *of = json_loads(text, 0, NULL);
    if (!json_is_object(of)) {
        json_decref(of);
        qns_log(QNS_LOG_WARN,
                "metadata '%s' is damaged and was ignored: dynamic layers run in float",
                QNS_META_DYNAMIC);
        return QNS_OK;
    }
    const qns_status st = qns_new((void **)out, 1, sizeof **out, err);
    if (st == QNS_OK)
        (*out)->of = of;
    else
        json_decref(of);
    return st;
}

void qns_dyn_marks_free(qns_dyn_marks *m)
{
    if (!m)
        return;
    json_decref(m->of);
    qns_free(m);
}

static const char *mark_of(const qns_dyn_marks *m, const qns_node *n)
{
    return m ? json_string_value(json_object_get(m->of, n->name)) : NULL;
}

/* ---- the pattern of a linear layer ---- */

typedef struct pattern {
    const qns_node *quantize, *product, *cast, *mul, *add; /* add: NULL without a bias */
    qns_vid factor;                                        /* constant scale of the weight */
    qns_tensor weight;                                     /* [n, k] */
} pattern;

static const qns_node *maker(const qns_graph *g, qns_vid v)
{
    if (!qns_has(v) || qns_graph_value(g, v)->producer.i == QNS_NONE)
        return NULL;
    return qns_graph_node(g, qns_graph_value(g, v)->producer);
}

static bool is_op(const qns_node *n, const char *op)
{
    return n && n->op == qns_op_find(op);
}

/* The only reader of the only output, when nobody else would miss that. */
static const qns_node *reader(const qns_lower_view *v, const qns_node *n, const char *op)
{
    const qns_value *out = qns_graph_value(v->g, n->out[0]);
    if (out->n_uses != 1 || qns_graph_is_output(v->g, out->id))
        return NULL;
    const qns_node *r = qns_graph_node(v->g, (qns_nid){v->user[out->id.i]});
    return is_op(r, op) ? r : NULL;
}

/* The input of a node with two inputs that is not `not_this`. */
static qns_vid other(const qns_node *n, qns_vid not_this)
{
    return n->in[0].i == not_this.i ? n->in[1] : n->in[0];
}

static bool is_row(const qns_value *x, size_t n, bool or_one)
{
    const size_t count = qns_shape_count(&x->shape);
    if (!x->constant || x->dtype != QNS_F32 || (count != n && !(or_one && count == 1)))
        return false;
    for (int32_t i = 0; i + 1 < x->shape.rank; i++)
        if (x->shape.dim[i] != 1)
            return false;
    return true;
}

/* mul by (scale of the input * constant), in either order. */
static bool find_factor(pattern *p, const qns_lower_view *v, size_t n)
{
    const qns_node *both = maker(v->g, other(p->mul, p->cast->out[0]));
    /* One scale for all of the weight makes it the product with a number. */
    if ((!is_op(both, "mul") && !is_op(both, "mul_scalar")) || qns_has_clamp(both) ||
        both->n_in != 2)
        return false;
    const bool first = both->in[0].i == p->quantize->out[1].i;
    if (!first && both->in[1].i != p->quantize->out[1].i)
        return false;
    p->factor = both->in[first ? 1 : 0];
    return is_row(qns_graph_value(v->g, p->factor), n, true);
}

static bool find(pattern *p, const qns_lower_view *v, const qns_node *n)
{
    *p = (pattern){.product = n};
    if (!is_op(n, "matmul_integer"))
        return false;
    p->quantize = maker(v->g, n->in[0]);
    const qns_value *w = qns_graph_value(v->g, n->in[1]);
    if (!is_op(p->quantize, "dynamic_quantize") || p->quantize->n_out != 3 || n->n_in < 3 ||
        n->in[0].i != p->quantize->out[0].i || n->in[2].i != p->quantize->out[2].i ||
        !w->constant || w->dtype != QNS_I8 || w->shape.rank != 2)
        return false;
    if (n->n_in > 3 && qns_has(n->in[3]) && !qns_graph_value(v->g, n->in[3])->constant)
        return false;
    p->cast = reader(v, n, "cast");
    if (!p->cast || ((const qns_cast_attr *)p->cast->attr)->to != QNS_F32 ||
        ((const qns_cast_attr *)p->cast->attr)->grid != QNS_CAST_ALL)
        return false;
    p->mul = reader(v, p->cast, "mul");
    const size_t outputs = (size_t)w->shape.dim[1];
    if (!p->mul || p->mul->n_in != 2 || !find_factor(p, v, outputs))
        return false;
    const qns_node *add = qns_has_clamp(p->mul) ? NULL : reader(v, p->mul, "add");
    if (!add && outputs == 1 && !qns_has_clamp(p->mul))
        add = reader(v, p->mul, "add_scalar");
    if (add && is_row(qns_graph_value(v->g, other(add, p->mul->out[0])), outputs, false))
        p->add = add;
    return true;
}

static qns_status take_weight(pattern *p, const qns_lower_view *v, qns_arena *a, qns_err *err)
{
    const qns_value *w = qns_graph_value(v->g, p->product->in[1]);
    const qns_value *f = qns_graph_value(v->g, p->factor);
    const size_t k = (size_t)w->shape.dim[0], n = (size_t)w->shape.dim[1];
    const qns_vid zero_in = p->product->n_in > 3 ? p->product->in[3] : QNS_NO_VALUE;
    const int8_t *from = w->constant,
                 *z = qns_has(zero_in) ? qns_graph_value(v->g, zero_in)->constant : NULL;
    const size_t n_zero = z ? qns_shape_count(&qns_graph_value(v->g, zero_in)->shape) : 1;
    const size_t n_scale = qns_shape_count(&f->shape), n_qp = n_scale > n_zero ? n_scale : n_zero;
    int8_t *to;
    double *scale;
    int32_t *zero;
    QNS_TRY(qns_arena_new((void **)&to, a, n, k, err));
    QNS_TRY(qns_arena_new((void **)&scale, a, n_qp, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, n_qp, sizeof *zero, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            to[i * k + j] = from[j * n + i];
    for (size_t i = 0; i < n_qp; i++) {
        scale[i] = (double)((const float *)f->constant)[n_scale == 1 ? 0 : i];
        zero[i] = z ? z[n_zero == 1 ? 0 : i] : 0;
    }
    const qns_qparams *qp;
    QNS_TRY(qns_qparams_new(&qp, a, QNS_I8, n_qp == 1 ? -1 : 0, (int32_t)n_qp, scale, zero, err));
    p->weight = (qns_tensor){QNS_I8, QNS_ROW, {2, {(int64_t)n, (int64_t)k}}, to, qp};
    return QNS_OK;
}

/* ---- asking, adding ---- */

/* weight: by input slot, dtype QNS_DTYPE_COUNT where the node keeps its input. */
typedef struct dynamic_node {
    const qns_node *from; /* names and origins */
    const qns_op *op;
    const void *attr;
    qns_range clamp;
    const qns_vid *in; /* of the old graph */
    uint32_t n_in;
    const qns_vid *out; /* of the old graph */
    uint32_t n_out;
    qns_dynamic weight;
} dynamic_node;

static bool accepted(const dynamic_node *x, const qns_lower_view *v, const qns_backend *be)
{
    const char *why;
    qns_candidate c;
    qns_node node = *x->from;
    node.op = x->op;
    node.attr = x->attr;
    node.clamp = x->clamp;
    node.in = x->in;
    node.n_in = x->n_in;
    node.out = x->out;
    node.n_out = x->n_out;
    qns_candidate_init(&c, v->g, &node);
    for (uint32_t i = 0; i < QNS_DYNAMIC_SLOTS; i++)
        if (x->weight.weight[i].dtype != QNS_DTYPE_COUNT)
            c.in[i] = x->weight.weight[i];
    if (qns_candidate_ask(&why, &c, be))
        return true;
    qns_log(QNS_LOG_WARN, "node '%s' is dynamic, but not on %s: %s", x->from->name, be->name, why);
    return false;
}

static qns_status add(qns_gb *gb, const dynamic_node *x, const qns_lower_view *v, qns_err *err)
{
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    for (uint32_t i = 0; i < x->n_in; i++) {
        const bool packed = i < QNS_DYNAMIC_SLOTS && x->weight.weight[i].dtype != QNS_DTYPE_COUNT;
        if (!packed) {
            QNS_TRY(qns_gb_mapped(&in[i], gb, x->in[i], err));
            continue;
        }
        const qns_value *w = qns_graph_value(v->g, x->in[i]);
        const qns_tensor *t = &x->weight.weight[i];
        const qns_const_spec s = {w->name, w->origin, t->dtype, t->shape, t->data, t->qp};
        QNS_TRY(qns_gb_constant(&in[i], gb, &s, err));
    }
    for (uint32_t i = 0; i < x->n_out; i++) {
        name[i] = qns_graph_value(v->g, x->out[i])->name;
        origin[i] = qns_graph_value(v->g, x->out[i])->origin;
    }
    const qns_node_spec s = {.op = x->op,
                             .name = x->from->name,
                             .attr = x->attr,
                             .clamp = x->clamp,
                             .in = in,
                             .n_in = x->n_in,
                             .origin = x->from->origin,
                             .n_origin = x->from->n_origin,
                             .n_out = x->n_out,
                             .out_name = name,
                             .out_origin = origin};
    QNS_TRY(qns_gb_node(out, gb, &s, err));
    for (uint32_t i = 0; i < x->n_out; i++)
        QNS_TRY(qns_gb_map(gb, x->out[i], out[i], err));
    return QNS_OK;
}

static void no_weights(dynamic_node *x)
{
    for (uint32_t i = 0; i < QNS_DYNAMIC_SLOTS; i++)
        x->weight.weight[i].dtype = QNS_DTYPE_COUNT;
}

static qns_status lower_pattern(bool *found, qns_gb *gb, bool *done, const qns_lower_view *v,
                                const qns_node *n, const qns_backend *be, qns_err *err)
{
    static const qns_linear_dynamic_attr attr = {0};
    pattern p;
    *found = false;
    if (!find(&p, v, n))
        return QNS_OK;
    QNS_TRY(take_weight(&p, v, qns_gb_arena(gb), err));
    const qns_node *last = p.add ? p.add : p.mul;
    const qns_vid in[3] = {p.quantize->in[0], n->in[1],
                           p.add ? other(p.add, p.mul->out[0]) : QNS_NO_VALUE};
    dynamic_node x = {.from = n,
                      .op = qns_op_find("linear_dynamic"),
                      .attr = &attr,
                      .clamp = last->clamp,
                      .in = in,
                      .n_in = p.add ? 3 : 2,
                      .out = last->out,
                      .n_out = 1};
    no_weights(&x);
    x.weight.weight[1] = p.weight;
    if (!accepted(&x, v, be))
        return QNS_OK;
    done[p.cast->id.i] = done[p.mul->id.i] = true;
    if (p.add)
        done[p.add->id.i] = true;
    *found = true;
    return add(gb, &x, v, err);
}

/* ---- marked nodes ---- */

/* The weight in input i: codes in front of a dequantize, or float numbers that float16 holds (the
 * reader of files widens float16 constants and folds the cast behind them). */
static qns_status marked_weight(qns_tensor *out, const qns_lower_view *v, const qns_node *n,
                                uint32_t i, bool half, qns_arena *a, qns_err *err)
{
    const qns_value *w = qns_graph_value(v->g, n->in[i]);
    const qns_node *m = maker(v->g, n->in[i]);
    out->dtype = QNS_DTYPE_COUNT;
    if (!half && m && m->op == v->op.dq && qns_graph_value(v->g, m->in[0])->constant) {
        *out = qns_graph_tensor(v->g, m->in[0]);
        out->qp = qns_qdq_qparams(m);
    }
    if (half && is_op(m, "cast") && qns_graph_value(v->g, m->in[0])->dtype == QNS_F16)
        *out = qns_graph_tensor(v->g, m->in[0]);
    if (!half || !w->constant || w->dtype != QNS_F32)
        return QNS_OK;
    const size_t count = qns_shape_count(&w->shape);
    uint16_t *bits;
    QNS_TRY(qns_arena_new((void **)&bits, a, count, sizeof *bits, err));
    for (size_t k = 0; k < count; k++)
        bits[k] = qns_float_to_half(((const float *)w->constant)[k]);
    *out = (qns_tensor){QNS_F16, QNS_ROW, w->shape, bits, NULL};
    return QNS_OK;
}

static qns_status lower_marked(bool *found, qns_gb *gb, bool *done, const qns_lower_view *v,
                               const qns_node *n, const char *mark, const qns_backend *be,
                               qns_err *err)
{
    static const qns_linear_dynamic_attr attr = {0};
    const bool half = strcmp(mark, "float16") == 0;
    const bool linear = n->op->quant.dynamic == QNS_DYNAMIC_LINEAR;
    dynamic_node x = {.from = n,
                      .op = linear ? qns_op_find("linear_dynamic") : n->op,
                      .attr = linear ? &attr : n->attr,
                      .clamp = n->clamp,
                      .in = n->in,
                      .n_in = n->n_in,
                      .out = n->out,
                      .n_out = n->n_out};
    bool any = false;
    qns_vid in[QNS_MAX_IN];
    *found = false;
    no_weights(&x);
    const qns_node *bias = linear ? qns_lower_bias(&in[2], v, n) : NULL;
    if (bias) { /* an Add behind, as the writer does it for inputs of more than two axes */
        in[0] = n->in[0];
        in[1] = n->in[1];
        x.in = in;
        x.n_in = 3;
        x.clamp = bias->clamp;
        x.out = bias->out;
    }
    for (uint32_t i = 1; i < QNS_DYNAMIC_SLOTS && i < n->n_in; i++) {
        if (!qns_has(n->in[i]) || (linear && i != (uint32_t)n->op->quant.weight))
            continue;
        QNS_TRY(marked_weight(&x.weight.weight[i], v, n, i, half, qns_gb_arena(gb), err));
        any |= x.weight.weight[i].dtype != QNS_DTYPE_COUNT;
    }
    if (!any || !accepted(&x, v, be))
        return QNS_OK;
    if (bias)
        done[bias->id.i] = true;
    *found = true;
    return add(gb, &x, v, err);
}

qns_status qns_lower_dynamic(bool *found, qns_gb *gb, bool *done, const qns_lower_view *v,
                             const qns_dyn_marks *marks, const qns_node *n, const qns_backend *be,
                             qns_err *err)
{
    const char *mark = mark_of(marks, n);
    *found = false;
    if (be->requant == QNS_REQUANT_ONNX)
        return QNS_OK;
    if (mark && n->op->quant.dynamic != QNS_DYNAMIC_NONE)
        return lower_marked(found, gb, done, v, n, mark, be, err);
    return lower_pattern(found, gb, done, v, n, be, err);
}
