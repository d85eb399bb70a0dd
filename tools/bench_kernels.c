/* SPDX-License-Identifier: MIT */
/* qns bench kernels: every kernel with every instruction set, beside the peak of that set. */
#include "tools/bench_kernels.h"

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "kernels/cpu.h"
#include "tools/ui.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SETS = 4, RUNS = 15 };

static const char *const set_names[MAX_SETS] = {"scalar", "avx2", "vnni", "all"};

typedef struct kernels_args {
    qns_bench_opts opts;
    const char *glob[16];
    size_t n_globs;
} kernels_args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    kernels_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->opts;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_globs == QNS_ARRAY_LEN(a->glob))
            argp_error(state, "too many kernels; a glob may name several");
        a->glob[a->n_globs++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_bench_argp, 0, 0, 90}, {0}};
static const struct argp argp = {
    .parser = parse,
    .args_doc = "[KERNEL...]",
    .children = children,
    .doc =
        "Every kernel, or those whose name matches a glob, with every instruction set of this "
        "machine, one thread, data in the second-level cache. Arithmetic is told in GOP/s "
        "(a multiplication and an addition are two) and percent of what a loop of nothing but "
        "that instruction reaches right before or after; kernels that move data in GB/s read and "
        "written, and percent of what reading from the second-level cache reaches.\v"
        "Instruction sets that share a variant share a line. --isa names the highest one.\n\n"
        "Example: qns bench kernels 'gemm*' 'dwconv*'"};

/* One instruction set: its table, and what it can reach. */
typedef struct set {
    const char *name;
    unsigned mask;
    qk_table table;
    qns_bench_gauge gauge;
    double read; /* bytes a second from the second-level cache */
} set;

typedef struct row {
    const qns_bench_kernel *kernel;
    const set *set;
    double *s;     /* seconds of one call */
    double *limit; /* what the machine could do at that moment, */
    double *share; /* and how much of it was done */
    size_t n_s, calls;
    qns_bench_stat stat;
} row;

typedef struct bench_state {
    set set[MAX_SETS];
    size_t n_sets;
    row *row;
    size_t n_rows;
    qns_bench_data data;
    qns_arena *arena;
} bench_state;

static qns_status make_sets(bench_state *b, unsigned allowed, qns_err *err)
{
    unsigned last = ~0u;
    for (size_t i = 0; i < MAX_SETS; i++) {
        set *s = &b->set[b->n_sets];
        unsigned mask = 0;
        qk_cpu_mask_of(&mask, set_names[i]);
        mask &= allowed & qk_cpu_detect();
        if (mask == last)
            continue;
        last = mask;
        *s = (set){.name = set_names[i], .mask = mask};
        qk_table_init(&s->table, mask);
        s->gauge = qns_bench_gauge_make(1, mask);
        QNS_TRY(qns_bench_read_rate(&s->read, qns_bench_l2_size(), mask, err));
        b->n_sets++;
    }
    return QNS_OK;
}

static qns_status make_memory(qns_bench_data *d, qns_arena *a, qns_err *err)
{
    enum { K = QNS_BENCH_K, M = QNS_BENCH_M, N = QNS_BENCH_N, CH = QNS_BENCH_CH };
    const size_t rows = M + QNS_BENCH_WINDOW, slack = 64;
    QNS_TRY(qns_arena_new((void **)&d->codes, a, rows * K + slack, 1, err));
    QNS_TRY(qns_arena_new((void **)&d->codes2, a, QNS_BENCH_RUN, 1, err));
    QNS_TRY(qns_arena_new((void **)&d->codes_out, a, QNS_BENCH_RUN, 1, err));
    QNS_TRY(
        qns_arena_new((void **)&d->floats, a, rows * K / 4 + QNS_BENCH_RUN, sizeof(float), err));
    QNS_TRY(qns_arena_new((void **)&d->floats_out, a, QNS_BENCH_RUN, sizeof(float), err));
    QNS_TRY(qns_arena_new((void **)&d->weight, a, (size_t)N * K, 1, err));
    QNS_TRY(qns_arena_new((void **)&d->packed, a, qk_pack_s8_size(N, K), 1, err));
    QNS_TRY(qns_arena_new((void **)&d->weight_f32, a, (size_t)N * K / 4, sizeof(float), err));
    QNS_TRY(
        qns_arena_new((void **)&d->packed_f32, a, qk_pack_f32_size(N, K / 4), sizeof(float), err));
    QNS_TRY(qns_arena_new((void **)&d->acc, a, (size_t)M * N, sizeof(int32_t), err));
    QNS_TRY(qns_arena_new((void **)&d->col_sum, a, N, sizeof(int32_t), err));
    /* At most two numbers for each panel, and one for two quads. */
    QNS_TRY(qns_arena_new((void **)&d->notes, a, N / 16 * (K / 8 + 2), sizeof(int32_t), err));
    QNS_TRY(qns_arena_new(&d->scratch, a, QNS_BENCH_SCRATCH, 1, err));
    return qns_arena_new((void **)&d->mult, a, N, sizeof(float), err);
}

