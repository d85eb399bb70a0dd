/* SPDX-License-Identifier: MIT */
/* A graph as ONNX messages, node by node, then packed in one piece. A fused clamp becomes a node
 * behind the one that carries it, which then gives its result to a value of its own. */
#include "core/model/onnx_write.h"

#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/op.h"
#include "core/model/onnx_meta.h"
#include "core/model/onnx_proto.h"
#include "core/ops/op_clamp.h"
#include "qns_version.h"

#include <stdio.h>
#include <string.h>

enum { WRITE_OPSET = 13, WRITE_IR = 8, MAX_NODE_IN = QNS_MAX_IN + 4 };

typedef struct writer {
    const qns_graph *g;
    qns_arena *a;
    qns_map value_names, node_names; /* of the graph and of what is added */
    const char **clamp_name;         /* per node: of the node that its clamp becomes, or NULL */
    struct {
        Onnx__NodeProto **at;
        size_t n, cap;
    } node;
    struct {
        Onnx__TensorProto **at;
        size_t n, cap;
    } init;
    struct {
        Onnx__StringStringEntryProto **at;
        size_t n, cap;
    } meta;
} writer;

/* "<base><suffix>", or with a number behind it when that is taken. */
static qns_status unique(const char **out, writer *w, qns_map *names, const char *base,
                         const char *suffix, qns_err *err)
{
    const size_t size = strlen(base) + strlen(suffix) + 16;
    char *s;
    QNS_TRY(qns_arena_new((void **)&s, w->a, size, 1, err));
    snprintf(s, size, "%s%s", base, suffix);
    for (unsigned i = 1; qns_map_get(names, s) != QNS_MAP_NONE; i++)
        snprintf(s, size, "%s%s_%u", base, suffix, i);
    QNS_TRY(qns_map_put(names, s, 1, err));
    *out = s;
    return QNS_OK;
}

static qns_status collect_names(writer *w, qns_err *err)
{
    const uint32_t n = qns_graph_n_nodes(w->g);
    for (uint32_t i = 0; i < qns_graph_n_values(w->g); i++)
        QNS_TRY(qns_map_put(&w->value_names, qns_graph_value(w->g, (qns_vid){i})->name, 1, err));
    for (uint32_t i = 0; i < n; i++)
        QNS_TRY(qns_map_put(&w->node_names, qns_graph_node(w->g, (qns_nid){i})->name, 1, err));
    QNS_TRY(qns_arena_new((void **)&w->clamp_name, w->a, n, sizeof *w->clamp_name, err));
    for (uint32_t i = 0; i < n; i++) {
        const qns_node *node = qns_graph_node(w->g, (qns_nid){i});
        if (qns_has_clamp(node))
            QNS_TRY(unique(&w->clamp_name[i], w, &w->node_names, node->name, "_clamp", err));
    }
    return QNS_OK;
}

static qns_status add_tensor(writer *w, const char *name, const qns_tensor *t, qns_err *err)
{
    Onnx__TensorProto *p;
    QNS_TRY(qns_pb_tensor(&p, w->a, name, t, err));
    QNS_VEC_PUSH(&w->init, p, err);
    return QNS_OK;
}

static qns_status add_constants(writer *w, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_values(w->g); i++) {
        const qns_value *v = qns_graph_value(w->g, (qns_vid){i});
        const qns_tensor t = qns_graph_tensor(w->g, v->id);
        if (v->constant)
            QNS_TRY(add_tensor(w, v->name, &t, err));
    }
    return QNS_OK;
}

/* The inputs that the operator's writer put behind the node's own. */
static qns_status add_extras(const char **in, size_t *n_in, writer *w, const qns_onnx_out *o,
                             const char *node_name, qns_err *err)
{
    for (uint32_t i = 0; i < o->n_extra; i++) {
        char suffix[64];
        const char *name = "";
        if (o->extra[i].t.dtype != QNS_DTYPE_COUNT) {
            snprintf(suffix, sizeof suffix, ".%s", o->extra[i].suffix);
            QNS_TRY(unique(&name, w, &w->value_names, node_name, suffix, err));
            QNS_TRY(add_tensor(w, name, &o->extra[i].t, err));
        }
        in[(*n_in)++] = name;
    }
    while (*n_in && !in[*n_in - 1][0])
        (*n_in)--;
    return QNS_OK;
}

