/* SPDX-License-Identifier: MIT */
/* Running a plan: a loop over its steps. Taps fire right after a value was made. */
#include "core/exec/plan.h"
#include "core/exec/plan_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <omp.h>
#include <string.h>
#include <time.h>

qns_status qns_plan_bind(qns_plan *p, const qns_taps *taps, qns_err *err)
{
    p->taps = taps ? *taps : (qns_taps){0};
    p->any_wanted = false;
    if (p->taps.n > QNS_MAX_TAPS)
        QNS_FAIL(err, UNSUPPORTED, "%zu taps; a plan takes up to %d", p->taps.n, QNS_MAX_TAPS);
    for (uint32_t i = 0; i < qns_graph_n_values(p->g); i++) {
        const qns_value *v = qns_graph_value(p->g, (qns_vid){i});
        p->wanted[i] = 0;
        for (size_t t = 0; t < p->taps.n && !v->constant; t++)
            if (p->taps.tap[t].wants(p->taps.tap[t].ctx, v))
                p->wanted[i] |= 1u << t;
        p->any_wanted |= p->wanted[i] != 0;
    }
    return QNS_OK;
}

static qns_status show(qns_plan *p, qns_vid id, const qns_tensor *t, int64_t sample, qns_err *err)
{
    const qns_value *v = qns_graph_value(p->g, id);
    for (size_t i = 0; i < p->taps.n; i++) {
        if (!(p->wanted[id.i] >> i & 1))
            continue;
        const qns_status st = p->taps.tap[i].see(p->taps.tap[i].ctx, v, t, sample, err);
        if (st != QNS_OK) {
            qns_err_note(err, "value '%s', sample %" PRId64, v->name, sample);
            return st;
        }
    }
    return QNS_OK;
}

static qns_status check_input(const qns_plan *p, uint32_t i, const qns_tensor *t, qns_err *err)
{
    const qns_value *v = qns_graph_value(p->g, qns_graph_input(p->g, i));
    assert(t->data || qns_shape_count(&v->shape) == 0);
    if (t->dtype != v->dtype || !qns_shape_equal(&t->shape, &v->shape))
        QNS_FAIL(err, SHAPE, "input '%s' is %s %s, got %s %s", v->name, qns_dtype_name(v->dtype),
                 qns_shape_str(&v->shape).s, qns_dtype_name(t->dtype), qns_shape_str(&t->shape).s);
    return QNS_OK;
}

static void bind_step(qns_plan *p, qns_step *s)
{
    for (uint32_t k = 0; k < s->node->n_in; k++)
        if (s->in_buf[k] != QNS_NONE)
            s->in[k].data = p->buf[s->in_buf[k]].data;
    for (uint32_t k = 0; k < s->node->n_out; k++)
        s->out[k].data = p->buf[s->out_buf[k]].data;
    s->call.scratch = p->scratch;
    s->call.team = p->open;
}

/* Looking at a value keeps it from disappearing into the next step. */
static bool runs_tail(const qns_plan *p, const qns_step *s)
{
    return s->tail && !p->wanted[s->node->out[0].i];
}

static void run_step(qns_plan *p, qns_step *s)
{
    for (uint32_t k = 0; k < s->n_relayout; k++) {
        qns_relayout *r = &s->relayout[k];
        r->src.data = p->buf[r->src_buf].data;
        qns_tensor_relayout_on(p->open, p->buf[r->dst_buf].data, r->layout, &r->src);
    }
    bind_step(p, s);
    if (s->skip)
        return;
    if (!runs_tail(p, s)) {
        s->impl->run(&s->call);
        return;
    }
    bind_step(p, s->tail);
    qns_tail tail = {s->tail->impl->run_piece, &s->tail->call, 0};
    while (s->tail->node->in[tail.input].i != s->node->out[0].i)
        tail.input++;
    qns_call call = s->call;
    call.tail = &tail;
    s->impl->run(&call);
}

void qns_plan_time(qns_plan *p, double *seconds)
{
    p->seconds = seconds;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool ran_with_head(const qns_plan *p, uint32_t i)
{
    return i > 0 && p->step[i - 1].tail == &p->step[i] && runs_tail(p, &p->step[i - 1]);
}

static void run_timed(qns_plan *p, uint32_t i)
{
    const double start = now();
    if (!ran_with_head(p, i))
        run_step(p, &p->step[i]);
    p->seconds[i] = now() - start;
}

static void give_output(qns_plan *p, qns_tensor *out, qns_vid v)
{
    qns_tensor t = qns_graph_tensor(p->g, v);
    if (!t.data)
        t.data = p->buf[p->value_buf[v.i]].data;
    void *data = out->data;
    *out = t;
    out->layout = QNS_ROW;
    out->data = data;
    if (data)
        qns_tensor_relayout(data, QNS_ROW, &t);
}

qns_status qns_plan_begin(qns_plan *p, const qns_tensor *in, int64_t sample, qns_err *err)
{
    assert(!p->opts.nodes_only);
    if (p->opts.threads > 0)
        omp_set_num_threads(p->opts.threads);
    p->next = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(p->g); i++) {
        const qns_vid v = qns_graph_input(p->g, i);
        QNS_TRY(check_input(p, i, &in[i], err));
        p->buf[p->value_buf[v.i]].data = in[i].data;
        if (p->wanted[v.i])
            QNS_TRY(show(p, v, &in[i], sample, err));
    }
    return QNS_OK;
}

