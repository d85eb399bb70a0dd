/* SPDX-License-Identifier: MIT */
#include "ns/trial_dag.h"

#include "core/base/map.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/exec/memplan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { RELAYOUT = UINT32_MAX - 1, N_TWINS = 2 };

typedef struct value {
    qns_tensor t;    /* data: where it is in this sample */
    uint32_t job;    /* that makes it; QNS_NONE: an input */
    void *own;       /* memory of one that is kept */
    size_t offset;   /* of the others, in the buffer */
    uint32_t reader; /* while memory is laid out: the last job of a graph that reads it */
} value;

typedef struct job {     /* a node and what it reads */
    uint32_t node;       /* of the pool, or RELAYOUT */
    uint32_t in, n_in;   /* in link: values; QNS_NONE for constants and absent inputs */
    uint32_t out, n_out; /* values */
    uint32_t twin;       /* job at its place in one of the first graphs; QNS_NONE */
    uint32_t users, last_user;
    double macs;
    uint64_t sample; /* in which it was last done */
} job;

typedef struct program {
    uint32_t job, n_jobs;        /* in list, in run order */
    uint32_t output, n_outputs;  /* in list: values; QNS_NONE for constants */
    const qns_tensor *constants; /* of the outputs */
    double macs;
} program;

struct qns_dag {
    qns_pool *pool;
    qns_arena *arena;
    qns_map by_work;  /* node and inputs: job */
    qns_map by_place; /* node and name, of the first graphs: job */
    uint32_t n_inputs;
    struct {
        value *at;
        size_t n, cap;
    } value;
    struct {
        job *at;
        size_t n, cap;
    } job;
    struct {
        program *at;
        size_t n, cap;
    } program;
    struct {
        uint32_t *at;
        size_t n, cap;
    } link, list;
    char *buffer;
    uint64_t sample;
    double worked;
};

/* ---- life ---- */

static qns_status add_input(qns_dag *d, const qns_graph *g, uint32_t i, qns_err *err)
{
    value v = {.t = qns_graph_tensor(g, qns_graph_input(g, i)), .job = QNS_NONE};
    v.t.layout = QNS_ROW;
    if (!(v.own = qns_malloc64(qns_tensor_bytes(&v.t))))
        QNS_FAIL(err, NOMEM, "cannot get memory for the inputs");
    v.t.data = v.own;
    if (qns_vec_grow((void **)&d->value.at, &d->value.cap, d->value.n, sizeof v, err) != QNS_OK) {
        qns_free(v.own);
        return QNS_E_NOMEM;
    }
    d->value.at[d->value.n++] = v;
    return QNS_OK;
}

qns_status qns_dag_create(qns_dag **out, qns_pool *pool, const qns_graph *inputs, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_dag *d = NULL;
    QNS_TRY(qns_new((void **)&d, 1, sizeof *d, err));
    d->pool = pool;
    d->n_inputs = qns_graph_n_inputs(inputs);
    QNS_TRY_DONE(qns_arena_create(&d->arena, err));
    for (uint32_t i = 0; i < d->n_inputs; i++)
        QNS_TRY_DONE(add_input(d, inputs, i, err));
    *out = d;
    d = NULL;
done:
    qns_dag_free(d);
    return st;
}

void qns_dag_free(qns_dag *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->value.n; i++)
        qns_free(d->value.at[i].own);
    qns_free(d->buffer);
    qns_free(d->value.at);
    qns_free(d->job.at);
    qns_free(d->program.at);
    qns_free(d->link.at);
    qns_free(d->list.at);
    qns_map_fini(&d->by_work);
    qns_map_fini(&d->by_place);
    qns_arena_free(d->arena);
    qns_free(d);
}

/* ---- adding a graph ---- */

typedef struct adding {
    qns_dag *d;
    const qns_graph *g;
    uint32_t program;
    const uint32_t *node; /* of the pool, by node of g */
    uint32_t *value;      /* by value of g */
} adding;

static qns_status put(qns_dag *d, qns_map *m, const char *key, uint32_t job_id, qns_err *err)
{
    const char *kept = qns_arena_strdup(d->arena, key);
    if (!kept)
        QNS_FAIL(err, NOMEM, "cannot keep a node");
    return qns_map_put(m, kept, job_id, err);
}

static qns_status find_twin(uint32_t *twin, const adding *a, uint32_t id, const char *name,
                            qns_err *err)
{
    qns_str key = {0};
    qns_status st = QNS_OK;
    qns_str_addf(&key, "%u %s", a->d->job.at[id].node, name);
    if (key.failed)
        st = qns_err_set(err, QNS_E_NOMEM, __FILE__, __LINE__, "cannot keep a node");
    *twin = qns_map_get(&a->d->by_place, qns_str_get(&key));
    if (st == QNS_OK && *twin == QNS_MAP_NONE && a->program < N_TWINS)
        st = put(a->d, &a->d->by_place, qns_str_get(&key), id, err);
    qns_str_fini(&key);
    return st;
}

