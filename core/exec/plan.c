/* SPDX-License-Identifier: MIT */
/* Making a plan: choose an implementation for every node, decide which values share a buffer (views
 * and in-place operators do), add layout changes where a node wants its input the other way round,
 * let implementations pack their weights, and place all buffers in one block of memory. */
#include "core/exec/plan.h"

#include "core/base/mem.h"
#include "core/exec/plan_internal.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

static uint32_t step_of(qns_nid n)
{
    return n.i + 1;
}

static uint32_t last_step(const qns_plan *p)
{
    return qns_graph_n_nodes(p->g) + 1;
}

static void find_last_uses(qns_plan *p)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(p->g); i++) {
        const qns_node *n = qns_graph_node(p->g, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++)
            if (qns_has(n->in[k]))
                p->last_use[n->in[k].i] = step_of(n->id);
    }
    for (uint32_t i = 0; i < qns_graph_n_outputs(p->g); i++)
        p->last_use[qns_graph_output(p->g, i).i] = last_step(p);
}

static uint32_t add_buf(qns_plan *p, size_t size, uint32_t first, uint32_t last, uint32_t input)
{
    assert(p->n_buf < p->cap_buf);
    if (p->opts.keep_all)
        last = last_step(p);
    p->buf[p->n_buf] = (qns_buf){size, first, last < first ? first : last, input, NULL};
    return p->n_buf++;
}

static qns_tensor view_of(const qns_plan *p, qns_vid v)
{
    return qns_has(v) ? qns_graph_tensor(p->g, v) : (qns_tensor){.dtype = QNS_DTYPE_COUNT};
}

static bool wants_other_layout(const qns_value *v, qns_layout layout)
{
    return !v->constant && v->shape.rank >= 3 && v->shape.rank <= 5 && v->layout != layout;
}

/* The buffer in which input k of the node reaches it; adds a layout change when it is needed. */
static void bind_input(qns_plan *p, qns_step *s, uint32_t k)
{
    const qns_node *n = s->node;
    s->in[k] = view_of(p, n->in[k]);
    s->in_buf[k] = QNS_NONE;
    if (!qns_has(n->in[k]) || s->in[k].data)
        return;
    const qns_value *v = qns_graph_value(p->g, n->in[k]);
    s->in_buf[k] = p->value_buf[v->id.i];
    if (!wants_other_layout(v, n->layout))
        return;
    s->in[k].layout = n->layout;
    if (qns_layout_trivial(&v->shape))
        return;
    uint32_t *copy = &p->copy_buf[v->id.i];
    if (*copy == QNS_NONE) {
        *copy =
            add_buf(p, qns_tensor_bytes(&s->in[k]), step_of(n->id), p->last_use[v->id.i], QNS_NONE);
        s->relayout[s->n_relayout++] =
            (qns_relayout){qns_graph_tensor(p->g, v->id), s->in_buf[k], *copy, n->layout};
    }
    s->in_buf[k] = *copy;
}

/* Output 0 may take over the memory of input k when nobody reads that afterwards: of input 0, or of
 * any where elements stand for elements. */
static bool can_share(const qns_plan *p, const qns_step *s, uint32_t k)
{
    const uint32_t b = s->n_relayout || k >= s->node->n_in ? QNS_NONE : s->in_buf[k];
    if (b == QNS_NONE || !(s->impl->view || s->impl->in_place) || (k > 0 && !s->impl->run_piece))
        return false;
    if (qns_tensor_bytes(&s->in[k]) != qns_tensor_bytes(&s->out[0]))
        return false;
    if (s->impl->view)
        return true;
    return p->buf[b].input == QNS_NONE && p->buf[b].last == step_of(s->node->id) &&
           !p->opts.keep_all;
}

/* The step before s, if s is the only reader of what it makes and can run piece by piece within it.
 * That step was prepared before this one was made. */
