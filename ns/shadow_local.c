/* SPDX-License-Identifier: MIT */
#include "ns/shadow_local.h"

#include "core/base/mem.h"
#include "core/exec/memplan.h"
#include "ns/shadow_local_impl.h"

#include <string.h>

static void find_quantizers(qns_local *l)
{
    const qns_backend *be = l->o.exec->be ? l->o.exec->be : qns_backend_find("fbgemm");
    for (uint32_t i = 0; i < qns_graph_n_values(l->test); i++) {
        qns_local_place *p = &l->at[i];
        const qns_value *v = qns_graph_value(l->test, (qns_vid){i});
        if (p->anchor != QNS_NONE && p->read && v->qp)
            p->q = qns_quantizer_of(be, l->o.k, v->qp);
    }
}

/* ---- memory ---- */

static bool wants_other(const qns_value *v, const qns_tensor *in)
{
    return in->layout != v->layout && !qns_layout_trivial(&v->shape);
}

/* Steps in the life of memory: todo i runs in step 2 i + 1; the walk over the float value of a
 * time, which measures and gives, is the step between the prompt nodes of that time and the late
 * ones. */
static uint32_t step_of(size_t i)
{
    return 2 * (uint32_t)i + 1;
}

static uint32_t walk_of(const qns_local *l, uint32_t when)
{
    size_t i = 0;
    while (i < l->n_todo &&
           (l->todo[i].when < when || (l->todo[i].when == when && !l->todo[i].late)))
        i++;
    return 2 * (uint32_t)i;
}

enum { OUT, CODES, OTHER, KINDS };

/* block[KINDS * v + kind]; size 0: not needed. */
static void need(qns_block *block, qns_vid v, int kind, const qns_tensor *t, uint32_t step)
{
    qns_block *b = &block[KINDS * v.i + (uint32_t)kind];
    if (b->size == 0)
        *b = (qns_block){qns_tensor_bytes(t), step, step, 0};
    b->last = step > b->last ? step : b->last;
}

static void need_for_node(qns_block *block, const qns_local *l, size_t i)
{
    const qns_node *n = qns_graph_node(l->test, (qns_nid){l->todo[i].node});
    for (uint32_t k = 0; k < n->n_in; k++) {
        const qns_tensor t = qns_plan_node_in(l->plan, n->id, k);
        if (!qns_has(n->in[k]) || t.data)
            continue;
        const qns_local_place *p = &l->at[n->in[k].i];
        if (wants_other(qns_graph_value(l->test, n->in[k]), &t))
            need(block, n->in[k], OTHER, &t, step_of(i));
        if (qns_graph_value(l->test, n->in[k])->producer.i == QNS_NONE)
            continue;
        if (p->anchor != QNS_NONE)
            need(block, n->in[k], CODES, &p->out, walk_of(l, p->when));
        need(block, n->in[k], p->anchor != QNS_NONE ? CODES : OUT, &p->out, step_of(i));
    }
    for (uint32_t k = 0; k < n->n_out; k++) {
        const qns_local_place *p = &l->at[n->out[k].i];
        need(block, n->out[k], OUT, &p->out, step_of(i));
        if (p->prompt)
            need(block, n->out[k], OUT, &p->out, walk_of(l, l->todo[i].when));
    }
}

/* Every node, because a value may be given although the node that makes it is not run. */
static void find_places(size_t *row, qns_local *l)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(l->test); i++) {
        const qns_node *n = qns_graph_node(l->test, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_out; k++) {
            qns_local_place *p = &l->at[n->out[k].i];
            p->out = p->given = qns_plan_node_out(l->plan, n->id, k);
            const size_t count = qns_tensor_count(&p->out);
            *row = count > *row ? count : *row;
        }
    }
}

/* Places those that are needed. */
static qns_status place_blocks(size_t *total, qns_block *block, size_t n, qns_err *err)
{
    qns_block *needed;
    size_t n_needed = 0;
    QNS_TRY(qns_new((void **)&needed, n, sizeof *needed, err));
    for (size_t i = 0; i < n; i++)
        if (block[i].size > 0)
            needed[n_needed++] = block[i];
    const qns_status st = qns_memplan(needed, n_needed, total, err);
    while (st == QNS_OK && n-- > 0)
        if (block[n].size > 0)
            block[n] = needed[--n_needed];
    qns_free(needed);
    return st;
}

static qns_status get_memory(qns_local *l, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_block *block = NULL;
    const uint32_t n = qns_graph_n_values(l->test);
    size_t row = 1;
    find_places(&row, l);
    QNS_TRY(qns_new((void **)&block, (size_t)KINDS * n, sizeof *block, err));
    for (size_t i = 0; i < l->n_todo; i++)
        need_for_node(block, l, i);
    QNS_TRY_DONE(place_blocks(&l->memory_size, block, (size_t)KINDS * n, err));
    if (!(l->row = qns_malloc64(row * sizeof *l->row)) ||
        !(l->memory = qns_malloc64(l->memory_size)))
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes for the values of local runs",
                      l->memory_size);
    memset(l->memory, 0, l->memory_size);
    l->memory_size += row * sizeof *l->row;
    for (uint32_t i = 0; i < n; i++) {
        const qns_block *b = &block[KINDS * i];
        l->at[i].out.data = l->memory + b[OUT].offset;
        l->at[i].codes = l->memory + b[CODES].offset;
        l->at[i].other = l->memory + b[OTHER].offset;
    }