static void work_key(qns_str *key, uint32_t node, const uint32_t *in, uint32_t n_in)
{
    qns_str_addf(key, "%x", node);
    for (uint32_t i = 0; i < n_in; i++)
        qns_str_addf(key, ",%x", in[i]);
}

/* A new job; its outputs have the given form. */
static qns_status new_job(uint32_t *id, adding *a, const job *want, const uint32_t *in,
                          const qns_tensor *out, const char *name, qns_err *err)
{
    qns_dag *d = a->d;
    job j = *want;
    *id = (uint32_t)d->job.n;
    j.in = (uint32_t)d->link.n;
    j.out = (uint32_t)d->value.n;
    j.last_user = QNS_NONE;
    for (uint32_t i = 0; i < j.n_in; i++)
        QNS_VEC_PUSH(&d->link, in[i], err);
    for (uint32_t i = 0; i < j.n_out; i++) {
        const value v = {.t = out[i], .job = *id};
        QNS_VEC_PUSH(&d->value, v, err);
    }
    QNS_VEC_PUSH(&d->job, j, err);
    uint32_t twin;
    QNS_TRY(find_twin(&twin, a, *id, name, err));
    d->job.at[*id].twin = twin;
    d->program.at[a->program].macs += j.macs;
    return QNS_OK;
}

/* The job that does this, which an earlier graph may have. */
static qns_status want_job(uint32_t *id, adding *a, const job *want, const uint32_t *in,
                           const qns_tensor *out, const char *name, qns_err *err)
{
    qns_dag *d = a->d;
    qns_status st = QNS_OK;
    qns_str key = {0};
    work_key(&key, want->node, in, want->n_in);
    if (key.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot keep a node");
    *id = qns_map_get(&d->by_work, qns_str_get(&key));
    if (*id == QNS_MAP_NONE) {
        QNS_TRY_DONE(new_job(id, a, want, in, out, name, err));
        QNS_TRY_DONE(put(d, &d->by_work, qns_str_get(&key), *id, err));
    }
    job *j = &d->job.at[*id];
    if (j->last_user != a->program) {
        j->last_user = a->program;
        j->users++;
        st = qns_vec_grow((void **)&d->list.at, &d->list.cap, d->list.n, sizeof *d->list.at, err);
        if (st == QNS_OK)
            d->list.at[d->list.n++] = *id;
    }
done:
    qns_str_fini(&key);
    return st;
}

/* Value v in the form in which input k of the node takes it. */
static qns_status arrive(uint32_t *v, adding *a, const qns_tensor *want, qns_err *err)
{
    const value *x = &a->d->value.at[*v];
    char name[64];
    uint32_t id;
    if (x->t.layout == want->layout || qns_layout_trivial(&x->t.shape))
        return QNS_OK;
    qns_tensor out = *want;
    out.data = NULL;
    const job j = {.node = RELAYOUT, .n_in = 1, .n_out = 1};
    /* The value at its place has its twin by the job that makes it. */
    const uint32_t maker = x->job == QNS_NONE ? QNS_NONE : a->d->job.at[x->job].twin;
    const uint32_t place =
        maker == QNS_NONE ? *v : a->d->job.at[maker].out + *v - a->d->job.at[x->job].out;
    snprintf(name, sizeof name, "relayout %u %d", place, (int)want->layout);
    QNS_TRY(want_job(&id, a, &j, v, &out, name, err));
    *v = a->d->job.at[id].out;
    return QNS_OK;
}

static qns_status add_node(adding *a, const qns_node *n, qns_err *err)
{
    const qns_pooled p = qns_pool_at(a->d->pool, a->node[n->id.i]);
    uint32_t in[QNS_MAX_IN], id;
    qns_tensor out[QNS_MAX_OUT];
    for (uint32_t k = 0; k < n->n_in; k++) {
        const qns_tensor t = qns_plan_node_in(p.plan, p.node, k);
        in[k] = QNS_NONE;
        if (!qns_has(n->in[k]) || qns_graph_value(a->g, n->in[k])->constant)
            continue;
        in[k] = a->value[n->in[k].i];
        QNS_TRY(arrive(&in[k], a, &t, err));
    }
    for (uint32_t k = 0; k < n->n_out; k++)
        out[k] = qns_plan_node_out(p.plan, p.node, k);
    const job j = {.node = a->node[n->id.i],
                   .n_in = n->n_in,
                   .n_out = n->n_out,
                   .macs = (double)qns_node_macs(a->g, n)};
    QNS_TRY(want_job(&id, a, &j, in, out, n->name, err));
    for (uint32_t k = 0; k < n->n_out; k++)
        a->value[n->out[k].i] = a->d->job.at[id].out + k;
    return QNS_OK;
}

static qns_status add_outputs(adding *a, qns_err *err)
{
    qns_dag *d = a->d;
    program *p = &d->program.at[a->program];
    qns_tensor *constants;
    p->n_outputs = qns_graph_n_outputs(a->g);
    QNS_TRY(qns_arena_new((void **)&constants, d->arena, p->n_outputs, sizeof *constants, err));
    p->constants = constants;
    p->n_jobs = (uint32_t)d->list.n - p->job;
    p->output = (uint32_t)d->list.n;
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        const qns_value *v = qns_graph_value(a->g, qns_graph_output(a->g, i));
        const uint32_t id = v->constant ? QNS_NONE : a->value[v->id.i];
        QNS_VEC_PUSH(&d->list, id, err);
        if (!v->constant)
            continue;
        constants[i] = qns_graph_tensor(a->g, v->id);
        constants[i].data =
            qns_arena_dup(d->arena, constants[i].data, qns_tensor_bytes(&constants[i]));
        if (!constants[i].data)
            QNS_FAIL(err, NOMEM, "cannot keep output '%s'", v->name);
    }
    return QNS_OK;
}

