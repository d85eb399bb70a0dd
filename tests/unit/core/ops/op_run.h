/* SPDX-License-Identifier: MIT */
/* Runs one operator for a test: infer, choose, prepare, run. Inputs and outputs are row-major; with
 * `layout` QNS_CHLAST the activations of rank 3 to 5 are turned before and after. Every run is
 * repeated with one thread and plain C kernels, and in place where the implementation says it can:
 * all must give the same bits. */
#ifndef QNS_TEST_OP_RUN_H
#define QNS_TEST_OP_RUN_H

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/graph/op.h"
#include "kernels/kernels.h"

#include <criterion/criterion.h>
#include <omp.h>
#include <string.h>

typedef struct op_run {
    const char *op, *be; /* be NULL: fbgemm */
    const void *attr;
    const qns_range *clamp; /* NULL: none */
    qns_tensor in[8];
    uint32_t n_in, n_out; /* n_out 0: 1 */
    uint32_t constants;   /* bit i: input i is a constant and stays row-major */
    qns_layout layout;
    const qns_qparams *out_qp;
    bool onednn;       /* the float library instead of the reference */
    unsigned cpu_off;  /* instruction sets (QK_CPU_*) not to use */
    int threads;       /* 0: 3 */
    uint32_t unknown;  /* bit i: the data of input i is not there before the run */
    bool want_refusal; /* do not fail the test when no implementation takes it */
    /* results; the arena owns everything */
    qns_arena *arena;
    qns_tensor out[8];
    const char *impl, *why;
    qns_status st;
    qns_err err;
} op_run;

static inline bool op_turns(const op_run *r, const qns_tensor *t)
{
    return r->layout == QNS_CHLAST && t->shape.rank >= 3 && t->shape.rank <= 5;
}

static inline void *op_bytes(op_run *r, size_t n)
{
    void *p = qns_arena_get(r->arena, n ? n : 1, 1);
    cr_assert(p);
    return p;
}

static inline void op_infer(op_run *r, qns_node *n)
{
    const qns_op *op = qns_op_find(r->op);
    cr_assert(op, "no operator '%s'", r->op);
    *n = (qns_node){.op = op,
                    .name = "node",
                    .attr = r->attr,
                    .clamp = r->clamp ? *r->clamp : QNS_NO_CLAMP,
                    .n_in = r->n_in,
                    .n_out = r->n_out ? r->n_out : 1};
    for (uint32_t i = 0; i < r->n_in; i++)
        r->in[i].layout = QNS_ROW;
    memset(r->out, 0, sizeof r->out);
    r->err = (qns_err){0};
    r->st = op->infer(r->out, n, r->in, &r->err);
}

static inline void op_finish(op_run *r)
{
    qns_arena_free(r->arena);
    r->arena = NULL;
}

/* Brings the inputs into the layout of the call and makes room for the outputs. */
static inline void op_lay(op_run *r, qns_tensor *in, qns_tensor *out, uint32_t n_out)
{
    for (uint32_t i = 0; i < r->n_in; i++) {
        in[i] = r->in[i];
        if (in[i].dtype == QNS_DTYPE_COUNT || (r->constants >> i & 1) || !op_turns(r, &in[i]))
            continue;
        in[i].data = op_bytes(r, qns_tensor_bytes(&in[i]));
        in[i].layout = QNS_CHLAST;
        qns_tensor_relayout(in[i].data, QNS_CHLAST, &r->in[i]);
    }
    for (uint32_t i = 0; i < n_out; i++) {
        if (r->out_qp) {
            r->out[i].qp = r->out_qp;
            r->out[i].dtype = r->out_qp->dtype;
        }
        out[i] = r->out[i];
        out[i].layout = op_turns(r, &out[i]) ? QNS_CHLAST : QNS_ROW;
        out[i].data = op_bytes(r, qns_tensor_bytes(&out[i]));
        memset(out[i].data, 0x5a, qns_tensor_bytes(&out[i]));
    }
}

/* The inputs as they are while a plan is made. */
static inline void op_hide(qns_tensor *known, const op_run *r, const qns_tensor *in)
{
    for (uint32_t i = 0; i < r->n_in; i++) {
        known[i] = in[i];
        if (r->unknown >> i & 1)
            known[i].data = NULL;
    }
}

/* What a plan beside the first one would run with. */
static inline void op_run_shared(const qns_impl *impl, const qns_call *c)
{
    qns_tensor out = c->out[0];
    qns_call again = *c;
    if (!impl->share || !c->packed)
        return;
    cr_assert(out.data = qns_malloc64(qns_tensor_bytes(&out)));
    memset(out.data, 0x3c, qns_tensor_bytes(&out));
    again.out = &out;
    cr_assert_eq(impl->share(&again.packed, c->packed, NULL), QNS_OK);
    impl->run(&again);
    impl->release(again.packed);
    cr_expect_eq(memcmp(out.data, c->out[0].data, qns_tensor_bytes(&out)), 0,
                 "%s: other bits beside another one", impl->name);
    qns_free(out.data);
}

