/* SPDX-License-Identifier: MIT */
/* Models on random inputs: whole runs, and runs with the time of each layer. */
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "tools/bench.h"
#include "tools/ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Floats in -2..2, as a normalized image has them. Whole numbers may be indices: 0 is always one.
 */
static void fill_inputs(qns_session *s)
{
    const qns_graph *g = qns_model_graph(s->model);
    qns_rng rng;
    qns_rng_seed(&rng, 1);
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++) {
        const size_t n = qns_tensor_count(&s->in[i]);
        memset(s->in[i].data, 0, qns_tensor_bytes(&s->in[i]));
        for (size_t k = 0; s->in[i].dtype == QNS_F32 && k < n; k++)
            qns_f32(&s->in[i])[k] = (float)(4 * qns_rng_unit(&rng) - 2);
    }
}

qns_status qns_bench_model_open(qns_bench_model *m, const char *path, int threads,
                                const qns_bench_opts *o, int runs, qns_err *err)
{
    qns_common c = o->common;
    c.threads = threads;
    m->path = path;
    m->threads = threads;
    QNS_TRY(qns_session_open(&m->s, path, NULL, &c, NULL, err));
    fill_inputs(&m->s);
    const size_t n_nodes = qns_graph_n_nodes(qns_model_graph(m->s.model));
    QNS_TRY(qns_new((void **)&m->ms, (size_t)runs, sizeof *m->ms, err));
    return qns_new((void **)&m->step_ms, (size_t)runs * n_nodes, sizeof *m->step_ms, err);
}

void qns_bench_model_close(qns_bench_model *m)
{
    qns_free(m->ms);
    qns_free(m->step_ms);
    qns_session_close(&m->s);
}

static qns_status once(qns_bench_model *m, qns_err *err)
{
    return qns_plan_run(m->s.out, m->s.plan, m->s.in, 0, err);
}

qns_status qns_bench_model_turn(qns_bench_model *m, qns_err *err)
{
    QNS_TRY(once(m, err));
    const double start = qns_ui_now();
    QNS_TRY(once(m, err));
    m->ms[m->n_ms++] = 1e3 * (qns_ui_now() - start);
    return QNS_OK;
}

qns_status qns_bench_model_profile(qns_bench_model *m, qns_err *err)
{
    const size_t n = qns_graph_n_nodes(qns_model_graph(m->s.model));
    double *at = m->step_ms + (size_t)m->n_step * n;
    QNS_TRY(once(m, err));
    qns_plan_time(m->s.plan, at);
    const qns_status st = once(m, err);
    qns_plan_time(m->s.plan, NULL);
    for (size_t i = 0; i < n; i++)
        at[i] *= 1e3;
    m->n_step++;
    return st;
}

const char *qns_bench_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

double qns_bench_model_ops(const qns_bench_model *m)
{
    const qns_graph *g = qns_model_graph(m->s.model);
    uint64_t macs = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        macs += qns_node_macs(g, qns_graph_node(g, (qns_nid){i}));
    return 2 * (double)macs;
}

int64_t qns_bench_model_batch(const qns_bench_model *m)
{
    const qns_graph *g = qns_model_graph(m->s.model);
    return qns_graph_n_inputs(g) && m->s.in[0].shape.rank > 0 ? m->s.in[0].shape.dim[0] : 1;
}

static double bytes_of(const qns_graph *g, const qns_node *n)
{
    double bytes = 0;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (qns_has(n->in[i])) {
            const qns_tensor t = qns_graph_tensor(g, n->in[i]);
            bytes += (double)qns_tensor_bytes(&t);
        }
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_tensor t = qns_graph_tensor(g, n->out[i]);
        bytes += (double)qns_tensor_bytes(&t);
    }
    return bytes;
}

static int slowest_first(const void *a, const void *b)
{
    const qns_bench_layer *x = a, *y = b;
    if (x->ms != y->ms)
        return x->ms < y->ms ? 1 : -1;
    return x->node->id.i < y->node->id.i ? -1 : 1;
}

static double median_of_node(double *room, const qns_bench_model *m, size_t node, size_t n_nodes)
{
    for (int r = 0; r < m->n_step; r++)
        room[r] = m->step_ms[(size_t)r * n_nodes + node];
    return qns_bench_stat_of(room, (size_t)m->n_step).median;
}

qns_status qns_bench_layers(qns_bench_layer **out, size_t *n, const qns_bench_model *m,
                            qns_err *err)
{
    const qns_graph *g = qns_model_graph(m->s.model);
    const uint32_t n_nodes = qns_graph_n_nodes(g);
    double all = 0, *room = NULL;
    qns_bench_layer *l = NULL;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_new((void **)&room, (size_t)m->n_step, sizeof *room, err));
    QNS_TRY_DONE(qns_new((void **)&l, n_nodes, sizeof *l, err));
    *n = 0;
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *node = qns_graph_node(g, (qns_nid){i});
        const qns_impl *impl = qns_plan_impl(m->s.plan, node->id);
        const double ms = median_of_node(room, m, i, n_nodes);
        if (ms <= 0)
            continue;
        l[(*n)++] = (qns_bench_layer){.node = node,
                                      .impl = impl ? impl->name : "",
                                      .ms = ms,
                                      .ops = 2 * (double)qns_node_macs(g, node),
                                      .bytes = bytes_of(g, node),
                                      .integer = qns_graph_value(g, node->out[0])->qp != NULL};
        all += ms;
    }
    for (size_t i = 0; i < *n; i++)
        l[i].share = l[i].ms / all;
    qsort(l, *n, sizeof *l, slowest_first);
    *out = l;
    l = NULL;
done:
    qns_free(room);
    qns_free(l);
    return st;
}
