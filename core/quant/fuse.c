/* SPDX-License-Identifier: MIT */
/* One walk in run order. At every node it is looked ahead: an affine, then clamps, that follow it
 * and can be taken become part of it. Only a value that nobody else sees may disappear. */
#include "core/quant/fuse.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/builder.h"
#include "core/graph/op.h"

#include <string.h>

typedef struct fuser {
    const qns_graph *g;
    qns_gb *gb;
    uint32_t *user; /* of each value: the last node that reads it */
    bool *taken;    /* nodes that are part of an earlier one */
    struct {
        const char **at;
        size_t n, cap;
    } origin;             /* of the group at hand */
    const qns_op *folded; /* in the group at hand */
} fuser;

/* The node behind the only output, if that output disappears when both become one. */
static const qns_node *follower(const fuser *f, const qns_node *n)
{
    if (n->n_out != 1)
        return NULL;
    const qns_value *v = qns_graph_value(f->g, n->out[0]);
    if (v->n_uses != 1 || qns_graph_is_output(f->g, v->id))
        return NULL;
    const qns_node *next = qns_graph_node(f->g, (qns_nid){f->user[v->id.i]});
    return next->n_out == 1 && next->in[0].i == v->id.i ? next : NULL;
}

static qns_status add_origins(fuser *f, const qns_node *n, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_origin; i++)
        QNS_VEC_PUSH(&f->origin, n->origin[i], err);
    return QNS_OK;
}

/* First a, then b: what both do together. */
static qns_range clamp_both(qns_range a, qns_range b)
{
    const float lo = a.lo > b.lo ? a.lo : b.lo, hi = a.hi < b.hi ? a.hi : b.hi;
    return lo <= hi ? (qns_range){lo, hi} /* apart: all numbers end at one bound of b */
                    : (a.hi < b.lo ? (qns_range){b.lo, b.lo} : (qns_range){b.hi, b.hi});
}

/* Weight and bias can only be changed when they are constants (in a Q/DQ graph they are not). */
static bool can_fold(const fuser *f, const qns_node *n)
{
    const int8_t w = n->op->quant.weight, b = n->op->quant.bias;
    if (!n->op->fold_affine || qns_has_clamp(n) || w < 0 || !qns_has(n->in[w]))
        return false;
    const qns_value *weight = qns_graph_value(f->g, n->in[w]);
    if (b >= 0 && (uint32_t)b < n->n_in && qns_has(n->in[b]) &&
        !qns_graph_value(f->g, n->in[b])->constant)
        return false;
    return weight->constant != NULL;
}

/* The channels of the affine are axis 1 or the last axis, those of a convolution axis 1, those of a
 * linear layer, whose weight is a matrix, the last axis. */
static bool same_channels(const fuser *f, const qns_node *n, const qns_affine *a)
{
    const int32_t rank = qns_graph_value(f->g, n->out[0])->shape.rank;
    const int32_t of_weight = qns_graph_value(f->g, n->in[n->op->quant.weight])->shape.rank;
    return a->last ? of_weight == 2 && rank > 2 : rank == 2 || of_weight == rank;
}

/* An affine that the operator does not take (it says UNSUPPORTED) stays a node. */
static qns_status try_fold(bool *folded, fuser *f, qns_vid *in, uint32_t *n_in, const qns_node *n,
                           const qns_affine *affine, qns_err *err)
{
    qns_vid old[QNS_MAX_IN];
    const uint32_t n_old = *n_in;
    qns_err own = {0};
    memcpy(old, in, sizeof old);
    const qns_status st = n->op->fold_affine(f->gb, in, n_in, n, affine, &own);
    *folded = st == QNS_OK;
    if (st == QNS_OK)
        return QNS_OK;
    memcpy(in, old, sizeof old);
    *n_in = n_old;
    if (st == QNS_E_UNSUPPORTED)
        return QNS_OK;
    if (err)
        *err = own;
    return st;
}

