/* SPDX-License-Identifier: MIT */
/* qns bench compare: two captures and two sets of weights, beside reading memory. */
#include "core/base/mem.h"
#include "ns/capture.h"
#include "ns/compare.h"
#include "ns/compare/sums.h"
#include "tools/bench_flow.h"
#include "tools/ui.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct argp_child children[] = {{&qns_flow_argp, 0, 0, 0}, {0}};
static const struct argp argp = {
    .args_doc = "FLOAT.onnx QUANT.onnx -d DATA",
    .children = children,
    .doc = "Comparison of two full captures that the page cache holds, of weights alone, and the "
           "loop that sums up metrics, beside reading memory. Bytes are those of both files.\vThe "
           "captures are made in --folder and removed.\n\n"
           "Example: qns bench compare model.onnx quant.onnx -d eval.yaml --limit 8"};

enum { WEIGHTS = 2 }; /* where their files stand in f->path */

static qns_status make_captures(qns_flow *f, unsigned what, qns_err *err)
{
    for (size_t m = 0; m < 2; m++) {
        qns_flow_way w = {.model = m, .what = what};
        f->samples = f->all_samples;
        QNS_TRY(qns_flow_capture(f, &w, err));
    }
    return QNS_OK;
}

static qns_status make_weights(qns_flow *f, qns_err *err)
{
    QNS_TRY(make_captures(f, QNS_WHAT_WEIGHTS, err));
    for (size_t m = 0; m < 2; m++) {
        char *to = f->path[WEIGHTS + m];
        snprintf(to, sizeof f->path[0], "%.1080s.weights.h5", f->path[m]);
        if (rename(f->path[m], to) != 0)
            QNS_FAIL(err, IO, "cannot rename '%s'", f->path[m]);
    }
    return QNS_OK;
}

static qns_status compare(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    qns_result *r = NULL;
    const qns_compare_opts o = {.threads = f->threads};
    const size_t at = w->what == QNS_WHAT_WEIGHTS ? WEIGHTS : 0;
    w->bytes = 0;
    for (size_t i = at; i < at + 2; i++) {
        struct stat s;
        if (stat(f->path[i], &s) == 0)
            w->bytes += (double)s.st_size;
    }
    const qns_status st = qns_compare(&r, f->path[at], f->path[at + 1], &o, err);
    qns_result_free(r);
    return st;
}

/* Without the models, as in `qns compare`: children that try a file begin as copies of all that is
 * in memory. */
static qns_status prepare(qns_flow *f, qns_err *err)
{
    QNS_TRY(make_weights(f, err));
    QNS_TRY(make_captures(f, 0, err));
    for (size_t m = 0; m < 2; m++)
        qns_session_close(&f->session[m]);
    qns_flow_add(f, "compare", compare);
    return QNS_OK;
}

static qns_status time_weights(double *best, qns_flow *f, qns_err *err)
{
    qns_flow_way w = {.name = "weights", .what = QNS_WHAT_WEIGHTS};
    *best = INFINITY;
    for (int i = 0; i < 7; i++) {
        const double start = qns_ui_now();
        QNS_TRY(compare(f, &w, err));
        if (qns_ui_now() - start < *best)
            *best = qns_ui_now() - start;
    }
    return QNS_OK;
}

/* Bytes of both tensors a second, from memory that no cache holds. */
static qns_status sums_rate(double *best, unsigned cpu_mask, qns_err *err)
{
    const size_t n = qns_bench_dram_size() / 2 / sizeof(float) / QNS_SUMS_BLOCK * QNS_SUMS_BLOCK;
    qns_status st = QNS_OK;
    qns_sums s;
    qk_table k;
    float *ref = qns_malloc64(n * sizeof *ref), *test = qns_malloc64(n * sizeof *test);
    if (!ref || !test)
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes", 2 * n * sizeof *ref);
    for (size_t i = 0; i < n; i++) {
        ref[i] = (float)(i % 1000) - 500.0f;
        test[i] = ref[i] + (float)(i % 7);
    }
    *best = 0;
    qk_table_init(&k, cpu_mask);
    for (int i = 0; i < 3; i++) {
        const double start = qns_ui_now();
        qns_sums_init(&s);
        qns_sums_add(&s, &k, ref, test, n, NULL);
        const double rate = 2 * (double)(n * sizeof *ref) / (qns_ui_now() - start);
        if (rate > *best)
            *best = rate;
    }
done:
    qns_free(ref);
    qns_free(test);
    return st;
}

static qns_status conclude(qns_flow *f, qns_err *err)
{
    double weights = 0, sums = 0, dram = 0;
    char text[200];
    const double rate = qns_flow_rate(&f->way[0]) / f->threads;
    QNS_TRY(time_weights(&weights, f, err));
    QNS_TRY(sums_rate(&sums, f->args->opts.common.cpu_mask, err));
    QNS_TRY(qns_bench_read_rate(&dram, qns_bench_dram_size(), f->args->opts.common.cpu_mask, err));
    snprintf(text, sizeof text, "comparing reads %.2f GB/s a thread; memory gives one %.1f GB/s",
             rate / 1e9, dram / 1e9);
    qns_flow_say(f, "compare_rate_per_thread", rate, text);
    snprintf(text, sizeof text, "weights alone: %.1f ms", 1e3 * weights);
    qns_flow_say(f, "weights_seconds", weights, text);
    snprintf(text, sizeof text,
             "the sums of all metrics read %.1f GB/s from memory, one thread: %.0f %% of that",
             sums / 1e9, 100 * sums / dram);
    qns_flow_say(f, "sums_rate", sums, text);
    if (f->findings)
        qns_flow_say(f, "memory_read_rate", dram, "");
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    static const qns_flow_plan plan = {prepare, conclude, 5};
    qns_flow_args a = {.need = 2, .what = "compare"};
    argp_parse(&argp, argc, argv, 0, 0, &a);
    return qns_flow_main(&a, &plan);
}

const qns_bench qns_bench_compare_cmd = {"compare", "FLOAT.onnx QUANT.onnx -d DATA",
                                         "compare beside reading memory", run};