static void run_one(qns_plan *p, uint32_t i)
{
    if (p->seconds)
        run_timed(p, i);
    else if (!ran_with_head(p, i))
        run_step(p, &p->step[i]);
}

static bool is_seen(const qns_plan *p, uint32_t i)
{
    const qns_node *n = p->step[i].node;
    for (uint32_t k = 0; p->any_wanted && k < n->n_out; k++)
        if (p->wanted[n->out[k].i])
            return true;
    return false;
}

/* Nodes from number p->next on, up to `end`, that a team can run: taps may want OpenMP's threads.
 * One node alone is not worth a team. */
static uint32_t team_end(const qns_plan *p, uint32_t end)
{
    uint32_t i = p->next, n = 0;
    for (; p->team && i < end && !is_seen(p, i); i++) {
        const bool runs = !p->step[i].skip && !ran_with_head(p, i);
        if (runs && !p->step[i].impl->on_team)
            break;
        n += runs;
    }
    return n > 1 ? i : p->next;
}

typedef struct stretch {
    qns_plan *p;
    uint32_t end;
} stretch;

static void run_stretch(void *ctx)
{
    const stretch *s = ctx;
    qns_plan *p = s->p;
    p->open = p->team;
    for (; p->next < s->end; p->next++)
        run_one(p, p->next);
    p->open = NULL;
}

static bool run_with_team(qns_plan *p, uint32_t end)
{
    stretch s = {p, team_end(p, end)};
    if (s.end == p->next)
        return false;
    qns_team_open(p->team, run_stretch, &s);
    return true;
}

qns_status qns_plan_run_until(qns_plan *p, uint32_t end, int64_t sample, qns_err *err)
{
    while (p->next < end) {
        if (run_with_team(p, end))
            continue;
        const uint32_t i = p->next++;
        const qns_step *s = &p->step[i];
        run_one(p, i);
        for (uint32_t k = 0; p->any_wanted && k < s->node->n_out; k++)
            if (p->wanted[s->node->out[k].i])
                QNS_TRY(show(p, s->node->out[k], &s->out[k], sample, err));
    }
    return QNS_OK;
}

qns_status qns_plan_run(qns_tensor *out, qns_plan *p, const qns_tensor *in, int64_t sample,
                        qns_err *err)
{
    QNS_TRY(qns_plan_begin(p, in, sample, err));
    QNS_TRY(qns_plan_run_until(p, qns_graph_n_nodes(p->g), sample, err));
    for (uint32_t i = 0; i < qns_graph_n_outputs(p->g); i++)
        give_output(p, &out[i], qns_graph_output(p->g, i));
    return QNS_OK;
}

static qns_tensor without_data(qns_tensor t, uint32_t buf)
{
    if (buf != QNS_NONE)
        t.data = NULL;
    return t;
}

qns_tensor qns_plan_node_in(const qns_plan *p, qns_nid n, uint32_t k)
{
    const qns_step *s = &p->step[n.i];
    assert(k < s->node->n_in);
    return without_data(s->in[k], s->in_buf[k]);
}

qns_tensor qns_plan_node_out(const qns_plan *p, qns_nid n, uint32_t k)
{
    const qns_step *s = &p->step[n.i];
    assert(k < s->node->n_out);
    return without_data(s->out[k], s->out_buf[k]);
}

void qns_plan_run_node(void *const *out, qns_plan *p, qns_nid n, const void *const *in)
{
    const qns_step *s = &p->step[n.i];
    qns_tensor i[QNS_MAX_IN], o[QNS_MAX_OUT];
    qns_call call = s->call;
    if (p->opts.threads > 0)
        omp_set_num_threads(p->opts.threads);
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        i[k] = s->in[k];
        if (s->in_buf[k] != QNS_NONE)
            i[k].data = (void *)(uintptr_t)in[k]; /* inputs are only read */
    }
    for (uint32_t k = 0; k < s->node->n_out; k++) {
        o[k] = s->out[k];
        o[k].data = out[k];
    }
    call.in = i;
    call.out = o;
    call.team = NULL;
    call.scratch = p->scratch;
    s->impl->run(&call);
}
