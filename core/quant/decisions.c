/* SPDX-License-Identifier: MIT */
#include "core/quant/decisions.h"

#include "core/base/mem.h"
#include "core/graph/op.h"
#include "core/quant/candidate.h"

void qns_decisions_free(qns_decisions *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->observing.n; i++)
        d->observing.at[i].spec->observer->free(d->observing.at[i].state);
    qns_free(d->observing.at);
    qns_arena_free(d->arena);
    qns_free(d);
}

const qns_graph *qns_decisions_graph(const qns_decisions *d)
{
    return d->g;
}

const qns_qconfig_set *qns_decisions_set(const qns_decisions *d)
{
    return d->set;
}

const qns_decision *qns_decisions_node(const qns_decisions *d, qns_nid n)
{
    return &d->node[n.i];
}

const qns_decision *qns_decisions_value(const qns_decisions *d, qns_vid v)
{
    return &d->value[v.i];
}

bool qns_decisions_int8(const qns_decisions *d, qns_nid n)
{
    return d->node[n.i].choice == QNS_QUANTIZE;
}

uint32_t qns_decisions_n_int8(const qns_decisions *d)
{
    return d->n_int8;
}

uint32_t qns_decisions_count(const qns_decisions *d, qns_choice c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(d->g); i++)
        n += d->node[i].choice == c;
    return n;
}

const qns_dynamic *qns_decisions_dynamic(const qns_decisions *d, qns_nid n)
{
    return d->dynamic[n.i];
}

const int8_t *qns_decisions_weight(const qns_decisions *d, qns_nid n)
{
    return d->weight[n.i].codes;
}

const qns_qparams *qns_decisions_weight_qparams(const qns_decisions *d, qns_nid n)
{
    return d->weight[n.i].qp;
}

uint32_t qns_decisions_n_observers(const qns_decisions *d)
{
    return (uint32_t)d->observing.n;
}

const qns_obs_spec *qns_decisions_spec(const qns_decisions *d, uint32_t observer)
{
    return d->observing.at[observer].spec;
}

int64_t qns_decisions_samples(const qns_decisions *d)
{
    return d->samples;
}

qns_range qns_decisions_range(const qns_decisions *d, qns_vid v)
{
    const uint32_t o = d->value[v.i].observer;
    return o == QNS_NONE ? (qns_range){INFINITY, -INFINITY} : d->observing.at[o].range;
}

qns_range qns_decisions_seen(const qns_decisions *d, uint32_t observer)
{
    const qns_observing *o = &d->observing.at[observer];
    return o->spec->observer->seen ? o->spec->observer->seen(o->state, 0) : o->range;
}

qns_status qns_observing_feed(qns_observing *o, const float *x, size_t n, qns_range seen,
                              qns_err *err)
{
    if (isnan(seen.lo))
        QNS_FAIL(err, DATA, "a number is NaN");
    o->fed = true;
    return o->spec->observer->observe(o->state, 0, x, n, seen, err);
}

static qns_status feed(qns_decisions *d, uint32_t index, qns_vid v, const float *x, size_t n,
                       qns_range seen, qns_err *err)
{
    const qns_status st = qns_observing_feed(&d->observing.at[index], x, n, seen, err);
    if (st != QNS_OK)
        qns_err_note(err, "activation '%s'", qns_graph_value(d->g, v)->name);
    return st;
}

qns_status qns_decisions_observe(qns_decisions *d, qns_vid v, const float *x, size_t n,
                                 qns_range seen, qns_err *err)
{
    const uint32_t index = d->value[v.i].observer;
    return index == QNS_NONE || n == 0 ? QNS_OK : feed(d, index, v, x, n, seen, err);
}

qns_status qns_decisions_record(qns_decisions *d, qns_vid v, const float *x, size_t n,
                                qns_range seen, qns_err *err)
{
    const uint32_t index = d->value[v.i].recorder;
    if (index == QNS_NONE || n == 0)
        return QNS_OK;
    if (n * sizeof *x > QNS_RECORD_LIMIT - d->recorded)
        QNS_FAIL(err, CONFIG,
                 "recording '%s' and others takes more than %zu MiB of memory; record into a file "
                 "(--record FILE.h5), or fewer samples",
                 qns_graph_value(d->g, v)->name, QNS_RECORD_LIMIT >> 20);
    d->recorded += n * sizeof *x;
    return feed(d, index, v, x, n, seen, err);
}

size_t qns_decisions_n_recorded(const qns_decisions *d, qns_vid v)
{
    const uint32_t index = d->value[v.i].recorder;
    return index == QNS_NONE ? 0 : qns_obs_recording_count(d->observing.at[index].state);
}

qns_recorded qns_decisions_recorded(const qns_decisions *d, qns_vid v, size_t i)
{
    return qns_obs_recording_at(d->observing.at[d->value[v.i].recorder].state, i);
}

/* ---- ranges to qparams ---- */