static qns_step *find_head(qns_plan *p, const qns_step *s)
{
    const uint32_t i = s->node->id.i;
    qns_step *h = i > 0 ? &p->step[i - 1] : NULL;
    uint32_t reads = 0;
    if (!h || !s->impl->run_piece || s->n_relayout || !h->impl->gives_pieces ||
        !h->impl->gives_pieces(&h->call, s->impl->piece) || h->node->n_out != 1)
        return NULL;
    for (uint32_t k = 0; k < s->node->n_in; k++)
        reads += s->node->in[k].i == h->node->out[0].i;
    return reads == 1 && p->last_use[h->node->out[0].i] == step_of(s->node->id) &&
                   h->out[0].layout == s->out[0].layout
               ? h
               : NULL;
}

static bool reads(const qns_step *s, uint32_t buf)
{
    for (uint32_t k = 0; k < s->node->n_in; k++)
        if (s->in_buf[k] == buf)
            return true;
    return false;
}

/* The input whose memory output 0 takes over, or n_in. Not what the head makes, if there is another
 * one: within the head that stays in the cache (qns_tail). The head still reads its own inputs
 * while this step writes. */
static uint32_t shared_input(const qns_plan *p, const qns_step *s, const qns_step *head)
{
    const uint32_t n = s->node->n_in;
    uint32_t found = n;
    for (uint32_t k = 0; k < n; k++) {
        if (!can_share(p, s, k) || (head && reads(head, s->in_buf[k])))
            continue;
        if (!head || s->node->in[k].i != head->node->out[0].i)
            return k;
        found = k;
    }
    return found;
}

static void bind_outputs(qns_plan *p, qns_step *s)
{
    qns_step *head = find_head(p, s);
    const uint32_t first = step_of(head ? head->node->id : s->node->id);
    const uint32_t shared = shared_input(p, s, head);
    if (head)
        head->tail = s;
    for (uint32_t k = 0; k < s->node->n_out; k++) {
        const uint32_t v = s->node->out[k].i;
        if (k == 0 && shared < s->node->n_in) {
            const uint32_t b = s->in_buf[shared];
            p->value_buf[v] = b;
            s->skip = s->impl->view;
            if (p->last_use[v] > p->buf[b].last)
                p->buf[b].last = p->last_use[v];
        } else {
            p->value_buf[v] =
                add_buf(p, qns_tensor_bytes(&s->out[k]), first, p->last_use[v], QNS_NONE);
        }
        s->out_buf[k] = p->value_buf[v];
    }
}

static qns_status make_step(qns_plan *p, const qns_node *n, qns_err *err)
{
    qns_step *s = &p->step[n->id.i];
    qns_arena *a = p->arena;
    s->node = n;
    QNS_TRY(qns_arena_new((void **)&s->in, a, n->n_in, sizeof *s->in, err));
    QNS_TRY(qns_arena_new((void **)&s->out, a, n->n_out, sizeof *s->out, err));
    QNS_TRY(qns_arena_new((void **)&s->in_buf, a, n->n_in, sizeof *s->in_buf, err));
    QNS_TRY(qns_arena_new((void **)&s->out_buf, a, n->n_out, sizeof *s->out_buf, err));
    QNS_TRY(qns_arena_new((void **)&s->relayout, a, n->n_in, sizeof *s->relayout, err));
    for (uint32_t k = 0; k < n->n_in; k++)
        bind_input(p, s, k);
    for (uint32_t k = 0; k < n->n_out; k++)
        s->out[k] = view_of(p, n->out[k]);
    s->call = (qns_call){.node = n,
                         .be = p->opts.be,
                         .k = &p->kernels,
                         .engine = p->opts.engine,
                         .in = s->in,
                         .out = s->out};
    const char *why = NULL;
    s->impl = qns_impl_select(&why, &s->call, NULL, NULL);
    if (!s->impl)
        QNS_FAIL(err, UNSUPPORTED, "no implementation of %s takes it: %s", n->op->name,
                 why ? why : "there is none");
    bind_outputs(p, s);
    return QNS_OK;
}

