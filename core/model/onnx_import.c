/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_import.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/onnx_attr.h"
#include "core/model/onnx_input.h"
#include "core/ops/op_quantize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool qns_onnx_is_default_domain(const char *domain)
{
    return !domain || !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

const char *qns_onnx_type(char *out, size_t size, const Onnx__NodeProto *n)
{
    if (qns_onnx_is_default_domain(n->domain))
        return n->op_type;
    /* What is cut off is the name of nothing known. */
    snprintf(out, size, "%s.%s", n->domain, n->op_type);
    return out;
}

void qns_onnx_import_fini(qns_onnx_import *im)
{
    qns_onnx_names_fini(&im->names);
    qns_map_fini(&im->values);
    qns_map_fini(&im->node_names);
    qns_map_fini(&im->widths);
    qns_lineage_free(im->lineage);
}

static qns_status define(qns_onnx_import *im, const char *name, qns_vid v, qns_err *err)
{
    if (qns_map_get(&im->values, name) != QNS_MAP_NONE)
        QNS_FAIL(err, FORMAT, "value '%s' is defined twice", name);
    return qns_map_put(&im->values, name, v.i, err);
}

static qns_status add_constant(qns_onnx_import *im, const char *name, const qns_tensor *t,
                               qns_err *err)
{
    qns_vid v;
    const qns_const_spec s = {.name = name,
                              .origin = qns_lineage_value(im->lineage, name),
                              .dtype = t->dtype,
                              .shape = t->shape,
                              .data = t->data};
    QNS_TRY(qns_gb_constant(&v, im->gb, &s, err));
    return define(im, name, v, err);
}

/* Told here because a relu further on may hide it. */
static void warn_of_nan(const char *name, const qns_tensor *t)
{
    const float *x = t->data;
    size_t n = t->dtype == QNS_F32 ? qns_tensor_count(t) : 0, n_nan = 0;
    for (size_t i = 0; i < n; i++)
        n_nan += isnan(x[i]) != 0;
    if (n_nan)
        qns_log(QNS_LOG_WARN,
                "initializer '%s': %zu of %zu numbers are NaN; nothing computed from "
                "them means anything",
                name, n_nan, n);
}

static qns_status add_initializer(qns_onnx_import *im, const Onnx__TensorProto *t, qns_err *err)
{
    qns_tensor data;
    if (!t->name || !t->name[0])
        QNS_FAIL(err, FORMAT, "an initializer has no name");
    qns_status st = qns_onnx_data(&data, &im->place, t, qns_gb_arena(im->gb), err);
    if (st == QNS_OK)
        st = add_constant(im, t->name, &data, err);
    if (st != QNS_OK)
        qns_err_note(err, "initializer '%s'", t->name);
    else
        warn_of_nan(t->name, &data);
    return st;
}

/* Before IR version 4 every initializer is an input, too: then it is a constant here. */
static qns_status add_inputs(qns_onnx_import *im, qns_err *err)
{
    const char *batch = NULL;
    for (size_t i = 0; i < im->g->n_input; i++) {
        const Onnx__ValueInfoProto *v = im->g->input[i];
        qns_dtype dtype;
        qns_shape shape;
        qns_vid id;
        if (!v->name || !v->name[0])
            QNS_FAIL(err, FORMAT, "input %zu has no name", i);
        const uint32_t known = qns_map_get(&im->values, v->name);
        if (known != QNS_MAP_NONE && qns_gb_value(im->gb, (qns_vid){known})->constant)
            continue;
        QNS_TRY(qns_onnx_input(&dtype, &shape, v, im->opts, err));
        QNS_TRY(qns_gb_input(&id, im->gb, v->name, dtype, &shape, err));
        QNS_TRY(define(im, v->name, id, err));
        batch = batch ? batch : qns_onnx_batch_name(v);
    }
    return batch ? qns_gb_meta(im->gb, QNS_META_BATCH, batch, err) : QNS_OK;
}

static qns_status note_width(qns_onnx_import *im, const char *name, int32_t type, qns_err *err)
{
    if (!name || qns_onnx_dtype(type) != QNS_F32 || type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return QNS_OK;
    return qns_map_put(&im->widths, name, (uint32_t)type, err);
}

static qns_status note_widths(qns_onnx_import *im, Onnx__ValueInfoProto *const *v, size_t n,
                              qns_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto *t = v[i]->type;
        if (t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && t->tensor_type)
            QNS_TRY(note_width(im, v[i]->name, t->tensor_type->elem_type, err));
    }
    return QNS_OK;
}

static qns_status add_sources(qns_onnx_import *im, qns_err *err)
{
    for (size_t i = 0; i < im->g->n_sparse_initializer; i++) {
        const Onnx__TensorProto *v = im->g->sparse_initializer[i]->values;
        QNS_FAIL(err, UNSUPPORTED, "initializer '%s' is sparse",
                 v && v->name ? v->name : "without a name");
    }
    for (size_t i = 0; i < im->g->n_initializer; i++) {
        QNS_TRY(add_initializer(im, im->g->initializer[i], err));
        QNS_TRY(note_width(im, im->g->initializer[i]->name, im->g->initializer[i]->data_type, err));
    }
    QNS_TRY(note_widths(im, im->g->input, im->g->n_input, err));
    QNS_TRY(note_widths(im, im->g->value_info, im->g->n_value_info, err));
    return add_inputs(im, err);
}

static qns_status bind_inputs(qns_onnx_node *n, const qns_onnx_import *im, const Onnx__NodeProto *p,
                              qns_err *err)
{
    size_t count = p->n_input;
    while (count && !p->input[count - 1][0])
        count--;
    if (count > QNS_MAX_IN)
        QNS_FAIL(err, UNSUPPORTED, "has %zu inputs; %d are supported", count, QNS_MAX_IN);
    for (size_t i = 0; i < count; i++) {
        n->in[i] = QNS_NO_VALUE;
        if (!p->input[i][0])
            continue;
        n->in[i].i = qns_map_get(&im->values, p->input[i]);
        const uint32_t width = qns_map_get(&im->widths, p->input[i]);
        n->file_type[i] = width == QNS_MAP_NONE ? 0 : (int32_t)width;
        if (n->in[i].i == QNS_MAP_NONE)
            QNS_FAIL(err, FORMAT, "input '%s' is made by no node, input or initializer",
                     p->input[i]);
    }
    n->n_in = (uint32_t)count;
    return QNS_OK;
}

/* Outputs at the end that nobody reads are as good as absent (Dropout's mask, MaxPool's indices).
 */
static qns_status count_outputs(qns_onnx_node *n, const qns_onnx_import *im,
                                const Onnx__NodeProto *p, qns_err *err)
{
    size_t count = p->n_output;
    while (count > 1 && qns_map_get(&im->names.used, p->output[count - 1]) == QNS_MAP_NONE)
        count--;
    if (count == 0)
        QNS_FAIL(err, FORMAT, "has no outputs");
    if (count > QNS_MAX_OUT)
        QNS_FAIL(err, UNSUPPORTED, "has %zu outputs; %d are supported", count, QNS_MAX_OUT);
    n->n_out = (uint32_t)count;
    return QNS_OK;
}

static qns_status read_attributes(void **attr, qns_onnx_node *n, const qns_onnx_rule *rule,
                                  qns_err *err)
{
    QNS_TRY(qns_new(attr, 1, n->op->attr_size, err));
    /* Readers look at these inputs without asking whether they are there. */
    if (n->n_in < n->op->min_in)
        QNS_FAIL(err, FORMAT, "has %u inputs; %s takes %u to %u", n->n_in, n->op->name,
                 n->op->min_in, n->op->max_in);
    for (uint32_t i = 0; i < n->op->min_in; i++)
        if (!qns_has(n->in[i]))
            QNS_FAIL(err, FORMAT, "input %u is missing", i);
    if (rule->read)
        QNS_TRY(rule->read(*attr, n, err));
    const char *unused = qns_attrs_unused(n->attrs);
    if (unused)
        QNS_FAIL(err, UNSUPPORTED, "attribute '%s' is not supported", unused);
    return QNS_OK;
}

static bool is_graph_output(const qns_onnx_import *im, const char *name)
{
    for (size_t i = 0; i < im->g->n_output; i++)
        if (im->g->output[i]->name && strcmp(im->g->output[i]->name, name) == 0)
            return true;
    return false;
}

/* The codes of a node that computes floats here and codes in the file. The float value keeps the
 * name of the file, as an integer graph calls its codes by it; an output of the graph must have it
 * itself. */
static qns_status quantize_output(qns_vid *out, qns_onnx_import *im, const qns_onnx_node *n,
                                  const Onnx__NodeProto *p, qns_err *err)
{
    const qns_quantize_attr attr = {n->out_qp};
    const char *origin = qns_gb_value(im->gb, *out)->origin, *name = p->output[0];
    const bool is_output = is_graph_output(im, name);
    qns_str text = {0}, node = {0};
    qns_status st = QNS_OK;
    qns_str_addf(&text, "%s%s", name, is_output ? "" : "_codes");
    qns_str_addf(&node, "%s/quantize", n->name);
    if (text.failed || node.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot make a name");
    name = qns_str_get(&text);
    const qns_node_spec s = {.op = qns_op_find("quantize"),
                             .name = qns_str_get(&node),
                             .attr = &attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = out,
                             .n_in = 1,
                             .n_out = 1,
                             .out_name = &name,
                             .out_origin = &origin,
                             .out_qp = &n->out_qp};
    qns_vid codes;
    QNS_TRY_DONE(qns_gb_node(&codes, im->gb, &s, err));
    *out = codes;
done:
    qns_str_fini(&text);
    qns_str_fini(&node);
    return st;
}

static qns_status add_node(qns_onnx_import *im, const qns_onnx_node *n, const void *attr,
                           const Onnx__NodeProto *p, qns_err *err)
{
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT], *node_origin[QNS_MAX_ORIGINS];
    char made_up[QNS_MAX_OUT][32], real[160];
    qns_vid out[QNS_MAX_OUT];
    for (uint32_t i = 0; i < n->n_out; i++) {
        snprintf(made_up[i], sizeof made_up[i], "unused_%u", i);
        name[i] = p->output[i][0] ? p->output[i] : made_up[i];
        origin[i] = qns_lineage_value(im->lineage, name[i]);
    }
    if (n->out_qp && is_graph_output(im, name[0])) {
        snprintf(real, sizeof real, "%.120s_real", name[0]);
        origin[0] = origin[0] ? origin[0] : name[0];
        name[0] = real;
    }
    const uint32_t n_origin = qns_lineage_node(node_origin, im->lineage, n->name);
    const qns_node_spec s = {.op = n->op,
                             .name = n->name,
                             .attr = attr,
                             .clamp = n->clamp,
                             .in = n->in,
                             .n_in = n->n_in,
                             .origin = n_origin ? node_origin : NULL,
                             .n_origin = n_origin,
                             .n_out = n->n_out,
                             .out_name = name,
                             .out_origin = origin};
    QNS_TRY(qns_gb_node(out, im->gb, &s, err));
    if (n->out_qp)
        QNS_TRY(quantize_output(&out[0], im, n, p, err));
    for (uint32_t i = 0; i < n->n_out; i++)
        if (p->output[i][0])
            QNS_TRY(define(im, p->output[i], out[i], err));
    return QNS_OK;
}

/* An identity is left out, unless it gives an output of the graph its name. */
static bool can_drop(const qns_onnx_import *im, const qns_onnx_node *n, const Onnx__NodeProto *p)
{
    return n->op->is_identity && n->n_in >= 1 && qns_has(n->in[0]) && n->n_out == 1 &&
           p->output[0][0] && !is_graph_output(im, p->output[0]);
}

static qns_status add_constants(qns_onnx_import *im, const qns_tensor *t, const qns_onnx_node *n,
                                const Onnx__NodeProto *p, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_out; i++)
        if (p->output[i][0])
            QNS_TRY(add_constant(im, p->output[i], &t[i], err));
    return QNS_OK;
}