qns_status qns_observing_settle(qns_observing *o, qns_arena *a, qns_err *err)
{
    if (o->stated)
        return QNS_OK;
    if (o->spec->observer == &qns_obs_fixed) {
        QNS_TRY(qns_qparams_new(&o->qp, a, o->spec->range.dtype, -1, 1, &o->spec->scale,
                                &o->spec->zero, err));
        o->range = qns_qparams_reach(o->qp, 0);
        return QNS_OK;
    }
    if (!o->fed)
        QNS_FAIL(err, DATA, "no calibration sample reached it");
    QNS_TRY(o->spec->observer->range(&o->range, o->state, 0, err));
    return qns_qparams_from_ranges(&o->qp, a, &o->spec->range, -1, 1, &o->range, err);
}

/* The qparams that follow for output 0 from those of input 0. */
static qns_status derive(const qns_qparams **out, qns_decisions *d, const qns_node *n,
                         const qns_qparams *from, qns_err *err)
{
    qns_tensor in[QNS_MAX_IN];
    double scale;
    int32_t zero;
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = qns_has(n->in[i]) ? qns_graph_tensor(d->g, n->in[i])
                                  : (qns_tensor){.dtype = QNS_DTYPE_COUNT};
    in[0].dtype = from->dtype;
    in[0].qp = from;
    qns_status st = n->op->derive(&scale, &zero, n, in, err);
    if (st == QNS_OK)
        st = qns_qparams_new(out, d->arena, from->dtype, -1, 1, &scale, &zero, err);
    if (st != QNS_OK)
        qns_err_note(err, "node '%s' (%s); a skip rule keeps it in float", n->name, n->op->name);
    return st;
}

/* What a node that passes codes on (or was told to reuse its input's qparams) makes has the qparams
 * that its leading input has, or those that follow from them, whoever observed that. */
static qns_status propagate(qns_decisions *d, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_values(d->g); i++) {
        qns_decision *x = &d->value[i];
        if (x->observer != QNS_NONE)
            x->qp = d->observing.at[x->observer].qp;
    }
    for (uint32_t i = 0; i < qns_graph_n_nodes(d->g); i++) {
        const qns_node *n = qns_graph_node(d->g, (qns_nid){i});
        const bool reused = d->value[n->out[0].i].why == QNS_WHY_REUSED;
        const bool derived = n->op->quant.out == QNS_OUT_DERIVED && !reused;
        const bool passes = n->op->quant.out == QNS_OUT_AS_INPUT || derived || reused;
        if (d->node[i].choice != QNS_QUANTIZE || !passes)
            continue;
        const qns_qparams *qp = d->value[n->in[qns_decisions_lead_input(d, n)].i].qp;
        if (derived && qp)
            QNS_TRY(derive(&qp, d, n, qp, err));
        for (uint32_t k = 0; k < n->n_out; k++)
            if (qns_graph_value(d->g, n->out[k])->dtype == QNS_F32)
                d->value[n->out[k].i].qp = qp;
    }
    return QNS_OK;
}

/* The real qparams are known: what nobody takes with them stays float. Neighbours keep what they
 * have. */
static void ask_again(qns_decisions *d)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(d->g); i++) {
        const qns_node *n = qns_graph_node(d->g, (qns_nid){i});
        qns_decision *x = &d->node[i];
        if (x->choice != QNS_QUANTIZE || qns_decisions_ask(&x->detail, &x->warning, d, n))
            continue;
        x->choice = QNS_KEEP_FLOAT;
        x->why = QNS_WHY_NO_IMPL;
        d->weight[i] = (qns_weight){NULL, NULL};
        d->n_int8--;
    }
}

qns_status qns_decisions_settle(qns_decisions *d, int64_t samples, qns_err *err)
{
    d->samples = samples;
    for (uint32_t i = 0; i < qns_graph_n_values(d->g); i++) {
        const uint32_t o = d->value[i].observer;
        if (o == QNS_NONE || (d->observing.at[o].qp && d->value[i].choice == QNS_SHARE))
            continue;
        const qns_status st = qns_observing_settle(&d->observing.at[o], d->arena, err);
        if (st != QNS_OK) {
            qns_err_note(err, "activation '%s'", qns_graph_value(d->g, (qns_vid){i})->name);
            return st;
        }
    }
    QNS_TRY(propagate(d, err));
    ask_again(d);
    return QNS_OK;
}

qns_status qns_decisions_set_qparams(qns_decisions *d, qns_vid v, double scale, int32_t zero,
                                     qns_err *err)
{
    const uint32_t index = d->value[v.i].observer;
    if (index == QNS_NONE)
        QNS_FAIL(err, CONFIG, "'%s' is not observed: its qparams cannot be stated",
                 qns_graph_value(d->g, v)->name);
    qns_observing *o = &d->observing.at[index];
    QNS_TRY(qns_qparams_new(&o->qp, d->arena, d->be->act, -1, 1, &scale, &zero, err));
    o->stated = true;
    o->range = qns_qparams_reach(o->qp, 0);
    return propagate(d, err);
}