/* One ONNX node from a node of ours with other names for its inputs and outputs. */
static qns_status emit(writer *w, const qns_node *n, const char *name, const char **in, size_t n_in,
                       const char *const *out, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_onnx_out o = {.attrs = {.arena = w->a}, .arena = w->a};
    Onnx__NodeProto *p;
    if (!n->op->onnx_write)
        QNS_FAIL(err, UNSUPPORTED, "operator '%s' has no ONNX form", n->op->name);
    QNS_TRY_DONE(n->op->onnx_write(&o, w->g, n, err));
    QNS_TRY_DONE(add_extras(in, &n_in, w, &o, name, err));
    QNS_TRY_DONE(qns_pb_node(&p, w->a, o.type, name, in, n_in, out, n->n_out, &o.attrs, err));
    QNS_TRY_DONE(
        qns_vec_grow((void **)&w->node.at, &w->node.cap, w->node.n, sizeof *w->node.at, err));
    w->node.at[w->node.n++] = p;
done:
    qns_attrs_fini(&o.attrs);
    return st;
}

static qns_status add_clamp(writer *w, const qns_node *n, const char *from, const char *to,
                            qns_err *err)
{
    const qns_clamp_attr attr = {n->clamp};
    const char *in[MAX_NODE_IN] = {from};
    const qns_op *op = qns_op_find("clamp");
    if (!op)
        QNS_FAIL(err, UNSUPPORTED, "there is no clamp operator");
    const qns_node clamp = {.id = {QNS_NONE},
                            .op = op,
                            .attr = &attr,
                            .clamp = QNS_NO_CLAMP,
                            .in = n->out,
                            .out = n->out,
                            .n_in = 1,
                            .n_out = 1};
    return emit(w, &clamp, w->clamp_name[n->id.i], in, 1, &to, err);
}

/* In a Q/DQ graph codes go through moving operators at most; what computes on them is an integer
 * graph, which ONNX cannot say this way. */
static qns_status check_float(const qns_graph *g, const qns_node *n, qns_err *err)
{
    if (n->op->quant.out == QNS_OUT_AS_INPUT || n->op->quant.out == QNS_OUT_FLOAT)
        return QNS_OK;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (qns_has(n->in[i]) && qns_graph_value(g, n->in[i])->qp)
            QNS_FAIL(err, UNSUPPORTED,
                     "computes on codes; write the Q/DQ graph that the integer graph came from");
    return QNS_OK;
}

static qns_status add_node(writer *w, const qns_node *n, qns_err *err)
{
    const char *in[MAX_NODE_IN], *out[QNS_MAX_OUT], *last = NULL;
    QNS_TRY(check_float(w->g, n, err));
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = qns_has(n->in[i]) ? qns_graph_value(w->g, n->in[i])->name : "";
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = qns_graph_value(w->g, n->out[i])->name;
    if (!qns_has_clamp(n))
        return emit(w, n, n->name, in, n->n_in, out, err);
    last = out[0];
    QNS_TRY(unique(&out[0], w, &w->value_names, last, "_preclamp", err));
    QNS_TRY(emit(w, n, n->name, in, n->n_in, out, err));
    return add_clamp(w, n, out[0], last, err);
}

static qns_status add_entry(writer *w, const char *key, const char *value, qns_err *err)
{
    Onnx__StringStringEntryProto *p;
    QNS_TRY(qns_pb_entry(&p, w->a, key, value, err));
    QNS_VEC_PUSH(&w->meta, p, err);
    return QNS_OK;
}

static qns_status add_meta(writer *w, qns_err *err)
{
    char *text;
    QNS_TRY(qns_lineage_text(&text, w->g, w->clamp_name, err));
    const char *lineage = qns_arena_strdup(w->a, text);
    qns_free(text);
    if (!lineage)
        QNS_FAIL(err, NOMEM, "cannot copy the lineage");
    QNS_TRY(add_entry(w, QNS_META_VERSION, QNS_VERSION, err));
    QNS_TRY(add_entry(w, QNS_META_LINEAGE, lineage, err));
    for (uint32_t i = 0; i < qns_graph_n_meta(w->g); i++) {
        const char *key, *value;
        qns_graph_meta_at(&key, &value, w->g, i);
        if (strcmp(key, QNS_META_VERSION) != 0 && strcmp(key, QNS_META_LINEAGE) != 0)
            QNS_TRY(add_entry(w, key, value, err));
    }
    return QNS_OK;
}

/* The batch is the first axis of the inputs; an output with the same first axis has it, too. */
static bool has_batch(const qns_graph *g, const qns_value *v)
{
    const qns_value *first = qns_graph_n_inputs(g) ? qns_graph_value(g, qns_graph_input(g, 0)) : v;
    return v->shape.rank > 0 && first->shape.rank > 0 && v->shape.dim[0] == first->shape.dim[0];
}