typedef struct choice_ctx {
    const qns_plan *p;
    const qns_node *n;
} choice_ctx;

static void tell_refusal(void *ctx, const qns_impl *i, const char *why)
{
    const choice_ctx *c = ctx;
    c->p->opts.on_choice(c->p->opts.on_choice_ctx, c->n, i, why);
}

static void tell_choice(const qns_plan *p, const qns_step *s)
{
    choice_ctx c = {p, s->node};
    const char *why;
    if (!p->opts.on_choice)
        return;
    (void)qns_impl_select(&why, &s->call, tell_refusal, &c);
    p->opts.on_choice(p->opts.on_choice_ctx, s->node, s->impl, NULL);
}

static bool owns_packed(const qns_plan *p, const qns_step *s)
{
    return !p->of || s->impl->share;
}

static qns_status share_step(const qns_plan *p, qns_step *s, qns_err *err)
{
    void *packed = p->of->step[s->node->id.i].call.packed;
    if (packed && s->impl->share)
        return s->impl->share(&s->call.packed, packed, err);
    s->call.packed = packed;
    return QNS_OK;
}

static qns_status prepare_step(qns_plan *p, qns_step *s, qns_err *err)
{
    if (p->of)
        return share_step(p, s, err);
    tell_choice(p, s);
    if (s->impl->prepare)
        QNS_TRY(s->impl->prepare(&s->call.packed, &s->call, p->arena, err));
    return QNS_OK;
}

static qns_status get_memory(qns_plan *p, const qns_block *b, qns_err *err)
{
    if (p->opts.nodes_only)
        return QNS_OK;
    if (!(p->memory = qns_malloc64(p->memory_size)))
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes for activations", p->memory_size);
    memset(p->memory, 0, p->memory_size);
    for (uint32_t i = 0; i < p->n_buf; i++)
        if (p->buf[i].input == QNS_NONE)
            p->buf[i].data = p->memory + (b++)->offset;
    return QNS_OK;
}

