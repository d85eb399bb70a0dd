/* SPDX-License-Identifier: MIT */
/* Finding operators by name and by ONNX type, and choosing an implementation. */
#include "core/graph/op.h"
#include "core/ops/op_list.h"

#include <string.h>

#define DECLARE(name) extern const qns_op qns_op_##name;
QNS_OP_LIST(DECLARE)
#undef DECLARE

static const qns_op *const ops[] = {
#define ENTRY(name) &qns_op_##name,
    QNS_OP_LIST(ENTRY)
#undef ENTRY
        NULL};

const qns_op *const *qns_ops(void)
{
    return ops;
}

const qns_op *qns_op_find(const char *name)
{
    for (size_t i = 0; ops[i]; i++)
        if (strcmp(ops[i]->name, name) == 0)
            return ops[i];
    return NULL;
}

const qns_op *qns_op_find_onnx(const qns_onnx_rule **rule, int *since_min, const char *type,
                               int opset)
{
    const qns_op *best = NULL;
    const qns_onnx_rule *best_rule = NULL;
    int first = 0;
    for (size_t i = 0; ops[i]; i++)
        for (const qns_onnx_rule *r = ops[i]->onnx; r && r->type; r++) {
            if (strcmp(r->type, type) != 0)
                continue;
            if (first == 0 || r->since < first)
                first = r->since;
            if (r->since <= opset && (!best_rule || r->since > best_rule->since)) {
                best = ops[i];
                best_rule = r;
            }
        }
    if (rule)
        *rule = best_rule;
    if (since_min)
        *since_min = first;
    return best;
}

uint64_t qns_node_macs(const qns_graph *g, const qns_node *n)
{
    qns_tensor in[QNS_MAX_IN], out[QNS_MAX_OUT];
    if (!n->op->macs)
        return 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = qns_has(n->in[i]) ? qns_graph_tensor(g, n->in[i])
                                  : (qns_tensor){.dtype = QNS_DTYPE_COUNT};
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i] = qns_graph_tensor(g, n->out[i]);
    return n->op->macs(n, in, out);
}

const qns_impl *qns_impl_select(const char **why, const qns_call *c,
                                void (*on_refuse)(void *ctx, const qns_impl *i, const char *why),
                                void *ctx)
{
    const char *reason = "the operator has no implementation";
    for (const qns_impl *const *i = c->node->op->impls; i && *i; i++) {
        const char *r = (*i)->reject ? (*i)->reject(c) : NULL;
        if (!r) {
            if (why)
                *why = NULL;
            return *i;
        }
        reason = r;
        if (on_refuse)
            on_refuse(ctx, *i, r);
    }
    if (why)
        *why = reason;
    return NULL;
}