/* A node whose operator does the work: read, then dropped, computed or added. */
static qns_status read_op(qns_onnx_import *im, qns_onnx_node *n, const Onnx__NodeProto *p,
                          qns_err *err)
{
    qns_status st = QNS_OK;
    void *attr = NULL;
    qns_tensor t[QNS_MAX_OUT];
    bool folded;
    const qns_onnx_rule *rule;
    n->op = qns_op_find_onnx(&rule, NULL, n->type, n->opset);
    if (!n->op)
        QNS_FAIL(err, UNSUPPORTED, "the operator is not supported");
    QNS_TRY_DONE(read_attributes(&attr, n, rule, err));
    if (can_drop(im, n, p)) {
        QNS_TRY_DONE(define(im, p->output[0], n->in[0], err));
        goto done;
    }
    QNS_TRY_DONE(qns_onnx_fold(&folded, t, &im->folder, n, attr, err));
    if (folded)
        QNS_TRY_DONE(add_constants(im, t, n, p, err));
    else
        QNS_TRY_DONE(add_node(im, n, attr, p, err));
done:
    qns_free(attr);
    return st;
}

static qns_status read_kind(qns_onnx_import *im, qns_onnx_node *n, const Onnx__NodeProto *p,
                            qns_err *err)
{
    qns_tensor t;
    QNS_TRY(count_outputs(n, im, p, err));
    if (strcmp(n->type, "Constant") == 0) {
        QNS_TRY(qns_onnx_constant_node(&t, &im->place, p, qns_gb_arena(im->gb), err));
        return add_constant(im, p->output[0], &t, err);
    }
    QNS_TRY(bind_inputs(n, im, p, err));
    QNS_TRY(qns_onnx_attrs(n->attrs, &im->place, p, err));
    if (qns_onnx_is_shape_op(n->type)) {
        QNS_TRY(qns_onnx_shape_op(&t, n, err));
        return add_constant(im, p->output[0], &t, err);
    }
    return read_op(im, n, p, err);
}

