/* SPDX-License-Identifier: MIT */
/* An addition that runs within the convolution before it has the bits of the two one after the
 * other. A tap on the value between them keeps them apart, and every step to OpenMP's own threads;
 * that is the reference here. Without it one team runs all steps. */
#include "core/base/rng.h"
#include "core/exec/plan.h"
#include "core/ops/conv_impl.h"
#include "core/ops/op_quantize.h"
#include "kernels/cpu.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const double scales[] = {0.05, 0.07, 0.061, 0.09};
static const int32_t zeros[] = {3, 120, 0, 200};

static const qns_qparams qps[] = {{QNS_U8, -1, 1, &scales[0], &zeros[0]},
                                  {QNS_U8, -1, 1, &scales[1], &zeros[1]},
                                  {QNS_U8, -1, 1, &scales[2], &zeros[2]},
                                  {QNS_U8, -1, 1, &scales[3], &zeros[3]}};

static qns_vid node(qns_gb *gb, const char *op, const char *name, const void *attr,
                    const qns_vid *in, uint32_t n, const qns_qparams *qp, qns_range clamp)
{
    qns_vid out;
    qns_err err = {0};
    const qns_node_spec s = {.op = qns_op_find(op),
                             .name = name,
                             .attr = attr,
                             .clamp = clamp,
                             .in = in,
                             .n_in = n,
                             .n_out = 1,
                             .out_name = &name,
                             .out_qp = &qp};
    cr_assert_eq(qns_gb_node(&out, gb, &s, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return out;
}

static qns_vid conv(qns_gb *gb, const char *name, qns_vid x, int64_t ch, int64_t k, int qp,
                    qns_rng *rng)
{
    static const double w_scale = 0.002;
    static const int32_t w_zero;
    static const qns_qparams w_qp = {QNS_I8, -1, 1, &w_scale, &w_zero};
    const qns_conv_attr attr = {.win = {.rank = 2,
                                        .kernel = {k, k},
                                        .stride = {1, 1},
                                        .dilation = {1, 1},
                                        .pad_lo = {k / 2, k / 2},
                                        .pad_hi = {k / 2, k / 2}},
                                .groups = 1};
    const size_t n = (size_t)(ch * ch * k * k);
    qns_vid in[2] = {x};
    int8_t *w;

    cr_assert_eq(qns_arena_new((void **)&w, qns_gb_arena(gb), n, 1, NULL), QNS_OK);
    for (size_t i = 0; i < n; i++)
        w[i] = (int8_t)((int)qns_rng_below(rng, 255) - 127);
    const qns_const_spec s = {
        .name = "w", .dtype = QNS_I8, .shape = {4, {ch, ch, k, k}}, .data = w, .qp = &w_qp};
    cr_assert_eq(qns_gb_constant(&in[1], gb, &s, NULL), QNS_OK);
    return node(gb, "conv", name, &attr, in, 2, &qps[qp], QNS_NO_CLAMP);
}

/* x -> a = conv(x) -> b = conv3x3(a) -> sum = relu(a + b) -> out = sum + sum. b reads what the
 * addition could overwrite: its neighbours' windows need a, too. Deep: b = conv3x3(conv(a)) does
 * not, and the sum may take the place of a. */
static qns_graph *residual(int64_t ch, int64_t side, bool swapped, bool deep)
{
    const qns_shape shape = {4, {1, ch, side, side}};
    const qns_quantize_attr attr = {&qps[0]};
    qns_rng rng;
    qns_gb *gb;
    qns_graph *g;
    qns_vid x;

    qns_rng_seed(&rng, 5);
    cr_assert_eq(qns_gb_create(&gb, "residual", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&x, gb, "x", QNS_F32, &shape, NULL), QNS_OK);
    x = node(gb, "quantize", "x_q", &attr, &x, 1, &qps[0], QNS_NO_CLAMP);
    const qns_vid a = conv(gb, "a", x, ch, 1, 1, &rng);
    const qns_vid b = conv(gb, "b", deep ? conv(gb, "c", a, ch, 1, 1, &rng) : a, ch, 3, 2, &rng);
    const qns_vid s = node(gb, "add", "sum", NULL, swapped ? (qns_vid[]){b, a} : (qns_vid[]){a, b},
                           2, &qps[3], (qns_range){0, INFINITY});
    cr_assert_eq(
        qns_gb_output(gb, node(gb, "add", "out", NULL, (qns_vid[]){s, s}, 2, &qps[1], QNS_NO_CLAMP),
                      NULL),
        QNS_OK);
    qns_err err = {0};
    cr_assert_eq(qns_gb_finish(&g, gb, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return g;
}

static bool wants_all(void *ctx, const qns_value *v)
{
    return true;
}

static qns_status see_b(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                        qns_err *err)
{
    *(int *)ctx += !strcmp(v->name, "b");
    return QNS_OK;
}

static void run(uint8_t *out, const qns_graph *g, const qns_exec_opts *o, const qns_taps *taps)
{
    const qns_value *v = qns_graph_value(g, qns_graph_input(g, 0));
    const size_t n = qns_shape_count(&v->shape);
    float *x = calloc(n, sizeof *x);
    qns_err err = {0};
    qns_plan *p;
    qns_rng rng;

    qns_rng_seed(&rng, 9);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(12 * qns_rng_unit(&rng));
    cr_assert_eq(qns_plan_create(&p, g, o, &err), QNS_OK, "%s: %s", err.trail, err.text);
    cr_assert_eq(qns_plan_bind(p, taps, NULL), QNS_OK);
    const qns_tensor in = {QNS_F32, QNS_ROW, v->shape, x, NULL};
    qns_tensor t = {.data = out};
    for (int twice = 0; twice < 2; twice++)
        cr_assert_eq(qns_plan_run(&t, p, &in, 0, &err), QNS_OK, "%s", err.text);
    qns_plan_free(p);
    free(x);
}

Test(plan_tail, an_addition_within_a_convolution_has_the_same_bits)
{
    static const int64_t channels[] = {64, 128, 24, 20}, side[] = {5, 17, 14};
    static const int threads[] = {1, 2, 3, 5};
    static const unsigned masks[] = {0, QK_CPU_AVX2, QK_CPU_AVX2 | QK_CPU_VNNI, ~0u};

    for (int i = 0; i < 4 * 3 * 2 * 2; i++) {
        const int64_t ch = channels[i % 4], s = side[i / 4 % 3];
        const size_t n = (size_t)(ch * s * s);
        qns_graph *g = residual(ch, s, i / 12 % 2, i >= 24);
        uint8_t *apart = calloc(n, 1), *joined = calloc(n, 1);
        int seen = 0;
        const qns_tap tap = {&seen, wants_all, see_b};

        run(apart, g, &(qns_exec_opts){.threads = 1}, &(qns_taps){&tap, 1});
        cr_assert_eq(seen, 2);
        for (int k = 0; k < 8; k++) {
            const int most = threads[(k + 2 + k / 4) % 4];
            const qns_exec_opts o = {.cpu_mask = masks[k % 4], .threads = most};

            memset(joined, 0, n);
            run(joined, g, &o, NULL);
            cr_assert_eq(memcmp(apart, joined, n), 0, "%d channels, side %d, mask %u, threads %d",
                         (int)ch, (int)s, o.cpu_mask, o.threads);
        }
        free(joined);
        free(apart);
        qns_graph_free(g);
    }
}