qns_status qns_dag_add(qns_dag *d, const qns_graph *g, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *node = NULL;
    adding a = {.d = d, .g = g, .program = (uint32_t)d->program.n};
    const program p = {.job = (uint32_t)d->list.n};
    assert(qns_graph_n_inputs(g) == d->n_inputs);
    QNS_TRY_DONE(qns_new((void **)&node, qns_graph_n_nodes(g), sizeof *node, err));
    QNS_TRY_DONE(qns_new((void **)&a.value, qns_graph_n_values(g), sizeof *a.value, err));
    QNS_TRY_DONE(
        qns_vec_grow((void **)&d->program.at, &d->program.cap, d->program.n, sizeof p, err));
    d->program.at[d->program.n++] = p;
    QNS_TRY_DONE(qns_pool_find(node, d->pool, g, err));
    a.node = node;
    for (uint32_t i = 0; i < d->n_inputs; i++)
        a.value[qns_graph_input(g, i).i] = i;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        QNS_TRY_DONE(add_node(&a, qns_graph_node(g, (qns_nid){i}), err));
    st = add_outputs(&a, err);
done:
    qns_free(node);
    qns_free(a.value);
    return st;
}

/* ---- memory ---- */

static size_t size_of(const value *v)
{
    const size_t bytes = qns_tensor_bytes(&v->t);
    return bytes ? bytes : 1;
}

/* Values of several graphs, and those of the first, which twins are compared with. */
static qns_status keep(qns_dag *d, uint32_t k, qns_err *err)
{
    const program *p = &d->program.at[k];
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const job *j = &d->job.at[d->list.at[p->job + i]];
        for (uint32_t o = 0; o < j->n_out; o++) {
            value *v = &d->value.at[j->out + o];
            if (v->own || (j->users == 1 && k >= N_TWINS))
                continue;
            if (!(v->own = qns_malloc64(size_of(v))))
                QNS_FAIL(err, NOMEM, "cannot get %zu bytes for a value", size_of(v));
        }
    }
    return QNS_OK;
}

static void find_readers(qns_dag *d, const program *p)
{
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const job *j = &d->job.at[d->list.at[p->job + i]];
        for (uint32_t k = 0; k < j->n_in; k++)
            if (d->link.at[j->in + k] != QNS_NONE)
                d->value.at[d->link.at[j->in + k]].reader = i;
    }
    for (uint32_t i = 0; i < p->n_outputs; i++)
        if (d->list.at[p->output + i] != QNS_NONE)
            d->value.at[d->list.at[p->output + i]].reader = p->n_jobs;
}