/* "Conv_12" for a node without a name; never one that another node has in the file. */
static void name_node(char *out, size_t size, const qns_onnx_import *im, const char *type,
                      uint32_t index)
{
    snprintf(out, size, "%.80s_%u", type, index);
    for (unsigned i = 1; qns_map_get(&im->node_names, out) != QNS_MAP_NONE; i++)
        snprintf(out, size, "%.80s_%u_%u", type, index, i);
}

static qns_status read_node(qns_onnx_import *im, uint32_t index, qns_err *err)
{
    const Onnx__NodeProto *p = im->g->node[index];
    char name[128], type[128];
    qns_attrs attrs = {.arena = qns_gb_arena(im->gb)};
    if (!p->name || !p->name[0])
        name_node(name, sizeof name, im, p->op_type, index);
    qns_onnx_node n = {.type = qns_onnx_type(type, sizeof type, p),
                       .name = p->name && p->name[0] ? p->name : name,
                       .opset = im->opset,
                       .attrs = &attrs,
                       .gb = im->gb,
                       .clamp = QNS_NO_CLAMP};
    const qns_status st = read_kind(im, &n, p, err);
    if (st != QNS_OK)
        qns_err_note(err, "node '%s' (%s, opset %d)", n.name, n.type, n.opset);
    qns_attrs_fini(&attrs);
    return st;
}