/* Prepares, runs and releases. */
static inline void op_run_once(op_run *r, const qns_impl *impl, qns_call *c, unsigned mask,
                               int threads)
{
    qk_table k;
    qk_table_init(&k, mask);
    omp_set_num_threads(threads);
    c->k = &k;
    c->packed = NULL;
    const qns_tensor *in = c->in;
    qns_tensor known[8];
    op_hide(known, r, in);
    c->in = known;
    if (impl->prepare)
        cr_assert_eq(impl->prepare(&c->packed, c, r->arena, NULL), QNS_OK);
    c->scratch = op_bytes(r, impl->scratch_size ? impl->scratch_size(c) : 1);
    c->in = in;
    impl->run(c);
    op_run_shared(impl, c);
    if (impl->release)
        impl->release(c->packed);
}

static inline void op_run_again(op_run *r, const qns_impl *impl, qns_call *c)
{
    qns_tensor in[8], out[8];
    qns_call again = *c;
    again.in = in;
    again.out = out;
    memcpy(in, c->in, r->n_in * sizeof *in);
    for (int place = 0; place < 2; place++) {
        for (uint32_t i = 0; i < c->node->n_out; i++) {
            out[i] = c->out[i];
            out[i].data = op_bytes(r, qns_tensor_bytes(&out[i]));
        }
        if (place) {
            const size_t size = qns_tensor_bytes(&in[0]);
            if (!(impl->in_place || impl->view) || size != qns_tensor_bytes(&out[0]) ||
                (r->constants & 1) || c->in[0].layout != c->out[0].layout)
                break;
            memcpy(out[0].data, in[0].data, size);
            in[0].data = out[0].data;
        }
        op_run_once(r, impl, &again, place ? ~0u : 0, 1);
        for (uint32_t i = 0; i < c->node->n_out; i++)
            cr_expect_eq(memcmp(out[i].data, c->out[i].data, qns_tensor_bytes(&out[i])), 0,
                         "%s: other bits %s", impl->name, place ? "in place" : "in plain C");
    }
    if (impl->view)
        cr_expect_eq(memcmp(c->in[0].data, c->out[0].data, qns_tensor_bytes(&c->in[0])), 0);
}

/* False when infer failed (r->st, r->err) or nobody took it (r->why). */
static inline bool op_execute(op_run *r)
{
    qns_node n;
    qns_tensor in[8], out[8];
    qk_table k;
    qk_table_init(&k, 0);
    if (!r->arena)
        cr_assert_eq(qns_arena_create(&r->arena, NULL), QNS_OK);
    op_infer(r, &n);
    if (r->st != QNS_OK)
        return false;
    op_lay(r, in, out, n.n_out);
    qns_call c = {.node = &n,
                  .be = qns_backend_find(r->be ? r->be : "fbgemm"),
                  .k = &k,
                  .engine = r->onednn ? QNS_ENGINE_ONEDNN : QNS_ENGINE_REFERENCE,
                  .in = in,
                  .out = out};
    qns_tensor known[8];
    op_hide(known, r, in);
    c.in = known;
    const qns_impl *impl = qns_impl_select(&r->why, &c, NULL, NULL);
    c.in = in;
    r->impl = impl ? impl->name : NULL;
    if (!impl) {
        cr_assert(r->want_refusal, "%s: %s", r->op, r->why);
        return false;
    }
    op_run_once(r, impl, &c, ~r->cpu_off, r->threads ? r->threads : 3);
    if (!r->onednn)
        op_run_again(r, impl, &c);
    for (uint32_t i = 0; i < n.n_out; i++) {
        r->out[i].data = op_bytes(r, qns_tensor_bytes(&out[i]));
        qns_tensor_relayout(r->out[i].data, QNS_ROW, &out[i]);
        r->out[i].layout = QNS_ROW;
    }
    return true;
}

static inline qns_shape op_shape(int32_t rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (qns_shape){.rank = rank, .dim = {a, b, c, d}};
}

/* A float tensor of random values in [lo, hi). */
static inline qns_tensor op_random(op_run *r, qns_rng *rng, qns_shape s, float lo, float hi)
{
    if (!r->arena)
        cr_assert_eq(qns_arena_create(&r->arena, NULL), QNS_OK);
    qns_tensor t = {.dtype = QNS_F32, .shape = s};
    t.data = op_bytes(r, qns_tensor_bytes(&t));
    for (size_t i = 0; i < qns_tensor_count(&t); i++)
        qns_f32(&t)[i] = lo + (hi - lo) * (float)qns_rng_unit(rng);
    return t;
}

static inline const qns_qparams *op_qp(op_run *r, qns_dtype type, double scale, int32_t zero)
{
    const qns_qparams *qp;
    if (!r->arena)
        cr_assert_eq(qns_arena_create(&r->arena, NULL), QNS_OK);
    cr_assert_eq(qns_qparams_new(&qp, r->arena, type, -1, 1, &scale, &zero, NULL), QNS_OK);
    return qp;
}

/* Random codes of type U8 or I8. */
static inline qns_tensor op_codes(op_run *r, qns_rng *rng, qns_shape s, const qns_qparams *qp)
{
    qns_tensor t = {.dtype = qp->dtype, .shape = s, .qp = qp};
    t.data = op_bytes(r, qns_tensor_bytes(&t));
    for (size_t i = 0; i < qns_tensor_count(&t); i++)
        ((uint8_t *)t.data)[i] = (uint8_t)qns_rng_below(rng, 256);
    return t;
}

#endif
