/* SPDX-License-Identifier: MIT */
#include "ns/shadow_local.h"

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/ops/op_quantize.h"

#include <stdio.h>
#include <string.h>

typedef struct place { /* of one value of the quantized graph */
    uint32_t anchor;   /* value of the float graph; QNS_NONE: none */
    uint32_t quantize; /* node of the quantizer that makes codes of the anchor; QNS_NONE: float */
    qns_tensor out;    /* what its node made */
    qns_tensor given;  /* what its readers get */
    void *codes;       /* memory of given when it is made of the anchor */
    void *other;       /* given in the other layout; NULL when no reader wants that */
} place;

struct qns_local {
    const qns_graph *ref, *test;
    qns_plan *plan;
    place *at;
    qns_graph *q_graph; /* a quantize node for each anchored value of codes */
    qns_plan *q_plan;
    float *row; /* an anchor in the layout of the value */
};

/* ---- which values are anchored ---- */

static bool same_value(const qns_value *r, const qns_value *t)
{
    if (!qns_shape_equal(&r->shape, &t->shape))
        return false;
    if (t->qp)
        return r->dtype == QNS_F32 && qns_is_code(t->dtype) && t->qp->axis < 0;
    return r->dtype == t->dtype && !r->qp;
}

static qns_status find_anchors(qns_local *l, qns_err *err)
{
    enum { TWICE = UINT32_MAX - 1 };
    qns_status st = QNS_OK;
    qns_map by_origin = {0};
    for (uint32_t i = 0; i < qns_graph_n_values(l->ref); i++) {
        const qns_value *v = qns_graph_value(l->ref, (qns_vid){i});
        const bool seen = qns_map_get(&by_origin, v->origin) != QNS_MAP_NONE;
        if (!v->constant)
            QNS_TRY_DONE(qns_map_put(&by_origin, v->origin, seen ? TWICE : i, err));
    }
    for (uint32_t i = 0; i < qns_graph_n_values(l->test); i++) {
        const qns_value *v = qns_graph_value(l->test, (qns_vid){i});
        const uint32_t r = qns_map_get(&by_origin, v->origin);
        l->at[i].anchor = l->at[i].quantize = QNS_NONE;
        if (!v->constant && v->producer.i != QNS_NONE && r != QNS_MAP_NONE && r != TWICE &&
            same_value(qns_graph_value(l->ref, (qns_vid){r}), v))
            l->at[i].anchor = r;
    }
done:
    qns_map_fini(&by_origin);
    return st;
}

/* ---- the quantizer ---- */

static qns_status add_quantizer(qns_gb *gb, const qns_value *v, qns_err *err)
{
    char name[32];
    const char *out_name = name;
    const qns_quantize_attr attr = {v->qp};
    qns_vid in, out;
    snprintf(name, sizeof name, "x%u", v->id.i);
    QNS_TRY(qns_gb_input(&in, gb, name, QNS_F32, &v->shape, err));
    snprintf(name, sizeof name, "q%u", v->id.i);
    const qns_node_spec spec = {.op = qns_op_find("quantize"),
                                .name = name,
                                .attr = &attr,
                                .clamp = QNS_NO_CLAMP,
                                .in = &in,
                                .n_in = 1,
                                .n_out = 1,
                                .out_name = &out_name,
                                .out_qp = &v->qp};
    QNS_TRY(qns_gb_node(&out, gb, &spec, err));
    return qns_gb_output(gb, out, err);
}

static qns_status make_quantizer(qns_local *l, const qns_exec_opts *o, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_gb *gb = NULL;
    uint32_t n = 0;
    char name[32];
    QNS_TRY(qns_gb_create(&gb, "quantizer", NULL, err));
    for (uint32_t i = 0; i < qns_graph_n_values(l->test); i++) {
        const qns_value *v = qns_graph_value(l->test, (qns_vid){i});
        if (l->at[i].anchor == QNS_NONE || !v->qp)
            continue;
        QNS_TRY_DONE(add_quantizer(gb, v, err));
        n++;
    }
    if (n == 0)
        goto done;
    st = qns_gb_finish(&l->q_graph, gb, err);
    gb = NULL;
    if (st == QNS_OK)
        st = qns_plan_create(&l->q_plan, l->q_graph, o, err);
    for (uint32_t i = 0; st == QNS_OK && i < qns_graph_n_values(l->test); i++) {
        snprintf(name, sizeof name, "q%u", i);
        l->at[i].quantize = qns_graph_find_node(l->q_graph, name).i;
    }
done:
    qns_gb_free(gb);
    return st;
}

/* ---- memory ---- */

static qns_status get(void **out, const qns_tensor *t, qns_err *err)
{
    const size_t bytes = qns_tensor_bytes(t);
    if (!*out && !(*out = qns_malloc64(bytes ? bytes : 1)))
        QNS_FAIL(err, NOMEM, "cannot get memory for a value of shape %s",
                 qns_shape_str(&t->shape).s);
    return QNS_OK;
}

static bool wants_other(const qns_value *v, const qns_tensor *in)
{
    return in->layout != v->layout && !qns_layout_trivial(&v->shape);
}

