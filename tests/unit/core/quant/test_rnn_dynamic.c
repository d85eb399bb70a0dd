/* SPDX-License-Identifier: MIT */
#include "core/base/rng.h"
#include "core/quant/weight_dynamic.h"
#include "golden_npz.h"

#include <math.h>

typedef struct fixture {
    golden g;
    const json_t *c;
    qns_arena *a;
    qk_table k;
} fixture;

static void *room(fixture *f, size_t n, size_t size)
{
    void *p = qns_arena_get(f->a, n ? n : 1, size);
    cr_assert(p);
    return p;
}

/* The floats of a field, in the arena. */
static const float *floats(fixture *f, const char *field, size_t n)
{
    golden_array a = golden_get(&f->g, f->c, field);
    cr_assert_eq(a.n, n, "%s has %zu", field, a.n);
    float *x = room(f, n, sizeof *x);
    memcpy(x, a.data, n * sizeof *x);
    free(a.bytes);
    return x;
}

static void check_codes(fixture *f, const char *name, const qns_rnn_matrix *m, size_t n)
{
    char field[64];
    snprintf(field, sizeof field, "q_%s", name);
    if (!golden_has(f->c, field))
        return;
    golden_array q = golden_get(&f->g, f->c, field);
    cr_expect(q.n == n && memcmp(q.data, m->w, n) == 0, "%s: other codes", name);
    free(q.bytes);
    snprintf(field, sizeof field, "scale_%s", name);
    cr_expect_eq((float)m->qp->scale[0], *floats(f, field, 1), "%s", name);
}

static qns_rnn_matrix matrix(fixture *f, const char *which, const char *suffix, size_t n, size_t k)
{
    char weight[64], bias[64];
    qns_rnn_matrix m;
    snprintf(weight, sizeof weight, "weight_%s%s", which, suffix);
    snprintf(bias, sizeof bias, "bias_%s%s", which, suffix);
    cr_assert_eq(qns_dynamic_matrix(&m, f->a, QNS_DYN_S8, floats(f, weight, n * k),
                                    floats(f, bias, n), n, k, NULL),
                 QNS_OK);
    check_codes(f, weight, &m, n * k);
    return m;
}

static double off(const float *got, const float *want, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, isnan(got[i]) ? INFINITY : fabs((double)got[i] - (double)want[i]));
    return worst;
}

static void check_case(fixture *f, const char *kind)
{
    const bool cell = strstr(kind, "Cell") != NULL, lstm = strncmp(kind, "LSTM", 4) == 0;
    golden_array x = golden_get(&f->g, f->c, "x"), h = golden_get(&f->g, f->c, "h0");
    const size_t layers = cell ? 1 : (size_t)golden_num(f->c, "layers");
    const bool two = !cell && json_is_true(json_object_get(f->c, "bidirectional"));
    const size_t dirs = two ? 2 : 1, hidden = (size_t)h.dim[h.rank - 1];
    qns_rnn_spec spec = {.kind = lstm             ? QNS_RNN_LSTM
                                 : kind[0] == 'G' ? QNS_RNN_GRU
                                                  : QNS_RNN_TANH,
                         .rule = {.scheme = QNS_REQUANT_QNNPACK},
                         .input = (size_t)x.dim[x.rank - 1],
                         .hidden = hidden,
                         .layers = layers,
                         .bidirectional = two};
    const size_t rows = qns_rnn_n_gates(spec.kind) * hidden;
    qns_rnn_weights *w = room(f, layers * dirs, sizeof *w);
    for (size_t i = 0; i < layers * dirs; i++) {
        char suffix[32] = "";
        if (!cell)
            snprintf(suffix, sizeof suffix, "_l%zu%s", i / dirs, i % dirs ? "_reverse" : "");
        w[i].ih = matrix(f, "ih", suffix, rows, i < dirs ? spec.input : dirs * hidden);
        w[i].hh = matrix(f, "hh", suffix, rows, hidden);
    }
    spec.w = w;
    qns_rnn_io io = {.steps = cell ? 1 : (size_t)x.dim[0], .batch = (size_t)x.dim[cell ? 0 : 1]};
    const size_t n_state = layers * dirs * io.batch * hidden;
    const size_t n_y = io.steps * io.batch * dirs * hidden;
    qns_rnn *r;
    cr_assert_eq(qns_rnn_create(&r, f->a, &spec, NULL), QNS_OK);
    io.x = floats(f, "x", x.n);
    io.h0 = floats(f, "h0", n_state);
    io.c0 = lstm ? floats(f, "c0", n_state) : NULL;
    io.y = room(f, n_y, sizeof(float));
    io.hn = room(f, n_state, sizeof(float));
    io.cn = room(f, n_state, sizeof(float));
    void *scratch = room(f, qns_rnn_scratch(r, io.steps, io.batch), 1);
    cr_assert_eq(qns_rnn_run(&io, r, &f->k, scratch, NULL), QNS_OK);
    double worst = off(io.y, floats(f, cell ? "h1" : "y", n_y), n_y);
    worst = fmax(worst, off(io.hn, floats(f, cell ? "h1" : "hn", n_state), n_state));
    if (lstm)
        worst = fmax(worst, off(io.cn, floats(f, cell ? "c1" : "cn", n_state), n_state));
    cr_expect(worst <= 1e-6, "%s: off by %g", kind, worst);
    free(x.bytes);
    free(h.bytes);
}

