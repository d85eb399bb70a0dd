/* SPDX-License-Identifier: MIT */
/* qns inspect, the part about models: inputs, operators, sizes, what runs in integers, qparams. */
#include "tools/inspect.h"

#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_KINDS = 128 };

typedef struct kind {
    const qns_op *op;
    uint32_t n, n_int;
    uint64_t macs;
} kind;

typedef struct summary {
    kind kind[MAX_KINDS];
    size_t n_kinds;
    uint64_t macs, macs_int, params, param_bytes;
    uint32_t n_nodes, n_int;
} summary;

static kind *kind_of(summary *s, const qns_op *op)
{
    for (size_t i = 0; i < s->n_kinds; i++)
        if (s->kind[i].op == op)
            return &s->kind[i];
    if (s->n_kinds == MAX_KINDS)
        return &s->kind[MAX_KINDS - 1];
    s->kind[s->n_kinds] = (kind){.op = op};
    return &s->kind[s->n_kinds++];
}

static void summarize(summary *s, const qns_graph *g)
{
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const uint64_t macs = qns_node_macs(g, n);
        const bool integer = qns_graph_value(g, n->out[0])->qp != NULL;
        kind *k = kind_of(s, n->op);
        k->n++;
        k->macs += macs;
        s->n_nodes++;
        s->macs += macs;
        if (integer) {
            k->n_int++;
            s->n_int++;
            s->macs_int += macs;
        }
    }
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const qns_tensor t = qns_graph_tensor(g, (qns_vid){i});
        if (t.data) {
            s->params += qns_tensor_count(&t);
            s->param_bytes += qns_tensor_bytes(&t);
        }
    }
}

static double share(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_io(const char *what, const qns_graph *g, qns_vid id)
{
    const qns_value *v = qns_graph_value(g, id);
    printf("%-9s %s  %s %s\n", what, v->name, qns_dtype_name(v->dtype), qns_shape_str(&v->shape).s);
}

static void print_layers(const qns_graph *g)
{
    printf("\n%4s  %-44.44s %-10s %-9s %s\n", "", "layer", "op", "type", "scale, zero point");
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const qns_value *v = qns_graph_value(g, n->out[0]);
        printf("%4u  %-44.44s %-10.10s %-9s", i, n->name, n->op->name, qns_dtype_name(v->dtype));
        if (v->qp)
            printf(" %.6g, %d", v->qp->scale[0], v->qp->zero[0]);
        printf("\n");
    }
}

static void print_text(const qns_model *m, const summary *s, bool verbose)
{
    const qns_graph *g = qns_model_graph(m);
    char size[24], hex[33];
    qns_digest topology, constants;
    printf("%s: %s\n", qns_model_path(m),
           qns_model_is_quantized(m) ? "quantized ONNX model (Q/DQ)" : "float ONNX model");
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        print_io("input", g, qns_graph_input(g, i));
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++)
        print_io("output", g, qns_graph_output(g, i));
    printf("%-9s %" PRIu64 " (%s)\n", "params", s->params, qns_ui_bytes(size, s->param_bytes));
    printf("%-9s %.2f million a sample\n", "MACs", (double)s->macs / 1e6);
    if (qns_model_is_quantized(m))
        printf("%-9s %u of %u operators, %.1f %% of the MACs, backend %s\n", "integer", s->n_int,
               s->n_nodes, share(s->macs_int, s->macs), qns_model_backend(m)->name);
    if (qns_graph_digest(&topology, &constants, g, NULL) == QNS_OK) {
        qns_digest_hex(hex, &topology);
        printf("%-9s graph %s\n", "identity", hex);
        qns_digest_hex(hex, &constants);
        printf("%-9s weights %s\n", "", hex);
    }
    printf("\n%-16s %6s %8s %12s %7s   (%s)\n", "operator", "nodes", "integer", "MACs", "share",
           qns_model_is_quantized(m) ? "after lowering" : "after fusion");
    for (size_t i = 0; i < s->n_kinds; i++)
        printf("%-16s %6u %8u %12" PRIu64 " %6.1f %%\n", s->kind[i].op->name, s->kind[i].n,
               s->kind[i].n_int, s->kind[i].macs, share(s->kind[i].macs, s->macs));
    if (verbose)
        print_layers(g);
    else
        printf("\n--verbose lists every layer with its scale and zero point\n");
}

static json_t *io_json(const qns_graph *g, qns_vid id)
{
    const qns_value *v = qns_graph_value(g, id);
    json_t *shape = json_array();
    for (int32_t i = 0; i < v->shape.rank; i++)
        json_array_append_new(shape, json_integer(v->shape.dim[i]));
    return json_pack("{s:s, s:s, s:o}", "name", v->name, "dtype", qns_dtype_name(v->dtype), "shape",
                     shape);
}

static json_t *to_json(const qns_model *m, const summary *s)
{
    const qns_graph *g = qns_model_graph(m);
    json_t *in = json_array(), *out = json_array(), *ops = json_object(), *layers = json_array();
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        json_array_append_new(in, io_json(g, qns_graph_input(g, i)));
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++)
        json_array_append_new(out, io_json(g, qns_graph_output(g, i)));
    for (size_t i = 0; i < s->n_kinds; i++)
        json_object_set_new(ops, s->kind[i].op->name,
                            json_pack("{s:i, s:i, s:I}", "nodes", (int)s->kind[i].n, "integer",
                                      (int)s->kind[i].n_int, "macs", (json_int_t)s->kind[i].macs));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const qns_value *v = qns_graph_value(g, n->out[0]);
        json_t *l = json_pack("{s:s, s:s, s:s}", "name", n->name, "op", n->op->name, "dtype",
                              qns_dtype_name(v->dtype));
        if (v->qp) {
            json_object_set_new(l, "scale", json_real(v->qp->scale[0]));
            json_object_set_new(l, "zero_point", json_integer(v->qp->zero[0]));
        }
        json_array_append_new(layers, l);
    }
    return json_pack("{s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o}", "file",
                     qns_model_path(m), "kind", "model", "quantized", qns_model_is_quantized(m),
                     "backend", qns_model_backend(m)->name, "params", (json_int_t)s->params,
                     "param_bytes", (json_int_t)s->param_bytes, "macs", (json_int_t)s->macs,
                     "integer_mac_share", share(s->macs_int, s->macs) / 100, "inputs", in,
                     "outputs", out, "operators", ops, "layers", layers);
}

qns_status qns_inspect_model(json_t *json, const char *path, const qns_common *c, qns_err *err)
{
    qns_model *m;
    summary s;
    const qns_model_opts opts = qns_model_opts_of(c, NULL);
    QNS_TRY(qns_model_load(&m, path, &opts, err));
    summarize(&s, qns_model_graph(m));
    if (json)
        json_array_append_new(json, to_json(m, &s));
    else
        print_text(m, &s, c->verbose);
    qns_model_free(m);
    return QNS_OK;
}
