/* SPDX-License-Identifier: MIT */
/* What a unit in float costs in time on this machine: every node alone, in the float and in the
 * int8 plan, the fastest of some runs. Values do not matter for the speed of any kernel here, so
 * inputs are zeros. */
#include "core/base/mem.h"
#include "ns/search_world.h"
#include "ns/trial_internal.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { RUNS = 7 };

typedef struct buffers {
    void *in[QNS_MAX_IN], *out[QNS_MAX_OUT];
} buffers;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static qns_status zeros(void **out, const qns_tensor *t, qns_err *err)
{
    const size_t size = qns_tensor_bytes(t);
    if (!(*out = qns_malloc64(size ? size : 1)))
        QNS_FAIL(err, NOMEM, "cannot get memory for a tensor of %zu bytes", size);
    memset(*out, 0, size);
    return QNS_OK;
}

static qns_status get_buffers(buffers *b, const qns_plan *p, const qns_node *n, qns_err *err)
{
    for (uint32_t k = 0; k < n->n_in; k++) {
        const qns_tensor t = qns_plan_node_in(p, n->id, k);
        if (t.dtype != QNS_DTYPE_COUNT && !t.data)
            QNS_TRY(zeros(&b->in[k], &t, err));
    }
    for (uint32_t k = 0; k < n->n_out; k++) {
        const qns_tensor t = qns_plan_node_out(p, n->id, k);
        QNS_TRY(zeros(&b->out[k], &t, err));
    }
    return QNS_OK;
}

static qns_status time_node(double *seconds, qns_plan *p, const qns_node *n, qns_err *err)
{
    qns_status st = QNS_OK;
    buffers b = {0};
    double best = INFINITY;
    QNS_TRY_DONE(get_buffers(&b, p, n, err));
    for (int i = 0; i < RUNS; i++) {
        const double start = now();
        qns_plan_run_node(b.out, p, n->id, (const void *const *)b.in);
        best = fmin(best, now() - start);
    }
    *seconds += best;
done:
    for (uint32_t k = 0; k < n->n_in; k++)
        qns_free(b.in[k]);
    for (uint32_t k = 0; k < n->n_out; k++)
        qns_free(b.out[k]);
    return st;
}

static bool is_of(const qns_graph *g, const qns_node *n, const qns_search_unit *u)
{
    for (uint32_t i = 0; i < u->n_names; i++) {
        const qns_qrule r = {.by = QNS_BY_SKIP, .pattern = u->names[i]};
        if (qns_qrule_matches(&r, g, n))
            return true;
    }
    return false;
}

/* Adds sign * time of a unit's nodes to its cost, and all nodes to the total. */
static qns_status time_graph(qns_search_unit *unit, uint32_t n_units, double *total, double sign,
                             const qns_graph *g, const qns_exec_opts *exec, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_plan *p = NULL;
    QNS_TRY_DONE(qns_plan_create(&p, g, exec, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        double seconds = 0;
        QNS_TRY_DONE(time_node(&seconds, p, n, err));
        *total += seconds;
        for (uint32_t k = 0; k < n_units; k++)
            if (is_of(g, n, &unit[k])) {
                unit[k].cost[QNS_COST_LATENCY] += sign * seconds;
                break;
            }
    }
done:
    qns_plan_free(p);
    return st;
}

qns_status qns_search_world_latency(qns_search_spec *s, qns_search_unit *unit, qns_search_world *w,
                                    qns_err *err)
{
    const qns_trials *t = w->trials;
    double total = 0, ignored = 0;
    for (uint32_t i = 0; i < s->n_units; i++)
        unit[i].cost[QNS_COST_LATENCY] = 0;
    QNS_TRY(time_graph(unit, s->n_units, &total, 1, t->spec.fused, &t->spec.exec, err));
    QNS_TRY(time_graph(unit, s->n_units, &ignored, -1, t->all.graph, &t->spec.exec, err));
    for (uint32_t i = 0; i < s->n_units; i++)
        unit[i].cost[QNS_COST_LATENCY] = fmax(unit[i].cost[QNS_COST_LATENCY], 0);
    s->total[QNS_COST_LATENCY] = total;
    return QNS_OK;
}