static qns_status add_interface(Onnx__GraphProto *p, writer *w, bool dynamic, qns_err *err)
{
    const qns_graph *g = w->g;
    p->n_input = qns_graph_n_inputs(g);
    p->n_output = qns_graph_n_outputs(g);
    QNS_TRY(qns_arena_new((void **)&p->input, w->a, p->n_input, sizeof *p->input, err));
    QNS_TRY(qns_arena_new((void **)&p->output, w->a, p->n_output, sizeof *p->output, err));
    for (uint32_t i = 0; i < p->n_input; i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_input(g, i));
        QNS_TRY(qns_pb_value(&p->input[i], w->a, v, dynamic && has_batch(g, v), err));
    }
    for (uint32_t i = 0; i < p->n_output; i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_output(g, i));
        QNS_TRY(qns_pb_value(&p->output[i], w->a, v, dynamic && has_batch(g, v), err));
    }
    return QNS_OK;
}

static qns_status fill(writer *w, qns_err *err)
{
    QNS_TRY(qns_arena_create(&w->a, err));
    QNS_TRY(collect_names(w, err));
    QNS_TRY(add_constants(w, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(w->g); i++) {
        const qns_node *n = qns_graph_node(w->g, (qns_nid){i});
        const qns_status st = add_node(w, n, err);
        if (st != QNS_OK) {
            qns_err_note(err, "node '%s' (%s)", n->name, n->op->name);
            return st;
        }
    }
    return add_meta(w, err);
}

/* The lowest opset from WRITE_OPSET on that has every operator. Operators write themselves as
 * WRITE_OPSET has them, so none may have changed since. */
static qns_status choose_opset(int *opset, const writer *w, qns_err *err)
{
    const qns_onnx_rule *old, *now;
    int first;
    *opset = WRITE_OPSET;
    for (size_t i = 0; i < w->node.n; i++)
        if (!qns_op_find_onnx(&old, &first, w->node.at[i]->op_type, WRITE_OPSET) && first > *opset)
            *opset = first;
    for (size_t i = 0; i<w->node.n && * opset> WRITE_OPSET; i++) {
        const char *type = w->node.at[i]->op_type;
        if (qns_op_find_onnx(&old, &first, type, WRITE_OPSET) &&
            qns_op_find_onnx(&now, &first, type, *opset) && now != old)
            QNS_FAIL(
                err, UNSUPPORTED,
                "node '%s': %s has another form in opset %d, which the model needs for another "
                "operator",
                w->node.at[i]->name, type, *opset);
    }
    return QNS_OK;
}

static qns_status pack_and_write(const char *path, const Onnx__ModelProto *m, qns_err *err)
{
    const size_t size = onnx__model_proto__get_packed_size(m);
    if (size > INT32_MAX)
        QNS_FAIL(err, UNSUPPORTED, "the model has %zu bytes; an ONNX file holds %d", size,
                 INT32_MAX);
    uint8_t *buf = qns_malloc64(size);
    if (!buf)
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes", size);
    onnx__model_proto__pack(m, buf);
    const qns_status st = qns_file_write(path, buf, size, err);
    qns_free(buf);
    return st;
}

static qns_status save(const char *path, writer *w, bool dynamic, qns_err *err)
{
    Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto g = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    QNS_TRY(add_interface(&g, w, dynamic, err));
    int version;
    QNS_TRY(choose_opset(&version, w, err));
    opset.domain = qns_pb_text("");
    opset.has_version = 1;
    opset.version = version;
    g.name = qns_pb_text(qns_graph_name(w->g));
    g.node = w->node.at;
    g.n_node = w->node.n;
    g.initializer = w->init.at;
    g.n_initializer = w->init.n;
    m.has_ir_version = 1;
    m.ir_version = WRITE_IR;
    m.producer_name = qns_pb_text("qns");
    m.producer_version = qns_pb_text(QNS_VERSION);
    m.graph = &g;
    m.opset_import = &opsets;
    m.n_opset_import = 1;
    m.metadata_props = w->meta.at;
    m.n_metadata_props = w->meta.n;
    return pack_and_write(path, &m, err);
}

qns_status qns_onnx_write(const char *path, const qns_graph *g, bool dynamic_batch, qns_err *err)
{
    writer w = {.g = g};
    qns_status st = fill(&w, err);
    if (st == QNS_OK)
        st = save(path, &w, dynamic_batch, err);
    if (st != QNS_OK)
        qns_err_note(err, "writing '%s'", path);
    qns_free(w.node.at);
    qns_free(w.init.at);
    qns_free(w.meta.at);
    qns_map_fini(&w.value_names);
    qns_map_fini(&w.node_names);
    qns_arena_free(w.a);
    return st;
}