/* Places the values that only graph k has. */
static qns_status place(size_t *total, qns_dag *d, uint32_t k, qns_err *err)
{
    const program *p = &d->program.at[k];
    qns_status st = QNS_OK;
    qns_block *b = NULL;
    size_t n = 0;
    *total = 0;
    find_readers(d, p);
    QNS_TRY(qns_new((void **)&b, p->n_jobs * (size_t)QNS_MAX_OUT, sizeof *b, err));
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const job *j = &d->job.at[d->list.at[p->job + i]];
        for (uint32_t o = 0; o < j->n_out; o++) {
            const value *v = &d->value.at[j->out + o];
            if (!v->own)
                b[n++] = (qns_block){size_of(v), i, v->reader > i ? v->reader : i, 0};
        }
    }
    QNS_TRY_DONE(qns_memplan(b, n, total, err));
    n = 0;
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const job *j = &d->job.at[d->list.at[p->job + i]];
        for (uint32_t o = 0; o < j->n_out; o++) {
            value *v = &d->value.at[j->out + o];
            if (!v->own)
                v->offset = b[n++].offset;
        }
    }
done:
    qns_free(b);
    return st;
}

qns_status qns_dag_ready(qns_dag *d, qns_err *err)
{
    size_t most = 1;
    for (uint32_t k = 0; k < d->program.n; k++)
        QNS_TRY(keep(d, k, err));
    for (uint32_t k = 0; k < d->program.n; k++) {
        size_t total;
        QNS_TRY(place(&total, d, k, err));
        most = total > most ? total : most;
    }
    if (!(d->buffer = qns_malloc64(most)))
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes for activations", most);
    return QNS_OK;
}

/* ---- running ---- */

qns_tensor qns_dag_input(const qns_dag *d, uint32_t i)
{
    assert(i < d->n_inputs);
    return d->value.at[i].t;
}

void qns_dag_next(qns_dag *d)
{
    d->sample++;
}

static bool twin_is_done(const qns_dag *d, const job *j)
{
    return j->twin != QNS_NONE && d->job.at[j->twin].sample == d->sample;
}

/* The same inputs as its twin, be it by computing the same? Then so are the outputs. */
static bool same_inputs(const qns_dag *d, const job *j, const job *twin)
{
    for (uint32_t k = 0; k < j->n_in; k++) {
        const uint32_t x = d->link.at[j->in + k], y = d->link.at[twin->in + k];
        if (x != y && d->value.at[x].t.data != d->value.at[y].t.data)
            return false;
    }
    return true;
}

static void take_twin(qns_dag *d, const job *j, const job *twin)
{
    for (uint32_t k = 0; k < j->n_out; k++)
        d->value.at[j->out + k].t.data = d->value.at[twin->out + k].t.data;
}

static void work(qns_dag *d, const job *j)
{
    const void *in[QNS_MAX_IN];
    void *out[QNS_MAX_OUT];
    for (uint32_t k = 0; k < j->n_out; k++) {
        value *v = &d->value.at[j->out + k];
        out[k] = v->t.data = v->own ? v->own : d->buffer + v->offset;
    }
    if (j->node == RELAYOUT) {
        qns_tensor_relayout(out[0], d->value.at[j->out].t.layout,
                            &d->value.at[d->link.at[j->in]].t);
        return;
    }
    for (uint32_t k = 0; k < j->n_in; k++) {
        const uint32_t v = d->link.at[j->in + k];
        in[k] = v == QNS_NONE ? NULL : d->value.at[v].t.data;
    }
    const qns_pooled p = qns_pool_at(d->pool, j->node);
    qns_plan_run_node(out, p.plan, p.node, in);
}

static bool same_outputs(const qns_dag *d, const job *j, const job *twin)
{
    for (uint32_t k = 0; k < j->n_out; k++) {
        const qns_tensor *x = &d->value.at[j->out + k].t, *y = &d->value.at[twin->out + k].t;
        if (memcmp(x->data, y->data, qns_tensor_bytes(x)) != 0)
            return false;
    }
    return true;
}

void qns_dag_run(qns_dag *d, uint32_t k)
{
    const program *p = &d->program.at[k];
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        job *j = &d->job.at[d->list.at[p->job + i]];
        if (j->sample == d->sample)
            continue;
        const job *twin = twin_is_done(d, j) ? &d->job.at[j->twin] : NULL;
        j->sample = d->sample;
        if (twin && same_inputs(d, j, twin)) {
            take_twin(d, j, twin);
            continue;
        }
        work(d, j);
        d->worked += j->macs;
        if (twin && same_outputs(d, j, twin))
            take_twin(d, j, twin);
    }
}

qns_tensor qns_dag_output(const qns_dag *d, uint32_t k, uint32_t i)
{
    const program *p = &d->program.at[k];
    const uint32_t v = d->list.at[p->output + i];
    return v == QNS_NONE ? p->constants[i] : d->value.at[v].t;
}

double qns_dag_macs(const qns_dag *d, uint32_t k)
{
    return d->program.at[k].macs;
}

double qns_dag_worked(const qns_dag *d)
{
    return d->worked;
}