Test(rnn_dynamic, golden)
{
    fixture f = {0};
    size_t n = 0;
    if (!golden_open(&f.g, "rnn_dynamic"))
        cr_skip_test("no golden vectors");
    qk_table_init(&f.k, ~0u);
    for (; golden_case(&f.g, n); n++) {
        f.c = golden_case(&f.g, n);
        cr_assert_eq(qns_arena_create(&f.a, NULL), QNS_OK);
        check_case(&f, golden_text(f.c, "kind"));
        qns_arena_free(f.a);
    }
    cr_expect_gt(n, 0);
    golden_close(&f.g);
}

static float *random_floats(fixture *f, qns_rng *rng, size_t n)
{
    float *x = room(f, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * qns_rng_unit(rng) - 1);
    return x;
}

enum { I = 3, H = 4, T = 5, B = 2 };

static qns_rnn_spec random_spec(fixture *f, qns_rng *rng, qns_rnn_kind kind, size_t layers,
                                bool two, qns_dyn_weight weight)
{
    const size_t dirs = two ? 2 : 1, rows = qns_rnn_n_gates(kind) * H;
    qns_rnn_weights *w = room(f, layers * dirs, sizeof *w);
    for (size_t i = 0; i < layers * dirs; i++) {
        const size_t k = i < dirs ? I : dirs * H;
        cr_assert_eq(qns_dynamic_matrix(&w[i].ih, f->a, weight, random_floats(f, rng, rows * k),
                                        random_floats(f, rng, rows), rows, k, NULL),
                     QNS_OK);
        cr_assert_eq(qns_dynamic_matrix(&w[i].hh, f->a, weight, random_floats(f, rng, rows * H),
                                        NULL, rows, H, NULL),
                     QNS_OK);
    }
    return (qns_rnn_spec){.kind = kind,
                          .rule = {.scheme = QNS_REQUANT_FBGEMM},
                          .input = I,
                          .hidden = H,
                          .layers = layers,
                          .bidirectional = two,
                          .w = w};
}

static qns_status run(qns_rnn_io *io, fixture *f, const qns_rnn_spec *s)
{
    qns_rnn *r;
    const size_t dirs = s->bidirectional ? 2 : 1;
    cr_assert_eq(qns_rnn_create(&r, f->a, s, NULL), QNS_OK);
    io->y = room(f, io->steps * io->batch * dirs * H, sizeof(float));
    io->hn = room(f, s->layers * dirs * io->batch * H, sizeof(float));
    io->cn = room(f, s->layers * dirs * io->batch * H, sizeof(float));
    void *scratch = room(f, qns_rnn_scratch(r, io->steps, io->batch), 1);
    return qns_rnn_run(io, r, &f->k, scratch, NULL);
}

