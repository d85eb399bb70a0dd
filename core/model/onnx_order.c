/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_order.h"

#include "core/base/mem.h"

const char *qns_onnx_node_label(const Onnx__NodeProto *n)
{
    if (n->name && n->name[0])
        return n->name;
    return n->n_output ? n->output[0] : "";
}

/* What comes from outside must not be made by a node, too. */
static qns_status check_source(const qns_onnx_names *names, const Onnx__GraphProto *g,
                               const char *name, const char *what, qns_err *err)
{
    const uint32_t node = name ? qns_map_get(&names->maker, name) : QNS_MAP_NONE;
    if (node != QNS_MAP_NONE)
        QNS_FAIL(err, FORMAT, "value '%s' is defined twice: as %s and by node '%s'", name, what,
                 qns_onnx_node_label(g->node[node]));
    return QNS_OK;
}

qns_status qns_onnx_names_init(qns_onnx_names *names, const Onnx__GraphProto *g, qns_err *err)
{
    for (uint32_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        for (size_t k = 0; k < n->n_input; k++)
            if (n->input[k][0])
                QNS_TRY(qns_map_put(&names->used, n->input[k], 1, err));
        for (size_t k = 0; k < n->n_output; k++) {
            const char *name = n->output[k];
            const uint32_t other = qns_map_get(&names->maker, name);
            if (!name[0])
                continue;
            if (other != QNS_MAP_NONE)
                QNS_FAIL(err, FORMAT, "value '%s' is made twice: by node '%s' and by node '%s'",
                         name, qns_onnx_node_label(g->node[other]), qns_onnx_node_label(n));
            QNS_TRY(qns_map_put(&names->maker, name, i, err));
        }
    }
    for (size_t i = 0; i < g->n_input; i++)
        QNS_TRY(check_source(names, g, g->input[i]->name, "an input", err));
    for (size_t i = 0; i < g->n_initializer; i++)
        QNS_TRY(check_source(names, g, g->initializer[i]->name, "an initializer", err));
    for (size_t i = 0; i < g->n_output; i++)
        if (g->output[i]->name)
            QNS_TRY(qns_map_put(&names->used, g->output[i]->name, 1, err));
    return QNS_OK;
}

void qns_onnx_names_fini(qns_onnx_names *names)
{
    qns_map_fini(&names->maker);
    qns_map_fini(&names->used);
}

enum { UNSEEN, OPEN, DONE };

typedef struct frame {
    uint32_t node, input; /* which input is looked at next */
} frame;

/* Depth first with a stack of its own: a hostile chain may be as long as the file. */
static qns_status visit(uint32_t *order, uint32_t *n_order, uint8_t *state, frame *stack,
                        uint32_t root, const Onnx__GraphProto *g, const qns_onnx_names *names,
                        qns_err *err)
{
    uint32_t depth = 0;
    if (state[root] == DONE)
        return QNS_OK;
    stack[depth++] = (frame){root, 0};
    state[root] = OPEN;
    while (depth) {
        frame *f = &stack[depth - 1];
        const Onnx__NodeProto *n = g->node[f->node];
        if (f->input == n->n_input) {
            state[f->node] = DONE;
            order[(*n_order)++] = f->node;
            depth--;
            continue;
        }
        const char *name = n->input[f->input++];
        const uint32_t from = name[0] ? qns_map_get(&names->maker, name) : QNS_MAP_NONE;
        if (from == QNS_MAP_NONE || state[from] == DONE)
            continue;
        if (state[from] == OPEN)
            QNS_FAIL(err, FORMAT, "nodes form a cycle: '%s' needs its own result '%s'",
                     qns_onnx_node_label(g->node[from]), name);
        state[from] = OPEN;
        stack[depth++] = (frame){from, 0};
    }
    return QNS_OK;
}

qns_status qns_onnx_order(uint32_t *order, const Onnx__GraphProto *g, const qns_onnx_names *names,
                          qns_err *err)
{
    qns_status st = QNS_OK;
    uint8_t *state = NULL;
    frame *stack = NULL;
    uint32_t n = 0;
    QNS_TRY_DONE(qns_new((void **)&state, g->n_node, 1, err));
    QNS_TRY_DONE(qns_new((void **)&stack, g->n_node, sizeof *stack, err));
    for (uint32_t i = 0; i < g->n_node; i++)
        QNS_TRY_DONE(visit(order, &n, state, stack, i, g, names, err));
done:
    qns_free(state);
    qns_free(stack);
    return st;
}
