/* SPDX-License-Identifier: MIT */
#include "core/quant/dynamic.h"

#include "core/ops/dynamic_linear.h"
#include "core/ops/op_linear_dynamic.h"
#include "core/quant/candidate.h"
#include "core/quant/weight.h"

#include <math.h>

static bool is_weight(const qns_node *n, uint32_t slot)
{
    return n->op->quant.dynamic == QNS_DYNAMIC_RECURRENT
               ? slot == 1 || slot == 2
               : n->op->quant.weight >= 0 && slot == (uint32_t)n->op->quant.weight;
}

/* Numbers beyond float16 become its largest. */
static qns_status to_half(qns_tensor *out, qns_arena *a, const qns_value *w, qns_err *err)
{
    const size_t n = qns_shape_count(&w->shape);
    const float *x = w->constant;
    uint16_t *half;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            QNS_FAIL(err, DATA, "number %zu is %g", i, (double)x[i]);
    QNS_TRY(qns_arena_new((void **)&half, a, n, sizeof *half, err));
    qns_half_weights(half, x, n);
    *out = (qns_tensor){QNS_F16, QNS_ROW, w->shape, half, NULL};
    return QNS_OK;
}

/* PyTorch has a matrix for each direction, ONNX one array: per tensor is per direction here. */
static qns_status to_codes(qns_tensor *out, const char **why, qns_arena *a, const qns_node *n,
                           const qns_value *w, const qns_obs_spec *spec, qns_hist_version hist,
                           qns_err *err)
{
    qns_obs_spec s = *spec;
    qns_weight codes;
    int32_t axis = n->op->quant.weight_axis;
    if (n->op->quant.dynamic == QNS_DYNAMIC_RECURRENT) {
        if (spec->per_channel && w->shape.dim[0] > 1) {
            *why = "one scale for each row of two directions has no Q/DQ form";
            return QNS_OK;
        }
        axis = spec->per_channel ? 1 : 0;
        s.per_channel = spec->per_channel || (w->shape.dim[0] > 1 && spec->observer->per_channel);
        if (w->shape.dim[0] > 1 && !spec->observer->per_channel) {
            *why = "its two directions need an observer with channels (minmax)";
            return QNS_OK;
        }
    }
    QNS_TRY(qns_weight_quantize(&codes, a, &s, hist, w, axis, err));
    *out = (qns_tensor){QNS_I8, QNS_ROW, w->shape, (void *)(uintptr_t)codes.codes, codes.qp};
    return QNS_OK;
}

/* Models of ONNX Runtime say themselves how they compute: the file's nodes run as they are. */
static const char *refusal(const qns_graph *g, const qns_node *n, const qns_backend *be,
                           const qns_dynamic *d)
{
    const qns_linear_dynamic_attr attr = {0};
    const char *why;
    qns_candidate c;
    if (be->requant == QNS_REQUANT_ONNX)
        return NULL;
    qns_candidate_init(&c, g, n);
    if (n->op->quant.dynamic == QNS_DYNAMIC_LINEAR) {
        c.node.op = qns_op_find("linear_dynamic");
        c.node.attr = &attr;
    }
    for (uint32_t i = 0; i < QNS_DYNAMIC_SLOTS && i < n->n_in; i++)
        if (d->weight[i].dtype != QNS_DTYPE_COUNT)
            c.in[i] = d->weight[i];
    return qns_candidate_ask(&why, &c, be) ? NULL : why;
}

static bool bias_is_constant(const qns_graph *g, const qns_node *n)
{
    const uint32_t slot =
        n->op->quant.dynamic == QNS_DYNAMIC_RECURRENT ? 3 : (uint32_t)n->op->quant.bias;
    if (slot >= n->n_in || !qns_has(n->in[slot]))
        return true;
    const qns_value *b = qns_graph_value(g, n->in[slot]);
    return b->constant && b->dtype == QNS_F32;
}

qns_status qns_dynamic_pack(const qns_dynamic **out, const char **why, qns_arena *a,
                            const qns_graph *g, const qns_node *n, const qns_backend *be,
                            const qns_obs_spec *weight, qns_hist_version hist, bool half,
                            qns_err *err)
{
    qns_dynamic *d;
    *out = NULL;
    *why = n->op->quant.dynamic == QNS_DYNAMIC_NONE ? "the operator has no dynamic form"
           : !bias_is_constant(g, n)                ? "its bias is not a float32 constant"
                                                    : NULL;
    if (*why)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&d, a, 1, sizeof *d, err));
    for (uint32_t i = 0; i < QNS_DYNAMIC_SLOTS && !*why; i++) {
        d->weight[i].dtype = QNS_DTYPE_COUNT;
        if (!is_weight(n, i))
            continue;
        const qns_value *w = qns_graph_value(g, n->in[i]);
        if (!w->constant || w->dtype != QNS_F32) {
            *why = "its weight is not a float32 constant";
            return QNS_OK;
        }
        const qns_status st = half ? to_half(&d->weight[i], a, w, err)
                                   : to_codes(&d->weight[i], why, a, n, w, weight, hist, err);
        if (st != QNS_OK) {
            qns_err_note(err, "weight '%s' of node '%s'", w->name, n->name);
            return st;
        }
    }
    if (!*why)
        *why = refusal(g, n, be, d);
    *out = *why ? NULL : d;
    return QNS_OK;
}

qns_status qns_dynamic_pack_half(const qns_dynamic **out, qns_arena *a, const qns_graph *g,
                                 const qns_node *n, qns_err *err)
{
    qns_dynamic *d;
    *out = NULL;
    QNS_TRY(qns_arena_new((void **)&d, a, 1, sizeof *d, err));
    for (uint32_t i = 0; i < QNS_DYNAMIC_SLOTS; i++) {
        d->weight[i].dtype = QNS_DTYPE_COUNT;
        const qns_value *w = is_weight(n, i) && i < n->n_in && qns_has(n->in[i])
                                 ? qns_graph_value(g, n->in[i])
                                 : NULL;
        if (!w || !w->constant || w->dtype != QNS_F32)
            continue;
        const qns_status st = to_half(&d->weight[i], a, w, err);
        if (st != QNS_OK) {
            qns_err_note(err, "weight '%s' of node '%s'", w->name, n->name);
            return st;
        }
        *out = d;
    }
    return QNS_OK;
}