/* Three layers in two directions are three runs of one layer. */
Test(rnn_dynamic, layers_are_chained)
{
    static const qns_rnn_kind kinds[] = {QNS_RNN_LSTM, QNS_RNN_GRU, QNS_RNN_TANH, QNS_RNN_RELU};
    static const qns_dyn_weight weights[] = {QNS_DYN_S8, QNS_DYN_S8_PER_CHANNEL, QNS_DYN_F16};
    fixture f = {0};
    qns_rng rng;
    qns_rng_seed(&rng, 3);
    qk_table_init(&f.k, 0);
    cr_assert_eq(qns_arena_create(&f.a, NULL), QNS_OK);
    for (size_t i = 0; i < QNS_ARRAY_LEN(kinds) * QNS_ARRAY_LEN(weights); i++) {
        const qns_rnn_spec s = random_spec(&f, &rng, kinds[i % 4], 3, true, weights[i / 4]);
        const size_t n = 2 * B * H;
        const float *x = random_floats(&f, &rng, T * B * I), *h0 = random_floats(&f, &rng, 3 * n);
        const float *c0 = random_floats(&f, &rng, 3 * n);
        qns_rnn_io all = {.steps = T, .batch = B, .x = x, .h0 = h0, .c0 = c0}, one = all;
        cr_assert_eq(run(&all, &f, &s), QNS_OK);
        for (size_t l = 0; l < 3; l++) {
            qns_rnn_spec part = s;
            part.layers = 1;
            part.input = l ? (size_t)2 * H : (size_t)I;
            part.w = s.w + 2 * l;
            one.h0 = h0 + l * n;
            one.c0 = c0 + l * n;
            cr_assert_eq(run(&one, &f, &part), QNS_OK);
            cr_expect_eq(memcmp(one.hn, all.hn + l * n, n * sizeof(float)), 0);
            cr_expect_eq(memcmp(one.cn, all.cn + l * n, n * sizeof(float)), 0);
            one.x = one.y;
        }
        cr_expect_eq(memcmp(one.y, all.y, T * n * sizeof(float)), 0);
    }
    qns_arena_free(f.a);
}

/* The last hidden states are where a direction ends: the last step, and the first. */
Test(rnn_dynamic, directions_end_at_opposite_ends)
{
    fixture f = {0};
    qns_rng rng;
    qns_rng_seed(&rng, 4);
    qk_table_init(&f.k, ~0u);
    cr_assert_eq(qns_arena_create(&f.a, NULL), QNS_OK);
    const qns_rnn_spec s = random_spec(&f, &rng, QNS_RNN_GRU, 1, true, QNS_DYN_S8);
    qns_rnn_io io = {.steps = T, .batch = B, .x = random_floats(&f, &rng, T * B * I)};
    cr_assert_eq(run(&io, &f, &s), QNS_OK);
    for (size_t b = 0; b < B; b++)
        for (size_t j = 0; j < H; j++) {
            cr_expect_eq(io.hn[b * H + j], io.y[((T - 1) * B + b) * 2 * H + j]);
            cr_expect_eq(io.hn[(B + b) * H + j], io.y[b * 2 * H + H + j]);
        }
    qns_arena_free(f.a);
}

Test(rnn_dynamic, not_finite_is_an_error_and_shows_in_every_output)
{
    fixture f = {0};
    qns_rng rng;
    qns_rng_seed(&rng, 5);
    qk_table_init(&f.k, ~0u);
    cr_assert_eq(qns_arena_create(&f.a, NULL), QNS_OK);
    const qns_rnn_spec s = random_spec(&f, &rng, QNS_RNN_LSTM, 2, false, QNS_DYN_S8);
    float *x = random_floats(&f, &rng, T * B * I);
    x[7] = NAN;
    qns_rnn_io io = {.steps = T, .batch = B, .x = x};
    cr_assert_eq(run(&io, &f, &s), QNS_E_DATA);
    for (size_t i = 0; i < T * B * H; i++)
        cr_expect(isnan(io.y[i]));
    for (size_t i = 0; i < 2 * B * H; i++)
        cr_expect(isnan(io.hn[i]) && isnan(io.cn[i]));
    qns_rnn_matrix m;
    for (int kind = QNS_DYN_S8; kind <= QNS_DYN_F16; kind++)
        cr_expect_eq(qns_dynamic_matrix(&m, f.a, (qns_dyn_weight)kind, x, NULL, T, B * I, NULL),
                     QNS_E_DATA);
    qns_arena_free(f.a);
}