static void fill(qns_bench_data *d)
{
    enum { K = QNS_BENCH_K, M = QNS_BENCH_M, N = QNS_BENCH_N };
    const size_t rows = M + QNS_BENCH_WINDOW;
    qns_rng rng;
    qns_rng_seed(&rng, 1);
    for (size_t i = 0; i < rows * K; i++)
        d->codes[i] = (uint8_t)qns_rng_next(&rng);
    for (size_t i = 0; i < QNS_BENCH_RUN; i++)
        d->codes2[i] = (uint8_t)qns_rng_next(&rng);
    for (size_t i = 0; i < rows * K / 4 + QNS_BENCH_RUN; i++)
        d->floats[i] = (float)(4 * qns_rng_unit(&rng) - 2);
    for (size_t i = 0; i < (size_t)N * K; i++)
        d->weight[i] = (int8_t)qns_rng_next(&rng);
    for (size_t i = 0; i < (size_t)N * K / 4; i++)
        d->weight_f32[i] = (float)(2 * qns_rng_unit(&rng) - 1);
    for (size_t i = 0; i < N; i++)
        d->mult[i] = (float)(1e-5 * (1 + qns_rng_unit(&rng)));
    for (size_t i = 0; i < rows; i++) {
        d->row_u8[i] = d->codes + i * K;
        d->row_s8[i] = (const int8_t *)d->row_u8[i];
        d->row_f32[i] = d->floats + i * K / 4;
    }
    for (size_t i = 0; i < 256; i++)
        d->table[i] = (uint8_t)(255 - i);
    qk_pack_s8(d->packed, d->col_sum, d->weight, N, K);
    qk_pack_f32(d->packed_f32, d->weight_f32, N, K / 4);
    d->requant = (qk_requant){.scheme = QK_RQ_FBGEMM,
                              .per_channel = true,
                              .mult = d->mult,
                              .offset = d->col_sum,
                              .zero = 128,
                              .hi = 255};
    d->add = (qk_add){.scale_a = 0.02f,
                      .scale_b = 0.03f,
                      .inv_out = 30.0f,
                      .zero_a = 120,
                      .zero_b = 130,
                      .zero_out = 128};
}

static bool wanted(const kernels_args *a, const char *name)
{
    for (size_t i = 0; i < a->n_globs; i++)
        if (qns_glob(a->glob[i], name))
            return true;
    return a->n_globs == 0;
}

static qns_status check_globs(const kernels_args *a, qns_err *err)
{
    const char *names[64];
    size_t n;
    const qns_bench_kernel *k = qns_bench_kernels(&n);
    for (size_t i = 0; i < n && i < QNS_ARRAY_LEN(names); i++)
        names[i] = k[i].name;
    for (size_t g = 0; g < a->n_globs; g++) {
        bool hit = false;
        for (size_t i = 0; i < n; i++)
            hit |= qns_glob(a->glob[g], k[i].name);
        const int64_t near = hit ? -1 : qns_nearest(a->glob[g], names, n);
        if (!hit)
            QNS_FAIL(err, NOTFOUND, "no kernel is called '%s'%s%s%s", a->glob[g],
                     near >= 0 ? "; the nearest is '" : "", near >= 0 ? names[near] : "",
                     near >= 0 ? "'" : "");
    }
    return QNS_OK;
}

static bool same_variant(const set *a, const set *b, size_t member)
{
    return memcmp((const char *)&a->table + member, (const char *)&b->table + member,
                  sizeof(void (*)(void))) == 0;
}

static qns_status make_rows(bench_state *b, const kernels_args *a, int runs, qns_err *err)
{
    size_t n;
    const qns_bench_kernel *k = qns_bench_kernels(&n);
    QNS_TRY(qns_arena_new((void **)&b->row, b->arena, n * MAX_SETS, sizeof *b->row, err));
    for (size_t i = 0; i < n; i++)
        for (size_t s = 0; wanted(a, k[i].name) && s < b->n_sets; s++) {
            row *r = &b->row[b->n_rows];
            if (s && same_variant(&b->set[s], &b->set[s - 1], k[i].member))
                continue;
            *r = (row){.kernel = &k[i], .set = &b->set[s], .calls = 1};
            QNS_TRY(qns_arena_new((void **)&r->s, b->arena, (size_t)runs, sizeof *r->s, err));
            QNS_TRY(qns_arena_new((void **)&r->limit, b->arena, (size_t)runs, sizeof *r->s, err));
            QNS_TRY(qns_arena_new((void **)&r->share, b->arena, (size_t)runs, sizeof *r->s, err));
            b->n_rows++;
        }
    return QNS_OK;
}

static double timed(const row *r, qns_bench_data *d)
{
    const double start = qns_ui_now();
    for (size_t i = 0; i < r->calls; i++)
        r->kernel->run(&r->set->table, d);
    return (qns_ui_now() - start) / (double)r->calls;
}

static double work(const row *r)
{
    return r->kernel->ops > 0 ? r->kernel->ops : r->kernel->bytes;
}

