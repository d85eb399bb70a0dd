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
#include "core/ops/op_quantize.h"
#include "qns_version.h"

#include <stdio.h>
#include <string.h>

enum { WRITE_OPSET = 13, WRITE_IR = 8, MAX_NODE_IN = QNS_MAX_IN + 4 };

typedef struct writer {
    const qns_graph *g;
    qns_arena *a;
    qns_map value_names, node_names; /* of the graph and of what is added */
    const char **clamp_name;         /* per node: of the node that its clamp becomes, or NULL */
    int opset, needs;                /* of this pass; of the forms that were written in it */
    const char **add_name;           /* per node: of the Add behind it, or NULL */
    bool own_domain;                 /* some operator has no form but QNS's own */
    uint32_t *turned;                /* per value: uses that want it transposed */
    const char **turned_name; /* per value: what the transposed one is called; NULL: not yet */
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
    const uint32_t n_values = qns_graph_n_values(w->g);
    QNS_TRY(qns_arena_new((void **)&w->clamp_name, w->a, n, sizeof *w->clamp_name, err));
    QNS_TRY(qns_arena_new((void **)&w->add_name, w->a, n, sizeof *w->add_name, err));
    QNS_TRY(qns_arena_new((void **)&w->turned, w->a, n_values, sizeof *w->turned, err));
    QNS_TRY(qns_arena_new((void **)&w->turned_name, w->a, n_values, sizeof *w->turned_name, err));
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

/* True when all uses of the value take its transpose. */
static bool only_turned(const writer *w, const qns_value *v)
{
    return w->turned[v->id.i] > 0 && w->turned[v->id.i] == v->n_uses;
}

/* The dequantize node of a constant matrix of codes, or the cast of one of float16; NULL when
 * something else makes v. */
static const qns_node *matrix_maker(const writer *w, const qns_value *v)
{
    const qns_node *n = v->producer.i == QNS_NONE ? NULL : qns_graph_node(w->g, v->producer);
    if (!n || v->shape.rank != 2 || n->n_in != 1)
        return NULL;
    const qns_value *c = qns_graph_value(w->g, n->in[0]);
    const bool widens = c->dtype == QNS_F16 && n->op == qns_op_find("cast");
    return c->constant && (widens || n->op == qns_op_find("dequantize")) ? n : NULL;
}

static qns_status add_constants(writer *w, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_values(w->g); i++) {
        const qns_value *v = qns_graph_value(w->g, (qns_vid){i});
        const qns_tensor t = qns_graph_tensor(w->g, v->id);
        if (v->constant && !only_turned(w, v))
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

/* The first opset that has the form which was written. */
static int form_since(const qns_onnx_out *o)
{
    const qns_onnx_rule *rule;
    int first = 0;
    if (o->since)
        return o->since;
    return qns_op_find_onnx(&rule, &first, o->type, WRITE_OPSET) ? WRITE_OPSET : first;
}

/* The opset of the file must have the form: where the operator has changed since, its writer has to
 * know the new one. */
static qns_status check_form(writer *w, const qns_onnx_out *o, qns_err *err)
{
    const qns_onnx_rule *form = NULL, *now = NULL;
    const int since = form_since(o);
    int first;
    w->needs = since > w->needs ? since : w->needs;
    if (since > w->opset)
        return QNS_OK; /* there will be another pass */
    qns_op_find_onnx(&form, &first, o->type, since);
    qns_op_find_onnx(&now, &first, o->type, w->opset);
    if (form != now)
        QNS_FAIL(err, UNSUPPORTED,
                 "%s has another form in opset %d, which the model needs for another operator",
                 o->type, w->opset);
    return QNS_OK;
}

static qns_status emit(writer *w, const qns_node *n, const char *name, const char **in, size_t n_in,
                       const char *const *out, qns_err *err);

static qns_status turn_constant(writer *w, const char *name, const qns_value *v, qns_err *err)
{
    const size_t size = qns_dtype_size(v->dtype);
    const size_t rows = (size_t)v->shape.dim[0], cols = (size_t)v->shape.dim[1];
    qns_tensor t = {v->dtype, QNS_ROW, {2, {v->shape.dim[1], v->shape.dim[0]}}, NULL, NULL};
    QNS_TRY(qns_arena_new(&t.data, w->a, rows * cols, size, err));
    for (size_t i = 0; i < rows * cols; i++)
        memcpy((char *)t.data + (i % cols * rows + i / cols) * size,
               (const char *)v->constant + i * size, size);
    return add_tensor(w, name, &t, err);
}

/* Such a node for the transposed matrix, called as that of the untransposed one unless that is
 * written, too. */
static qns_status turn_codes(writer *w, const char *name, const qns_value *v, const qns_node *dq,
                             qns_err *err)
{
    const qns_value *codes = qns_graph_value(w->g, dq->in[0]);
    const bool widens = codes->dtype == QNS_F16;
    const qns_qparams *qp = widens ? NULL : ((const qns_quantize_attr *)dq->attr)->qp;
    const char *codes_name = codes->name, *node_name = dq->name;
    if (!only_turned(w, codes))
        QNS_TRY(unique(&codes_name, w, &w->value_names, codes->name, "_turned", err));
    if (!only_turned(w, v))
        QNS_TRY(unique(&node_name, w, &w->node_names, dq->name, "_turned", err));
    if (qp && qp->axis >= 0)
        QNS_TRY(
            qns_qparams_new(&qp, w->a, qp->dtype, 1 - qp->axis, qp->n, qp->scale, qp->zero, err));
    QNS_TRY(turn_constant(w, codes_name, codes, err));
    const qns_quantize_attr attr = {qp};
    qns_node node = *dq;
    node.attr = widens ? dq->attr : &attr;
    const char *in[MAX_NODE_IN] = {codes_name};
    return emit(w, &node, node_name, in, 1, &name, err);
}

/* The name of the transposed value. It is made at its first use. */
static qns_status turn(const char **out, writer *w, qns_vid id, qns_err *err)
{
    const qns_value *v = qns_graph_value(w->g, id);
    const qns_node *dq = matrix_maker(w, v);
    const char **name = &w->turned_name[id.i];
    if (!*name) {
        if (!v->constant && !dq)
            QNS_FAIL(err, UNSUPPORTED, "'%s', computed at run time, would have to be transposed",
                     v->name);
        *name = v->name;
        if (!only_turned(w, v))
            QNS_TRY(unique(name, w, &w->value_names, v->name, "_turned", err));
        QNS_TRY(dq ? turn_codes(w, *name, v, dq, err) : turn_constant(w, *name, v, err));
    }
    *out = *name;
    return QNS_OK;
}

static qns_status put(writer *w, const char *type, const char *name, const char *const *in,
                      size_t n_in, const char *const *out, size_t n_out, const qns_attrs *attrs,
                      qns_err *err)
{
    Onnx__NodeProto *p;
    QNS_TRY(qns_pb_node(&p, w->a, type, name, in, n_in, out, n_out, attrs, err));
    QNS_VEC_PUSH(&w->node, p, err);
    return QNS_OK;
}

/* The node without its last input, and an Add of that behind. */
static qns_status put_sum(writer *w, const qns_node *n, const qns_onnx_out *o, const char *name,
                          const char *const *in, const char *const *out, qns_err *err)
{
    const qns_attrs none = {.arena = w->a};
    const char *pair[2] = {NULL, in[o->added]}, **add = &w->add_name[n->id.i];
    QNS_TRY(unique(&pair[0], w, &w->value_names, out[0], "_product", err));
    QNS_TRY(unique(add, w, &w->node_names, name, "_add", err));
    QNS_TRY(put(w, o->type, name, in, (size_t)o->added, pair, 1, &o->attrs, err));
    return put(w, "Add", *add, pair, 2, out, 1, &none, err);
}

/* A node of ours with other names for its inputs and outputs. */
static qns_status emit(writer *w, const qns_node *n, const char *name, const char **in, size_t n_in,
                       const char *const *out, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_onnx_out o = {.attrs = {.arena = w->a}, .opset = w->opset, .arena = w->a};
    if (!n->op->onnx_write)
        QNS_FAIL(err, UNSUPPORTED, "operator '%s' has no ONNX form", n->op->name);
    QNS_TRY_DONE(n->op->onnx_write(&o, w->g, n, err));
    QNS_TRY_DONE(check_form(w, &o, err));
    if (o.turned)
        QNS_TRY_DONE(turn(&in[o.turned], w, n->in[o.turned], err));
    QNS_TRY_DONE(add_extras(in, &n_in, w, &o, name, err));
    if (o.added)
        QNS_TRY_DONE(put_sum(w, n, &o, name, in, out, err));
    else
        QNS_TRY_DONE(put(w, o.type, name, in, n_in, out, n->n_out, &o.attrs, err));
    w->own_domain |= strncmp(o.type, "qns.", 4) == 0;
done:
    qns_attrs_fini(&o.attrs);
    return st;
}

/* Which values are written transposed has to be known before the first of them is. */
static qns_status find_turned(writer *w, qns_err *err)
{
    const uint32_t n = qns_graph_n_nodes(w->g);
    for (uint32_t i = 0; i < n; i++) {
        const qns_node *node = qns_graph_node(w->g, (qns_nid){i});
        qns_onnx_out o = {.attrs = {.arena = w->a}, .opset = w->opset, .arena = w->a};
        const qns_status st =
            node->op->onnx_write ? node->op->onnx_write(&o, w->g, node, NULL) : QNS_OK;
        if (st == QNS_OK && o.turned)
            w->turned[node->in[o.turned].i]++;
        qns_attrs_fini(&o.attrs);
        /* A refusal is told where the node is written. */
        if (st == QNS_E_NOMEM)
            QNS_FAIL(err, NOMEM, "no memory to write node '%s'", node->name);
    }
    for (uint32_t i = 0; i < n; i++) {
        const qns_node *node = qns_graph_node(w->g, (qns_nid){i});
        const qns_value *v = qns_graph_value(w->g, node->out[0]);
        if (only_turned(w, v) && matrix_maker(w, v))
            w->turned[node->in[0].i]++;
    }
    return QNS_OK;
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
    const qns_value *first = qns_graph_value(w->g, n->out[0]);
    if (only_turned(w, first) && matrix_maker(w, first))
        return QNS_OK; /* its readers write it */
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
    QNS_TRY(qns_lineage_text(&text, w->g, w->add_name, w->clamp_name, err));
    const char *lineage = qns_arena_strdup(w->a, text);
    qns_free(text);
    if (!lineage)
        QNS_FAIL(err, NOMEM, "cannot copy the lineage");
    QNS_TRY(add_entry(w, QNS_META_VERSION, QNS_VERSION, err));
    QNS_TRY(add_entry(w, QNS_META_LINEAGE, lineage, err));
    for (uint32_t i = 0; i < qns_graph_n_meta(w->g); i++) {
        const char *key, *value;
        qns_graph_meta_at(&key, &value, w->g, i);
        if (strcmp(key, QNS_META_VERSION) != 0 && strcmp(key, QNS_META_LINEAGE) != 0 &&
            strcmp(key, QNS_META_BATCH) != 0)
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
    const char *known = qns_graph_meta(g, QNS_META_BATCH);
    const char *symbol = !dynamic ? NULL : known ? known : "N";
    p->n_input = qns_graph_n_inputs(g);
    p->n_output = qns_graph_n_outputs(g);
    QNS_TRY(qns_arena_new((void **)&p->input, w->a, p->n_input, sizeof *p->input, err));
    QNS_TRY(qns_arena_new((void **)&p->output, w->a, p->n_output, sizeof *p->output, err));
    for (uint32_t i = 0; i < p->n_input; i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_input(g, i));
        QNS_TRY(qns_pb_value(&p->input[i], w->a, v, has_batch(g, v) ? symbol : NULL, err));
    }
    for (uint32_t i = 0; i < p->n_output; i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_output(g, i));
        QNS_TRY(qns_pb_value(&p->output[i], w->a, v, has_batch(g, v) ? symbol : NULL, err));
    }
    return QNS_OK;
}

static qns_status fill(writer *w, qns_err *err)
{
    QNS_TRY(qns_arena_create(&w->a, err));
    QNS_TRY(collect_names(w, err));
    QNS_TRY(find_turned(w, err));
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
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
    Onnx__OperatorSetIdProto own = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&opset, &own};
    QNS_TRY(add_interface(&g, w, dynamic, err));
    opset.domain = qns_pb_text("");
    opset.has_version = 1;
    opset.version = w->opset;
    own.domain = qns_pb_text("qns");
    own.has_version = 1;
    own.version = 1;
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
    m.opset_import = opsets;
    m.n_opset_import = w->own_domain ? 2 : 1;
    m.metadata_props = w->meta.at;
    m.n_metadata_props = w->meta.n;
    return pack_and_write(path, &m, err);
}

static void release(writer *w)
{
    qns_free(w->node.at);
    qns_free(w->init.at);
    qns_free(w->meta.at);
    qns_map_fini(&w->value_names);
    qns_map_fini(&w->node_names);
    qns_arena_free(w->a);
}

/* A pass that needs a higher opset than it had is thrown away. Every pass has a higher one. */
qns_status qns_onnx_write(const char *path, const qns_graph *g, bool dynamic_batch, qns_err *err)
{
    writer w = {.g = g, .opset = WRITE_OPSET};
    qns_status st = fill(&w, err);
    while (st == QNS_OK && w.needs > w.opset) {
        const int opset = w.needs;
        release(&w);
        w = (writer){.g = g, .opset = opset};
        st = fill(&w, err);
    }
    if (st == QNS_OK)
        st = save(path, &w, dynamic_batch, err);
    if (st != QNS_OK)
        qns_err_note(err, "writing '%s'", path);
    release(&w);
    return st;
}
