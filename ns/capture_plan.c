/* SPDX-License-Identifier: MIT */
#include "ns/capture_plan.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "qns_version.h"

#include <string.h>

/* ---- which layers ---- */

static bool glob_hits(const char *glob, const qns_graph *g, const qns_node *n)
{
    if (qns_glob(glob, n->name))
        return true;
    for (uint32_t i = 0; i < n->n_origin; i++)
        if (qns_glob(glob, n->origin[i]))
            return true;
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(g, n->out[i]);
        if (qns_glob(glob, v->name) || qns_glob(glob, v->origin))
            return true;
    }
    return false;
}

static bool wanted(const qns_capture_opts *o, const qns_graph *g, const qns_node *n)
{
    for (size_t i = 0; i < o->n_layers; i++)
        if (glob_hits(o->layers[i], g, n))
            return true;
    return o->n_layers == 0;
}

static qns_status no_layer(const qns_graph *g, const char *glob, qns_err *err)
{
    const uint32_t n = qns_graph_n_nodes(g);
    const char **name = NULL;
    QNS_TRY(qns_new((void **)&name, n, sizeof *name, err));
    for (uint32_t i = 0; i < n; i++)
        name[i] = qns_graph_node(g, (qns_nid){i})->name;
    const int64_t near = qns_nearest(glob, name, n);
    const char *nearest = near >= 0 ? name[near] : NULL;
    qns_free(name);
    if (nearest)
        QNS_FAIL(err, NOTFOUND, "no layer matches '%s', did you mean '%s'?", glob, nearest);
    QNS_FAIL(err, NOTFOUND, "no layer matches '%s'; 'qns inspect' lists them", glob);
}

qns_status qns_capture_check_layers(const qns_graph *g, const qns_capture_opts *o, qns_err *err)
{
    for (size_t i = 0; i < o->n_layers; i++) {
        bool hit = false;
        for (uint32_t k = 0; k < qns_graph_n_nodes(g) && !hit; k++)
            hit = glob_hits(o->layers[i], g, qns_graph_node(g, (qns_nid){k}));
        if (!hit)
            return no_layer(g, o->layers[i], err);
    }
    return QNS_OK;
}

/* ---- descriptions ---- */

static bool is_code(const qns_value *v)
{
    return v->qp != NULL;
}

/* A node whose first output is its first input in another type: quantize and dequantize. */
static bool converts(const qns_graph *g, const qns_node *n)
{
    if (n->n_in == 0 || n->n_out != 1 || !qns_has(n->in[0]))
        return false;
    const qns_value *in = qns_graph_value(g, n->in[0]), *out = qns_graph_value(g, n->out[0]);
    return !in->constant && strcmp(in->origin, out->origin) == 0 && in->dtype != out->dtype;
}

static int64_t output_number(const qns_graph *g, const qns_value *v)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++) {
        const qns_value *o = qns_graph_value(g, qns_graph_output(g, i));
        if (o->id.i == v->id.i || strcmp(o->origin, v->origin) == 0)
            return i;
    }
    return -1;
}

static qns_cap_desc describe_value(const qns_value *v)
{
    return (qns_cap_desc){.name = v->name,
                          .value_origin = v->origin,
                          .index = -1,
                          .output = -1,
                          .dtype = v->dtype,
                          .shape = v->shape,
                          .qp = v->qp};
}

static void describe_node(qns_cap_desc *d, const qns_node *n)
{
    d->node = n->name;
    d->op = n->op->name;
    d->origin = n->origin;
    d->n_origin = n->n_origin;
    d->index = n->id.i;
}

typedef struct declare {
    qns_capture_list *l;
    const qns_cap_sink *to;
    const qns_plan *p;
    const qns_graph *g;
    unsigned what;
    qns_err *err;
} declare;

static qns_status add_column(declare *c, const qns_value *v, const qns_cap_desc *d)
{
    QNS_TRY(c->to->column(&c->l->column[v->id.i], c->to->ctx, d, c->err));
    c->l->n_columns++;
    c->l->row_bytes += qns_shape_count(&v->shape) * qns_dtype_size(v->dtype);
    return QNS_OK;
}

static qns_status declare_outputs(declare *c, const qns_node *n)
{
    const char *inputs[QNS_MAX_IN];
    uint32_t n_inputs = 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (qns_has(n->in[i]) && !qns_graph_value(c->g, n->in[i])->constant)
            inputs[n_inputs++] = qns_graph_value(c->g, n->in[i])->origin;
    const bool conversion = converts(c->g, n);
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(c->g, n->out[i]);
        /* The codes are captured; the floats a dequantize node makes of them say nothing new. */
        if ((conversion && !is_code(v)) || !qns_h5_storable(v->dtype) ||
            qns_shape_count(&v->shape) == 0)
            continue;
        qns_cap_desc d = describe_value(v);
        describe_node(&d, n);
        d.group = QNS_GROUP_ACTIVATION;
        d.conversion = conversion;
        d.inputs = inputs;
        d.n_inputs = conversion ? 0 : n_inputs;
        d.output = conversion ? -1 : output_number(c->g, v);
        d.impl = qns_plan_impl(c->p, n->id) ? qns_plan_impl(c->p, n->id)->name : NULL;
        d.macs = i == 0 ? qns_node_macs(c->g, n) : 0;
        QNS_TRY(add_column(c, v, &d));
    }
    return QNS_OK;
}

