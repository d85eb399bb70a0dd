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
    m->gauge = qns_bench_gauge_make(threads, o->common.cpu_mask);
    QNS_TRY(qns_new((void **)&m->ms, (size_t)runs, sizeof *m->ms, err));
    QNS_TRY(qns_new((void **)&m->share, (size_t)runs, sizeof *m->share, err));
    QNS_TRY(qns_new((void **)&m->step_peak, (size_t)runs, sizeof *m->step_peak, err));
    return qns_new((void **)&m->step_ms, (size_t)runs * n_nodes, sizeof *m->step_ms, err);
}

void qns_bench_model_close(qns_bench_model *m)
{
    qns_free(m->ms);
    qns_free(m->share);
    qns_free(m->step_peak);
    qns_free(m->step_ms);
    qns_session_close(&m->s);
}

static qns_status once(qns_bench_model *m, qns_err *err)
{
    return qns_plan_run(m->s.out, m->s.plan, m->s.in, 0, err);
}

/* One run between two readings of the peak. */
static qns_status timed(double *ms, qns_bench_peak *peak, qns_bench_model *m, qns_err *err)
{
    const qns_bench_peak before = qns_bench_gauge_read(&m->gauge);
    const double start = qns_ui_now();
    QNS_TRY(once(m, err));
    *ms = 1e3 * (qns_ui_now() - start);
    const qns_bench_peak after = qns_bench_gauge_read(&m->gauge);
    *peak = qns_bench_peak_max(&before, &after);
    m->peak = qns_bench_peak_max(&m->peak, peak);
    return QNS_OK;
}

static double share_of_peak(double ops, double ms, const qns_bench_peak *p, bool integer)
{
    const double peak = integer ? p->int8 : p->f32;
    return peak > 0 && ms > 0 ? ops / (ms * 1e-3) / peak : 0;
}

qns_status qns_bench_model_turn(qns_bench_model *m, qns_err *err)
{
    qns_bench_peak peak;
    double ms;
    QNS_TRY(once(m, err));
    QNS_TRY(timed(&ms, &peak, m, err));
    m->ms[m->n_ms] = ms;
    m->share[m->n_ms++] =
        share_of_peak(qns_bench_model_ops(m), ms, &peak, qns_model_is_quantized(m->s.model));
    return QNS_OK;
}

qns_status qns_bench_model_profile(qns_bench_model *m, qns_err *err)
{
    const size_t n = qns_graph_n_nodes(qns_model_graph(m->s.model));
    double *at = m->step_ms + (size_t)m->n_step * n, ms;
    QNS_TRY(once(m, err));
    qns_plan_time(m->s.plan, at);
    const qns_status st = timed(&ms, &m->step_peak[m->n_step], m, err);
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

double qns_bench_model_peak_share(const qns_bench_model *m)
{
    return qns_bench_stat_of(m->share, (size_t)m->n_ms).median;
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

/* Fills in what the runs tell about a node. */
static void take_medians(qns_bench_layer *l, double *room, const qns_bench_model *m, size_t n_nodes)
{
    const double *ms = m->step_ms + l->node->id.i; /* n_nodes apart */
    for (int r = 0; r < m->n_step; r++)
        room[r] = ms[(size_t)r * n_nodes];
    l->ms = qns_bench_stat_of(room, (size_t)m->n_step).median;
    for (int r = 0; r < m->n_step; r++)
        room[r] = share_of_peak(l->ops, ms[(size_t)r * n_nodes], &m->step_peak[r], l->integer);
    l->peak_share = qns_bench_stat_of(room, (size_t)m->n_step).median;
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
        l[*n] = (qns_bench_layer){.node = node,
                                  .impl = impl ? impl->name : "",
                                  .ops = 2 * (double)qns_node_macs(g, node),
                                  .bytes = bytes_of(g, node),
                                  .integer = qns_graph_value(g, node->out[0])->qp != NULL};
        take_medians(&l[*n], room, m, n_nodes);
        all += l[*n].ms;
        *n += l[*n].ms > 0;
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