static qns_status get_memory(qns_local *l, qns_err *err)
{
    size_t most = 1;
    for (uint32_t i = 0; i < qns_graph_n_nodes(l->test); i++) {
        const qns_node *n = qns_graph_node(l->test, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++) {
            const qns_tensor t = qns_plan_node_in(l->plan, n->id, k);
            if (!qns_has(n->in[k]) || t.data)
                continue;
            if (wants_other(qns_graph_value(l->test, n->in[k]), &t))
                QNS_TRY(get(&l->at[n->in[k].i].other, &t, err));
        }
        for (uint32_t k = 0; k < n->n_out; k++) {
            place *p = &l->at[n->out[k].i];
            p->out = p->given = qns_plan_node_out(l->plan, n->id, k);
            QNS_TRY(get(&p->out.data, &p->out, err));
            if (p->anchor != QNS_NONE)
                QNS_TRY(get(&p->codes, &p->out, err));
            const size_t count = qns_tensor_count(&p->out);
            most = count > most ? count : most;
        }
    }
    if (!(l->row = qns_malloc64(most * sizeof *l->row)))
        QNS_FAIL(err, NOMEM, "cannot get memory for a value");
    return QNS_OK;
}

qns_status qns_local_create(qns_local **out, const qns_graph *ref, qns_plan *test,
                            const qns_exec_opts *o, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_local *l = NULL;
    QNS_TRY(qns_new((void **)&l, 1, sizeof *l, err));
    l->ref = ref;
    l->test = qns_plan_graph(test);
    l->plan = test;
    QNS_TRY_DONE(qns_new((void **)&l->at, qns_graph_n_values(l->test), sizeof *l->at, err));
    QNS_TRY_DONE(find_anchors(l, err));
    QNS_TRY_DONE(make_quantizer(l, o, err));
    QNS_TRY_DONE(get_memory(l, err));
    *out = l;
    l = NULL;
done:
    qns_local_free(l);
    return st;
}

void qns_local_free(qns_local *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->at && i < qns_graph_n_values(l->test); i++) {
        qns_free(l->at[i].out.data);
        qns_free(l->at[i].codes);
        qns_free(l->at[i].other);
    }
    qns_plan_free(l->q_plan);
    qns_graph_free(l->q_graph);
    qns_free(l->row);
    qns_free(l->at);
    qns_free(l);
}

/* ---- running ---- */

/* What readers of an anchored value get. */
static void give_anchor(qns_local *l, place *p, const qns_tensor *ref)
{
    const bool moves = ref->layout != p->out.layout && !qns_layout_trivial(&ref->shape);
    p->given.data = ref->data;
    if (p->quantize == QNS_NONE) {
        if (moves) {
            qns_tensor_relayout(p->codes, p->out.layout, ref);
            p->given.data = p->codes;
        }
        return;
    }
    if (moves)
        qns_tensor_relayout(l->row, p->out.layout, ref);
    /* Per tensor: the order of the elements means nothing to the quantizer. */
    const void *in = moves ? l->row : ref->data;
    qns_plan_run_node(&p->codes, l->q_plan, (qns_nid){p->quantize}, &in);
    p->given.data = p->codes;
}

static void run_node(qns_local *l, const qns_node *n, const qns_tensor *ref)
{
    const void *in[QNS_MAX_IN] = {NULL};
    void *out[QNS_MAX_OUT] = {NULL};
    for (uint32_t k = 0; k < n->n_in; k++) {
        const qns_tensor t = qns_plan_node_in(l->plan, n->id, k);
        if (!qns_has(n->in[k]) || t.data)
            continue;
        place *p = &l->at[n->in[k].i];
        in[k] = p->given.data;
        if (!wants_other(qns_graph_value(l->test, n->in[k]), &t))
            continue;
        qns_tensor_relayout(p->other, t.layout, &p->given);
        in[k] = p->other;
    }
    for (uint32_t k = 0; k < n->n_out; k++)
        out[k] = l->at[n->out[k].i].out.data;
    qns_plan_run_node(out, l->plan, n->id, in);
    for (uint32_t k = 0; k < n->n_out; k++) {
        place *p = &l->at[n->out[k].i];
        p->given.data = p->out.data;
        if (p->anchor != QNS_NONE)
            give_anchor(l, p, &ref[p->anchor]);
    }
}

void qns_local_run(qns_local *l, const qns_tensor *ref, const qns_tensor *in)
{
    for (uint32_t i = 0; i < qns_graph_n_inputs(l->test); i++) {
        place *p = &l->at[qns_graph_input(l->test, i).i];
        p->given = qns_graph_tensor(l->test, qns_graph_input(l->test, i));
        p->given.layout = QNS_ROW;
        p->given.data = in[i].data;
    }
    for (uint32_t i = 0; i < qns_graph_n_nodes(l->test); i++)
        run_node(l, qns_graph_node(l->test, (qns_nid){i}), ref);
}

const qns_tensor *qns_local_value(const qns_local *l, qns_vid v)
{
    return &l->at[v.i].out;
}