/* Of arithmetic, what it is now; reading a cache is measured once. */
static double limit_now(const row *r)
{
    if (r->kernel->ops <= 0)
        return r->set->read;
    const qns_bench_peak p = qns_bench_gauge_read(&r->set->gauge);
    return r->kernel->kind == QK_PEAK_F32 ? p.f32 : p.int8_tiles > 0 ? p.int8_tiles : p.int8;
}

static void take_turn(row *r, qns_bench_data *d)
{
    const double before = limit_now(r), s = timed(r, d), limit = fmax(before, limit_now(r));
    r->s[r->n_s] = s;
    r->limit[r->n_s] = limit;
    r->share[r->n_s++] = limit > 0 ? work(r) / s / limit : 0;
}

static qns_status run_rows(bench_state *b, int runs, qns_progress *bar, qns_err *err)
{
    for (size_t i = 0; i < b->n_rows; i++) /* a measurement takes half a millisecond or more */
        while (timed(&b->row[i], &b->data) * (double)b->row[i].calls < 5e-4)
            b->row[i].calls *= 2;
    for (int k = 0; k < runs; k++) {
        qns_progress_at(bar, k, runs);
        if (qns_ui_cancelled(NULL))
            QNS_FAIL(err, CANCELLED, "stopped after %d of %d runs", k, runs);
        for (size_t i = 0; i < b->n_rows; i++)
            take_turn(&b->row[i], &b->data);
    }
    for (size_t i = 0; i < b->n_rows; i++)
        b->row[i].stat = qns_bench_stat_of(b->row[i].s, b->row[i].n_s);
    return QNS_OK;
}

static void print_sets(const bench_state *b)
{
    for (size_t i = 0; i < b->n_sets; i++) {
        const qns_bench_peak p = qns_bench_gauge_read(&b->set[i].gauge);
        if (p.int8 > 0)
            printf("%-6s peak: f32 %.1f GFLOP/s, int8 %.1f GOP/s, L2 read %.1f GB/s\n",
                   b->set[i].name, p.f32 / 1e9, fmax(p.int8, p.int8_tiles) / 1e9,
                   b->set[i].read / 1e9);
    }
}

static double median(double *x, size_t n)
{
    return qns_bench_stat_of(x, n).median;
}

static void print_text(const bench_state *b, unsigned mask)
{
    char text[160];
    qns_bench_machine_text(text, sizeof text, mask);
    printf("%.80s\n", text);
    print_sets(b);
    printf("\n%-18s %-18s %-7s %9s %-5s %6s %10s\n", "kernel", "problem", "isa", "speed", "",
           "peak %", "+- %");
    for (size_t i = 0; i < b->n_rows; i++) {
        const row *r = &b->row[i];
        const double rate = work(r) / r->stat.median;
        char percent[16];
        printf("%-18s %-18s %-7s %9.1f %-5s %6s %10.1f\n", r->kernel->name, r->kernel->shape,
               r->set->name, rate / 1e9, r->kernel->ops > 0 ? "GOP/s" : "GB/s",
               qns_bench_percent(percent, median(r->share, r->n_s)),
               50 * (r->stat.hi - r->stat.lo) / r->stat.median);
    }
    printf("next: qns bench layers MODEL.onnx -j 1\n");
}

static void to_json(json_t *results, const bench_state *b)
{
    for (size_t i = 0; i < b->n_rows; i++) {
        const row *r = &b->row[i];
        json_array_append_new(
            results, json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:o}", "kernel",
                               r->kernel->name, "problem", r->kernel->shape, "isa", r->set->name,
                               "seconds", qns_bench_stat_json(&r->stat), "ops", r->kernel->ops,
                               "bytes", r->kernel->bytes, "peak", median(r->limit, r->n_s),
                               "peak_share", qns_bench_share_json(median(r->share, r->n_s))));
    }
}

static int run(int argc, char **argv)
{
    kernels_args a = {0};
    bench_state b = {0};
    qns_err err = {0};
    qns_progress bar;
    json_t *results = NULL;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "kernels", a.opts.common.quiet);
    const int runs = a.opts.runs ? a.opts.runs : RUNS;
    QNS_TRY_DONE(check_globs(&a, &err));
    QNS_TRY_DONE(qns_arena_create(&b.arena, &err));
    QNS_TRY_DONE(make_memory(&b.data, b.arena, &err));
    fill(&b.data);
    QNS_TRY_DONE(make_sets(&b, a.opts.common.cpu_mask, &err));
    QNS_TRY_DONE(make_rows(&b, &a, runs, &err));
    QNS_TRY_DONE(run_rows(&b, runs, &bar, &err));
    qns_progress_end(&bar);
    if (a.opts.common.json)
        to_json(results = json_array(), &b);
    else
        print_text(&b, a.opts.common.cpu_mask);
done:
    qns_progress_end(&bar);
    qns_bench_finish_json("kernels", results, st == QNS_OK, a.opts.common.cpu_mask);
    qns_arena_free(b.arena);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

const qns_bench qns_bench_kernels_cmd = {"kernels", "[KERNEL...]",
                                         "every kernel with every instruction set", run};