static qns_status place_buffers(qns_plan *p, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_block *b = NULL;
    size_t n = 0, scratch = 0;
    QNS_TRY(qns_new((void **)&b, p->n_buf, sizeof *b, err));
    for (uint32_t i = 0; i < p->n_buf; i++) {
        if (p->buf[i].input != QNS_NONE)
            continue;
        b[n++] = (qns_block){p->buf[i].size, p->buf[i].first, p->buf[i].last, 0};
        p->memory_no_reuse += p->buf[i].size;
    }
    QNS_TRY_DONE(qns_memplan(b, n, &p->memory_size, err));
    QNS_TRY_DONE(get_memory(p, b, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(p->g); i++) {
        const qns_step *s = &p->step[i];
        const size_t need = s->impl->scratch_size ? s->impl->scratch_size(&s->call) : 0;
        scratch = need > scratch ? need : scratch;
    }
    if (!(p->scratch = qns_malloc64(scratch)))
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes of scratch memory", scratch);
done:
    qns_free(b);
    return st;
}

static qns_status start(qns_plan *p, qns_err *err)
{
    const uint32_t n_values = qns_graph_n_values(p->g), n_nodes = qns_graph_n_nodes(p->g);
    qns_arena *a = p->arena;
    p->cap_buf = 2 * n_values;
    QNS_TRY(qns_arena_new((void **)&p->step, a, n_nodes, sizeof *p->step, err));
    QNS_TRY(qns_arena_new((void **)&p->buf, a, p->cap_buf, sizeof *p->buf, err));
    QNS_TRY(qns_arena_new((void **)&p->value_buf, a, n_values, sizeof *p->value_buf, err));
    QNS_TRY(qns_arena_new((void **)&p->copy_buf, a, n_values, sizeof *p->copy_buf, err));
    QNS_TRY(qns_arena_new((void **)&p->last_use, a, n_values, sizeof *p->last_use, err));
    QNS_TRY(qns_arena_new((void **)&p->wanted, a, n_values, sizeof *p->wanted, err));
    memset(p->value_buf, 0xff, n_values * sizeof *p->value_buf);
    memset(p->copy_buf, 0xff, n_values * sizeof *p->copy_buf);
    find_last_uses(p);
    for (uint32_t i = 0; i < qns_graph_n_inputs(p->g); i++) {
        const qns_tensor t = view_of(p, qns_graph_input(p->g, i));
        const uint32_t v = qns_graph_input(p->g, i).i;
        p->value_buf[v] = add_buf(p, qns_tensor_bytes(&t), 0, p->last_use[v], i);
    }
    return QNS_OK;
}

/* Every step learns which weights come next; those of a last step are followed by the first ones,
 * for plans run over and over. */
static void find_ahead(qns_plan *p)
{
    const uint32_t n = qns_graph_n_nodes(p->g);
    const void *ahead = NULL;
    for (uint32_t i = 2 * n; i-- > 0;) {
        qns_step *s = &p->step[i % n];
        s->call.ahead = ahead;
        if (s->impl->reads_first)
            ahead = s->impl->reads_first(&s->call);
    }
}

static qns_status build(qns_plan *p, qns_err *err)
{
    QNS_TRY(start(p, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(p->g); i++) {
        const qns_node *n = qns_graph_node(p->g, (qns_nid){i});
        qns_status st = make_step(p, n, err);
        if (st == QNS_OK)
            st = prepare_step(p, &p->step[i], err);
        if (st != QNS_OK) {
            qns_err_note(err, "node '%s' (%s)", n->name, n->op->name);
            return st;
        }
    }
    find_ahead(p);
    return place_buffers(p, err);
}

static qns_status create(qns_plan **out, const qns_graph *g, const qns_exec_opts *o,
                         const qns_plan *of, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_plan *p = NULL;
    QNS_TRY(qns_new((void **)&p, 1, sizeof *p, err));
    p->g = g;
    p->of = of;
    p->opts = *o;
    if (!p->opts.be)
        p->opts.be = qns_backend_find("fbgemm");
    qk_table_init(&p->kernels, o->cpu_mask);
    /* The float library fixes its own work split when it makes a primitive. */
    if (o->threads > 0)
        omp_set_num_threads(o->threads);
    QNS_TRY_DONE(qns_arena_create(&p->arena, err));
    if (qns_plan_threads(p) > 1)
        QNS_TRY_DONE(qns_team_create(&p->team, qns_plan_threads(p), err));
    QNS_TRY_DONE(build(p, err));
    *out = p;
    p = NULL;
done:
    qns_plan_free(p);
    return st;
}

qns_status qns_plan_create(qns_plan **out, const qns_graph *g, const qns_exec_opts *o, qns_err *err)
{
    return create(out, g, o, NULL, err);
}

qns_status qns_plan_share(qns_plan **out, const qns_plan *of, qns_err *err)
{
    return create(out, of->g, &of->opts, of->of ? of->of : of, err);
}

void qns_plan_free(qns_plan *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->step && i < qns_graph_n_nodes(p->g); i++)
        if (p->step[i].impl && p->step[i].impl->release && p->step[i].call.packed &&
            owns_packed(p, &p->step[i]))
            p->step[i].impl->release(p->step[i].call.packed);
    qns_free(p->memory);
    qns_free(p->scratch);
    qns_team_free(p->team);
    qns_arena_free(p->arena);
    qns_free(p);
}

const qns_graph *qns_plan_graph(const qns_plan *p)
{
    return p->g;
}

const qns_impl *qns_plan_impl(const qns_plan *p, qns_nid n)
{
    assert(n.i < qns_graph_n_nodes(p->g));
    return p->step[n.i].impl;
}

int qns_plan_threads(const qns_plan *p)
{
    return p->opts.threads > 0 ? p->opts.threads : omp_get_max_threads();
}

size_t qns_plan_memory(const qns_plan *p, size_t *without_reuse)
{
    if (without_reuse)
        *without_reuse = p->memory_no_reuse;
    return p->memory_size;
}