/* A constant two nodes share is written once, for the first. */
static qns_status write_slot(declare *c, const qns_node *n, int8_t slot, qns_group group,
                             bool *written)
{
    if (slot < 0 || (uint32_t)slot >= n->n_in || !qns_has(n->in[slot]))
        return QNS_OK;
    const qns_value *v = qns_graph_value(c->g, n->in[slot]);
    if (!v->constant || written[v->id.i] || !qns_h5_storable(v->dtype) ||
        qns_shape_count(&v->shape) == 0)
        return QNS_OK;
    qns_cap_desc d = describe_value(v);
    describe_node(&d, n);
    d.group = group;
    d.activation = qns_graph_value(c->g, n->out[0])->origin;
    written[v->id.i] = true;
    c->l->n_tensors++;
    return c->to->tensor(c->to->ctx, &d, v->constant, c->err);
}

static qns_status declare_node(declare *c, const qns_node *n, bool *written)
{
    if (c->what & QNS_WHAT_WEIGHTS) {
        QNS_TRY(write_slot(c, n, n->op->quant.weight, QNS_GROUP_WEIGHT, written));
        QNS_TRY(write_slot(c, n, n->op->quant.bias, QNS_GROUP_BIAS, written));
    }
    return c->what & QNS_WHAT_OUTPUTS ? declare_outputs(c, n) : QNS_OK;
}

static qns_status declare_inputs(declare *c)
{
    for (uint32_t i = 0; i < qns_graph_n_inputs(c->g); i++) {
        const qns_value *v = qns_graph_value(c->g, qns_graph_input(c->g, i));
        qns_cap_desc d = describe_value(v);
        d.group = QNS_GROUP_INPUT;
        QNS_TRY(add_column(c, v, &d));
    }
    return QNS_OK;
}

qns_status qns_capture_declare(qns_capture_list *l, const qns_cap_sink *to, const qns_plan *p,
                               const qns_capture_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_graph *g = qns_plan_graph(p);
    declare c = {.l = l, .to = to, .p = p, .g = g, .what = opts->what, .err = err};
    bool *written = NULL;
    if (c.what == 0)
        c.what = QNS_WHAT_WEIGHTS | QNS_WHAT_OUTPUTS;
    QNS_TRY(qns_new((void **)&written, qns_graph_n_values(g), sizeof *written, err));
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        l->column[i] = QNS_NONE;
    if (c.what & QNS_WHAT_INPUTS)
        QNS_TRY_DONE(declare_inputs(&c));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        if (wanted(opts, g, n))
            QNS_TRY_DONE(declare_node(&c, n, written));
    }
done:
    qns_free(written);
    return st;
}

/* ---- identity ---- */

static bool has_codes(const qns_graph *g)
{
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        if (is_code(qns_graph_value(g, (qns_vid){i})))
            return true;
    return false;
}

static void hex_or_meta(char *out, const char *given, const char *meta, const char *own,
                        bool is_float)
{
    const char *s = given ? given : meta ? meta : is_float ? own : "";
    out[0] = '\0';
    strncat(out, s, QNS_HEX_LEN);
}

qns_status qns_capture_facts(qns_cap_facts *f, char hex[5][QNS_HEX_LEN + 1], const qns_graph *g,
                             const qns_capture_opts *opts, qns_err *err)
{
    qns_digest graph, weights, qparams;
    const bool is_float = !has_codes(g);
    QNS_TRY(qns_graph_digest(&graph, &weights, g, err));
    QNS_TRY(qns_graph_digest_qparams(&qparams, g, err));
    qns_digest_hex(hex[0], &graph);
    qns_digest_hex(hex[1], &weights);
    qns_digest_hex(hex[2], &qparams);
    if (is_float)
        hex[2][0] = '\0';
    hex_or_meta(hex[3], opts->source_graph, qns_graph_meta(g, QNS_META_SOURCE_GRAPH), hex[0],
                is_float);
    hex_or_meta(hex[4], opts->source_weights, qns_graph_meta(g, QNS_META_SOURCE_WEIGHTS), hex[1],
                is_float);
    *f = (qns_cap_facts){.model = opts->model ? opts->model : qns_graph_name(g),
                         .backend = opts->backend,
                         .engine = opts->engine,
                         .build = QNS_VERSION "+" QNS_GIT,
                         .graph = hex[0],
                         .weights = hex[1],
                         .qparams = hex[2],
                         .source_graph = hex[3],
                         .source_weights = hex[4]};
    return QNS_OK;
}