/* Takes what can be taken behind n. *last becomes the node that ends the group. */
static qns_status take(fuser *f, const qns_node **last, qns_vid *in, uint32_t *n_in,
                       qns_range *clamp, const qns_node *n, qns_err *err)
{
    qns_affine affine;
    qns_range range;
    const qns_node *next = follower(f, n);
    *last = n;
    *clamp = n->clamp;
    if (next && can_fold(f, n) && next->op->as_affine && next->op->as_affine(&affine, f->g, next) &&
        same_channels(f, n, &affine)) {
        bool folded;
        QNS_TRY(try_fold(&folded, f, in, n_in, n, &affine, err));
        if (folded) {
            QNS_TRY(add_origins(f, next, err));
            *clamp = next->clamp;
            f->taken[next->id.i] = true;
            f->folded = next->op;
            *last = next;
        }
    }
    while (n->op->takes_clamp && (next = follower(f, *last)) && next->op->as_clamp &&
           next->op->as_clamp(&range, f->g, next)) {
        *clamp = clamp_both(*clamp, range);
        QNS_TRY(add_origins(f, next, err));
        f->taken[next->id.i] = true;
        *last = next;
    }
    return QNS_OK;
}

static qns_status fuse_node(fuser *f, const qns_node *n, qns_err *err)
{
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    uint32_t n_in = n->n_in;
    const qns_node *last;
    qns_range clamp;
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    const qns_qparams *qp[QNS_MAX_OUT];
    for (uint32_t i = 0; i < QNS_MAX_IN; i++)
        in[i] = QNS_NO_VALUE;
    for (uint32_t i = 0; i < n->n_in; i++)
        QNS_TRY(qns_gb_mapped(&in[i], f->gb, n->in[i], err));
    f->origin.n = 0;
    f->folded = n->folded;
    QNS_TRY(add_origins(f, n, err));
    QNS_TRY(take(f, &last, in, &n_in, &clamp, n, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(f->g, last->out[i]);
        name[i] = v->name;
        origin[i] = v->origin;
        qp[i] = v->qp;
    }
    const qns_node_spec s = {.op = n->op,
                             .name = n->name,
                             .attr = n->attr,
                             .clamp = clamp,
                             .folded = f->folded,
                             .in = in,
                             .n_in = n_in,
                             .origin = f->origin.at,
                             .n_origin = (uint32_t)f->origin.n,
                             .n_out = n->n_out,
                             .out_name = name,
                             .out_origin = origin,
                             .out_qp = qp};
    QNS_TRY(qns_gb_node(out, f->gb, &s, err));
    for (uint32_t i = 0; i < n->n_out; i++)
        QNS_TRY(qns_gb_map(f->gb, last->out[i], out[i], err));
    return QNS_OK;
}

qns_status qns_fuse(qns_graph **out, const qns_graph *in, qns_err *err)
{
    qns_status st = QNS_OK;
    fuser f = {.g = in};
    const uint32_t n_nodes = qns_graph_n_nodes(in);
    QNS_TRY_DONE(qns_new((void **)&f.user, qns_graph_n_values(in), sizeof *f.user, err));
    QNS_TRY_DONE(qns_new((void **)&f.taken, n_nodes, sizeof *f.taken, err));
    QNS_TRY_DONE(qns_gb_create(&f.gb, NULL, in, err));
    QNS_TRY_DONE(qns_gb_copy_inputs(f.gb, err));
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(in, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++)
            if (qns_has(n->in[k]))
                f.user[n->in[k].i] = i;
    }
    for (uint32_t i = 0; i < n_nodes; i++)
        if (!f.taken[i]) {
            const qns_node *n = qns_graph_node(in, (qns_nid){i});
            st = fuse_node(&f, n, err);
            if (st != QNS_OK) {
                qns_err_note(err, "fusing node '%s'", n->name);
                goto done;
            }
        }
    QNS_TRY_DONE(qns_gb_copy_outputs(f.gb, err));
    st = qns_gb_finish(out, f.gb, err);
    f.gb = NULL;
done:
    qns_gb_free(f.gb);
    qns_free(f.user);
    qns_free(f.taken);
    qns_free(f.origin.at);
    return st;
}
