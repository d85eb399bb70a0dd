/* SPDX-License-Identifier: MIT */
/* What add, sub, mul and div share. */
#include "core/ops/binary.h"

#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

qns_status qns_binary_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != in[1].dtype)
        QNS_FAIL(err, SHAPE, "cannot combine %s and %s", qns_dtype_name(in[0].dtype),
                 qns_dtype_name(in[1].dtype));
    if (in[0].dtype != QNS_F32 && !qns_is_int(in[0].dtype))
        QNS_FAIL(err, UNSUPPORTED, "inputs of type %s", qns_dtype_name(in[0].dtype));
    out[0].dtype = in[0].dtype;
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
}

/* Long rows are cut, so that equal shapes (one row) run in parallel, too. A multiple of 64. */
enum { CUT = 1 << 14 };

typedef struct walk {
    qns_bcast p;
    size_t size, cuts, jobs; /* size of an element; pieces per row; pieces in all */
    const char *a, *b;
    char *out;
    qns_binary_row *run;
    const void *ctx; /* of run */
    qns_range clamp;
} walk;

static walk lay(const qns_call *c)
{
    walk w = {.size = qns_dtype_size(c->out[0].dtype),
              .a = c->in[0].data,
              .b = c->in[1].data,
              .out = c->out[0].data};
    qns_bcast_lay(&w.p, &c->out[0], &c->in[0], &c->in[1]);
    w.cuts = (w.p.row + CUT - 1) / CUT;
    w.jobs = w.cuts * w.p.rows;
    return w;
}

static void *piece(const walk *w, size_t job, size_t *n_out)
{
    const size_t r = job / w->cuts, at = job % w->cuts * CUT;
    const size_t n = w->p.row - at < CUT ? w->p.row - at : CUT;
    const int64_t sa = w->p.a_step[w->p.rank - 1], sb = w->p.b_step[w->p.rank - 1];
    size_t a, b;
    qns_bcast_row(&a, &b, &w->p, r);
    char *out = w->out + (r * w->p.row + at) * w->size;
    w->run(out, w->a + (a + at * (size_t)sa) * w->size, sa, w->b + (b + at * (size_t)sb) * w->size,
           sb, n, w->ctx);
    *n_out = n;
    return out;
}

static void pieces(const void *ctx, size_t first, size_t end)
{
    const walk *w = ctx;
    for (size_t j = first; j < end; j++) {
        size_t n;
        piece(w, j, &n);
    }
}

static void clamped_pieces(const void *ctx, size_t first, size_t end)
{
    const walk *w = ctx;
    const qns_range r = w->clamp;
    for (size_t j = first; j < end; j++) {
        size_t n;
        float *y = piece(w, j, &n);
        for (size_t i = 0; i < n; i++) {
            const float v = y[i] < r.lo ? r.lo : y[i];
            y[i] = v > r.hi ? r.hi : v;
        }
    }
}

static void share(const walk *w, qns_team *team, qns_range_part *run)
{
    qns_parallel_ranges(team, w->jobs, w->p.rows * w->p.row > QNS_PAR_MIN ? 1 : w->jobs, run, w);
}

void qns_binary_run(const qns_call *c, qns_binary_row *row, const void *ctx)
{
    walk w = lay(c);
    w.run = row;
    w.ctx = ctx;
    share(&w, c->team, pieces);
}

void qns_binary_run_f32(const qns_call *c, qns_binary_row *row)
{
    walk w = lay(c);
    w.run = row;
    w.clamp = c->node->clamp;
    share(&w, c->team, qns_has_clamp(c->node) ? clamped_pieces : pieces);
}

/* The constant on the right, when it differs along `axis` of the left only. */
static const float *along(size_t *n_out, const qns_graph *g, const qns_node *n, int32_t axis)
{
    const qns_value *x = qns_graph_value(g, n->in[0]), *v = qns_graph_value(g, n->in[1]);
    const int32_t lead = x->shape.rank - v->shape.rank;
    if (x->constant || !v->constant || v->dtype != QNS_F32 || x->dtype != QNS_F32 || lead < 0 ||
        x->shape.rank < 2)
        return NULL;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        const int64_t d = i < lead ? 1 : v->shape.dim[i - lead];
        if (d != (i == axis ? x->shape.dim[i] : 1))
            return NULL;
    }
    *n_out = (size_t)x->shape.dim[axis];
    return v->constant;
}

const float *qns_binary_channels(size_t *n_out, const qns_graph *g, const qns_node *n)
{
    return along(n_out, g, n, 1);
}

const float *qns_binary_last_axis(size_t *n_out, const qns_graph *g, const qns_node *n)
{
    const int32_t rank = qns_graph_value(g, n->in[0])->shape.rank;
    return rank < 3 ? NULL : along(n_out, g, n, rank - 1);
}

const char *qns_reject_not_i64(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++)
        if (c->in[i].dtype != QNS_I64)
            return "an input is not int64";
    return c->out[0].dtype != QNS_I64 ? "the output is not int64" : NULL;
}

const char *qns_reject_not_ints(const qns_call *c)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!qns_is_int(c->in[i].dtype) || c->in[i].dtype != c->out[0].dtype || c->in[i].qp)
            return "an input has no plain integers";
    return qns_reject_not_plain(c);
}

void qns_binary_run_ints(const qns_call *c, int64_t (*f)(int64_t x, int64_t y))
{
    const size_t n = qns_tensor_count(&c->out[0]);
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    qns_walk_broadcast(&w, 0, &c->in[0].shape);
    qns_walk_broadcast(&w, 1, &c->in[1].shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w))
        qns_int_put(
            &c->out[0], i,
            f(qns_int_at(&c->in[0], (size_t)w.pos[0]), qns_int_at(&c->in[1], (size_t)w.pos[1])));
}

const char *qns_reject_binary_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_reject_codes(&c->in[1], &c->out[0], QNS_U8);
}