done:
    qns_free(block);
    return st;
}

qns_status qns_local_create(qns_local **out, const qns_graph *ref, qns_plan *test,
                            const qns_local_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_local *l = NULL;
    QNS_TRY(qns_new((void **)&l, 1, sizeof *l, err));
    l->ref = ref;
    l->test = qns_plan_graph(test);
    l->plan = test;
    l->o = *opts;
    QNS_TRY_DONE(qns_new((void **)&l->at, qns_graph_n_values(l->test), sizeof *l->at, err));
    QNS_TRY_DONE(qns_new((void **)&l->seen, qns_graph_n_values(ref), sizeof *l->seen, err));
    QNS_TRY_DONE(qns_local_schedule(l, err));
    find_quantizers(l);
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
    qns_free(l->first);
    qns_free(l->memory);
    qns_free(l->row);
    qns_free(l->todo);
    qns_free(l->seen);
    qns_free(l->at);
    qns_free(l);
}

bool qns_local_looks_back(const qns_local *l)
{
    return l->looks_back;
}

size_t qns_local_memory(const qns_local *l)
{
    return l->memory_size;
}

bool qns_local_is_same(const qns_local *l, qns_vid test)
{
    return l->at[test.i].same;
}

/* ---- running ---- */

/* The elements lie in the order in which readers want them. */
static bool in_order(const qns_local_place *p, const qns_tensor *ref)
{
    return ref->layout == p->out.layout || qns_layout_trivial(&ref->shape);
}

/* Floats are copied, too: the float plan's memory is used again before all readers have run. */
static void give_part(qns_local_place *p, const float *ref, size_t first, size_t n)
{
    const size_t size = qns_dtype_size(p->out.dtype);
    void *to = (char *)p->codes + first * size;
    if (p->q.impl)
        qns_quantizer_run(to, &p->q, ref + first, n);
    else
        memcpy(to, (const char *)ref + first * size, n * size);
}

static void give_moved(qns_local *l, qns_local_place *p, const qns_tensor *ref)
{
    if (!p->q.impl) {
        qns_tensor_relayout(p->codes, p->out.layout, ref);
        return;
    }
    qns_tensor_relayout(l->row, p->out.layout, ref);
    qns_quantizer_run(p->codes, &p->q, l->row, qns_tensor_count(ref));
}

static void run_node(qns_local *l, const qns_node *n)
{
    const void *in[QNS_MAX_IN] = {NULL};
    void *out[QNS_MAX_OUT] = {NULL};
    for (uint32_t k = 0; k < n->n_in; k++) {
        const qns_tensor t = qns_plan_node_in(l->plan, n->id, k);
        if (!qns_has(n->in[k]) || t.data)
            continue;
        qns_local_place *p = &l->at[n->in[k].i];
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
        qns_local_place *p = &l->at[n->out[k].i];
        p->made = p->prompt;
        if (p->anchor == QNS_NONE)
            p->given.data = out[k];
        if (qns_local_measures(l, n->out[k]) && !p->prompt && !p->same)
            l->o.measure(l->o.ctx, n->out[k], &p->out, &l->seen[l->o.against[n->out[k].i]]);
    }
}

void qns_local_begin(qns_local *l, const qns_tensor *in)
{
    l->next = l->now = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(l->test); i++) {
        qns_local_place *p = &l->at[qns_graph_input(l->test, i).i];
        p->given = qns_graph_tensor(l->test, qns_graph_input(l->test, i));
        p->given.layout = QNS_ROW;
        p->given.data = in[i].data;
    }
}

static void run_until(qns_local *l, bool late)
{
    for (; l->next < l->n_todo; l->next++) {
        const qns_local_todo *t = &l->todo[l->next];
        if (t->when > l->now || (t->when == l->now && t->late && !late))
            return;
        run_node(l, qns_graph_node(l->test, (qns_nid){t->node}));
    }
}

void qns_local_see(qns_local *l, qns_vid v, const qns_tensor *ref)
{
    l->seen[v.i] = *ref;
    run_until(l, false);
}

qns_tensor qns_local_prompt(const qns_local *l, qns_vid test)
{
    const qns_local_place *p = &l->at[test.i];
    qns_tensor t = p->out;
    t.data = p->made ? t.data : NULL;
    return t;
}

void qns_local_give(qns_local *l, qns_vid v, size_t first, size_t n)
{
    const qns_tensor *ref = &l->seen[v.i];
    for (uint32_t i = l->first[v.i]; i != QNS_NONE; i = l->at[i].next)
        if (in_order(&l->at[i], ref))
            give_part(&l->at[i], ref->data, first, n);
}

void qns_local_done(qns_local *l, qns_vid v)
{
    const qns_tensor *ref = &l->seen[v.i];
    for (uint32_t i = l->first[v.i]; i != QNS_NONE; i = l->at[i].next) {
        if (!in_order(&l->at[i], ref))
            give_moved(l, &l->at[i], ref);
        l->at[i].given.data = l->at[i].codes;
    }
    run_until(l, true);
    l->now++;
}
