/* SPDX-License-Identifier: MIT */
/* Plans that share weights give the same bits when they run at the same time, each on inputs of its
 * own. Run with ThreadSanitizer, this shows whether a run writes into what is shared. */
#include "core/base/rng.h"
#include "core/exec/plan.h"
#include "core/ops/conv_impl.h"
#include "core/ops/op_gemm.h"
#include "core/ops/op_quantize.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CH = 16, SIDE = 9, ROWS = 12, INNER = 24, OUTS = 6, PLANS = 3, RUNS = 40 };

static float *random_floats(qns_arena *a, size_t n, qns_rng *rng)
{
    float *x;
    cr_assert_eq(qns_arena_new((void **)&x, a, n, sizeof *x, NULL), QNS_OK);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * qns_rng_unit(rng) - 1);
    return x;
}

static qns_vid constant(qns_gb *gb, const char *name, qns_shape shape, qns_rng *rng)
{
    qns_vid v;
    const qns_const_spec s = {.name = name,
                              .dtype = QNS_F32,
                              .shape = shape,
                              .data =
                                  random_floats(qns_gb_arena(gb), qns_shape_count(&shape), rng)};
    cr_assert_eq(qns_gb_constant(&v, gb, &s, NULL), QNS_OK);
    return v;
}

static qns_vid node(qns_gb *gb, const char *op, const char *name, const void *attr, qns_vid a,
                    qns_vid b, const qns_qparams *qp)
{
    qns_vid out, in[2] = {a, b};
    qns_err err = {0};
    const qns_node_spec s = {.op = qns_op_find(op),
                             .name = name,
                             .attr = attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = b.i == QNS_NONE ? 1 : 2,
                             .n_out = 1,
                             .out_name = &name,
                             .out_qp = qp ? &qp : NULL};
    cr_assert_eq(qns_gb_node(&out, gb, &s, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return out;
}

/* A convolution on codes. */
static qns_vid on_codes(qns_gb *gb, qns_vid x, const qns_conv_attr *attr, qns_rng *rng)
{
    static const double scale[] = {0.01, 0.002, 0.05};
    static const int32_t zero[] = {128, 0, 100};
    static const qns_qparams in_qp = {QNS_U8, -1, 1, &scale[0], &zero[0]},
                             w_qp = {QNS_I8, -1, 1, &scale[1], &zero[1]},
                             out_qp = {QNS_U8, -1, 1, &scale[2], &zero[2]};
    const qns_quantize_attr to = {&in_qp};
    const qns_vid none = {QNS_NONE};
    const size_t n = (size_t)CH * CH * 9;
    int8_t *w;
    qns_vid wv;
    cr_assert_eq(qns_arena_new((void **)&w, qns_gb_arena(gb), n, 1, NULL), QNS_OK);
    for (size_t i = 0; i < n; i++)
        w[i] = (int8_t)((int)qns_rng_below(rng, 255) - 127);
    const qns_const_spec s = {
        .name = "w_q", .dtype = QNS_I8, .shape = {4, {CH, CH, 3, 3}}, .data = w, .qp = &w_qp};
    cr_assert_eq(qns_gb_constant(&wv, gb, &s, NULL), QNS_OK);
    return node(gb, "conv", "conv_q", attr, node(gb, "quantize", "x_q", &to, x, none, &in_qp), wv,
                &out_qp);
}

/* One node of every kind whose weights are packed, or that keeps handles of the float library. */
static qns_graph *every_kind(void)
{
    const qns_conv_attr conv = {.win = {.rank = 2,
                                        .kernel = {3, 3},
                                        .stride = {1, 1},
                                        .dilation = {1, 1},
                                        .pad_lo = {1, 1},
                                        .pad_hi = {1, 1}},
                                .groups = 1};
    const qns_conv_transpose_attr turned = {.conv = conv};
    const qns_gemm_attr gemm = {.trans_a = 1, .trans_b = 1, .alpha = 0.5f, .beta = 1};
    const qns_shape image = {4, {1, CH, SIDE, SIDE}}, w = {4, {CH, CH, 3, 3}};
    const qns_shape left = {2, {ROWS, INNER}}, right = {2, {INNER, ROWS}};
    qns_rng rng;
    qns_gb *gb;
    qns_graph *g;
    qns_vid x, a, b, out[OUTS];
    qns_err err = {0};
    qns_rng_seed(&rng, 3);
    cr_assert_eq(qns_gb_create(&gb, "every kind", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&x, gb, "x", QNS_F32, &image, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&a, gb, "a", QNS_F32, &left, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&b, gb, "b", QNS_F32, &right, NULL), QNS_OK);
    out[0] = node(gb, "conv", "conv", &conv, x, constant(gb, "w", w, &rng), NULL);
    out[1] = node(gb, "conv_transpose", "turned", &turned, x, constant(gb, "wt", w, &rng), NULL);
    out[2] = node(gb, "linear", "linear", NULL, a, constant(gb, "wl", left, &rng), NULL);
    out[3] = node(gb, "matmul", "matmul", NULL, a, b, NULL);
    out[4] = node(gb, "gemm", "gemm", &gemm, a, b, NULL);
    out[5] = on_codes(gb, x, &conv, &rng);
    for (int i = 0; i < OUTS; i++)
        cr_assert_eq(qns_gb_output(gb, out[i], NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return g;
}

typedef struct runner {
    qns_plan *p;
    qns_arena *arena;
    qns_tensor in[3], out[OUTS];
    void *want[OUTS]; /* when it ran alone */
    bool differs;
} runner;

static void set_up(runner *r, qns_plan *p, uint64_t seed)
{
    const qns_graph *g = qns_plan_graph(p);
    qns_rng rng;
    qns_rng_seed(&rng, seed);
    r->p = p;
    cr_assert_eq(qns_arena_create(&r->arena, NULL), QNS_OK);
    for (uint32_t i = 0; i < QNS_ARRAY_LEN(r->in); i++) {
        r->in[i] = qns_graph_tensor(g, qns_graph_input(g, i));
        r->in[i].layout = QNS_ROW;
        r->in[i].data = random_floats(r->arena, qns_tensor_count(&r->in[i]), &rng);
    }
    for (uint32_t i = 0; i < OUTS; i++) {
        const qns_tensor t = qns_graph_tensor(g, qns_graph_output(g, i));
        const size_t bytes = qns_tensor_bytes(&t);
        cr_assert(r->out[i].data = qns_arena_get(r->arena, bytes, 1));
        cr_assert(r->want[i] = qns_arena_get(r->arena, bytes, 1));
    }
    cr_assert_eq(qns_plan_run(r->out, p, r->in, 0, NULL), QNS_OK);
    for (uint32_t i = 0; i < OUTS; i++)
        memcpy(r->want[i], r->out[i].data, qns_tensor_bytes(&r->out[i]));
}

static void *work(void *arg)
{
    runner *r = arg;
    for (int k = 0; k < RUNS; k++) {
        r->differs |= qns_plan_run(r->out, r->p, r->in, k, NULL) != QNS_OK;
        for (uint32_t i = 0; i < OUTS; i++)
            r->differs |= memcmp(r->want[i], r->out[i].data, qns_tensor_bytes(&r->out[i])) != 0;
    }
    return NULL;
}

static void run_at_once(qns_engine engine)
{
    const qns_exec_opts o = {.engine = engine, .cpu_mask = ~0u, .threads = 1};
    qns_graph *g = every_kind();
    qns_plan *p[PLANS];
    runner r[PLANS] = {0};
    pthread_t thread[PLANS];
    qns_err err = {0};
    cr_assert_eq(qns_plan_create(&p[0], g, &o, &err), QNS_OK, "%s: %s", err.trail, err.text);
    /* Of a plan that shares itself, too. */
    for (int i = 1; i < PLANS; i++)
        cr_assert_eq(qns_plan_share(&p[i], p[i - 1], &err), QNS_OK, "%s", err.text);
    for (int i = 0; i < PLANS; i++)
        set_up(&r[i], p[i], (uint64_t)i + 1);
    for (int i = 0; i < PLANS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, work, &r[i]), 0);
    for (int i = 0; i < PLANS; i++)
        pthread_join(thread[i], NULL);
    for (int i = PLANS - 1; i >= 0; i--) {
        cr_expect_not(r[i].differs, "plan %d has other bits beside others", i);
        qns_arena_free(r[i].arena);
        qns_plan_free(p[i]);
    }
    qns_graph_free(g);
}

Test(plan_share, plans_of_one_set_of_weights_run_at_once)
{
    run_at_once(QNS_ENGINE_ONEDNN);
    run_at_once(QNS_ENGINE_REFERENCE);
}

/* What shares computes what the first one does. */
Test(plan_share, the_bits_are_those_of_the_first)
{
    const qns_exec_opts o = {.cpu_mask = ~0u, .threads = 1};
    qns_graph *g = every_kind();
    qns_plan *p, *q;
    runner a = {0}, b = {0};
    cr_assert_eq(qns_plan_create(&p, g, &o, NULL), QNS_OK);
    cr_assert_eq(qns_plan_share(&q, p, NULL), QNS_OK);
    set_up(&a, p, 7);
    set_up(&b, q, 7);
    for (uint32_t i = 0; i < OUTS; i++)
        cr_assert_arr_eq(a.want[i], b.want[i], qns_tensor_bytes(&a.out[i]));
    qns_plan_free(q);
    qns_plan_free(p);
    qns_graph_free(g);
    qns_arena_free(a.arena);
    qns_arena_free(b.arena);
}