static qns_status add_outputs(qns_onnx_import *im, qns_err *err)
{
    if (im->g->n_output == 0)
        QNS_FAIL(err, FORMAT, "the graph has no outputs");
    for (size_t i = 0; i < im->g->n_output; i++) {
        const char *name = im->g->output[i]->name;
        const uint32_t v = name ? qns_map_get(&im->values, name) : QNS_MAP_NONE;
        if (v == QNS_MAP_NONE)
            QNS_FAIL(err, FORMAT, "output '%s' of the graph is made by no node",
                     name ? name : "without a name");
        QNS_TRY(qns_gb_output(im->gb, (qns_vid){v}, err));
    }
    return QNS_OK;
}

qns_status qns_onnx_import_graph(qns_onnx_import *im, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *order = NULL;
    qns_folder_init(&im->folder);
    for (size_t i = 0; i < im->g->n_node; i++)
        if (im->g->node[i]->name && im->g->node[i]->name[0])
            QNS_TRY(qns_map_put(&im->node_names, im->g->node[i]->name, 1, err));
    QNS_TRY(qns_onnx_check_dims(im->g, im->opts, err));
    QNS_TRY(add_sources(im, err));
    QNS_TRY_DONE(qns_new((void **)&order, im->g->n_node, sizeof *order, err));
    QNS_TRY_DONE(qns_onnx_order(order, im->g, &im->names, err));
    for (size_t i = 0; i < im->g->n_node; i++)
        QNS_TRY_DONE(read_node(im, order[i], err));
    QNS_TRY_DONE(add_outputs(im, err));
done:
    qns_free(order);
    return st;
}
