/* SPDX-License-Identifier: MIT */
/* The capture of a run: what the tap sees is what the file holds, cancelling, globs, policies. */
#include "core/graph/builder.h"
#include "core/graph/op.h"
#include "ns/capture.h"
#include "ns/h5_read.h"
#include "tests/unit/ns/cap_help.h"

#include <math.h>

TestSuite(capture, .init = make_folder, .fini = drop_folder);

enum { SAMPLES = 9 };
static const qns_shape shape = {4, {1, 2, 3, 3}};

static qns_vid add(qns_gb *gb, const char *name, qns_vid a, qns_vid b)
{
    static const char attr[256];
    const qns_vid in[2] = {a, b};
    qns_vid out;
    qns_err err;
    const qns_node_spec s = {.op = qns_op_find("add"),
                             .name = name,
                             .attr = attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = 2,
                             .n_out = 1,
                             .out_name = &name};
    OK(qns_gb_node(&out, gb, &s, &err));
    return out;
}

/* x -> /a/sum = 2x -> b = 4x */
static qns_graph *small_graph(void)
{
    qns_gb *gb;
    qns_graph *g;
    qns_vid x;
    qns_err err;
    OK(qns_gb_create(&gb, "small", NULL, &err));
    OK(qns_gb_input(&x, gb, "x", QNS_F32, &shape, &err));
    const qns_vid a = add(gb, "/a/sum", x, x), b = add(gb, "b", a, a);
    OK(qns_gb_output(gb, b, &err));
    OK(qns_gb_finish(&g, gb, &err));
    return g;
}

/* Sample s, element i is s + i / 100. */
static void write_npy(const char *path)
{
    char head[128];
    FILE *f = fopen(path, "wb");
    const int n =
        snprintf(head, sizeof head,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 2, 3, 3), }", SAMPLES);
    const uint16_t len = 118;
    memset(head + n, ' ', (size_t)(len - 1 - n));
    head[len - 1] = '\n';
    fwrite("\x93NUMPY\x01\x00", 1, 8, f);
    fwrite(&len, 2, 1, f);
    fwrite(head, 1, len, f);
    for (int s = 0; s < SAMPLES; s++)
        for (int i = 0; i < 18; i++) {
            const float v = (float)s + (float)i / 100;
            fwrite(&v, 4, 1, f);
        }
    fclose(f);
}

static qns_graph *graph;
static qns_plan *plan;
static qns_source *source;

static void open_all(void)
{
    qns_err err;
    const char *data = in_folder("x.npy");
    const qns_exec_opts o = {.cpu_mask = ~0u, .threads = 1};
    write_npy(data);
    graph = small_graph();
    OK(qns_plan_create(&plan, graph, &o, &err));
    OK(qns_source_open(&source, graph, &data, 1, NULL, 0, &err));
}

static void close_all(void)
{
    qns_source_close(source);
    qns_plan_free(plan);
    qns_graph_free(graph);
}

static int64_t stop_at;

static bool cancel(void *ctx)
{
    (void)ctx;
    return stop_at-- == 0;
}

static void values(int lanes)
{
    qns_err err;
    qns_capture *c = NULL;
    qns_capture_stats stats;
    float out[18];
    const qns_capture_opts o = {
        .what = QNS_WHAT_OUTPUTS | QNS_WHAT_INPUTS, .model = "small", .lanes = lanes};
    open_all();
    OK(qns_capture_run(&stats, in_folder("c.h5"), plan, source, &o, &err));
    cr_assert_eq(stats.samples, SAMPLES);
    cr_assert_eq(stats.activations, 3);
    OK(qns_capture_open(&c, in_folder("c.h5"), &err));
    cr_assert_eq(qns_capture_n(c), 3);
    cr_assert(qns_capture_info(c)->complete);
    cr_assert_str_eq(qns_capture_info(c)->weights, qns_capture_info(c)->source_weights);
    for (uint32_t i = 0; i < 3; i++) {
        const qns_cap_data *d = qns_capture_at(c, i);
        const float gain = d->group == QNS_GROUP_INPUT ? 1 : strcmp(d->node, "b") == 0 ? 4 : 2;
        cr_assert_eq(d->output, gain == 4 ? 0 : -1);
        if (gain == 2)
            cr_assert_str_eq(d->path, "activations/a.sum");
        for (int s = 0; s < SAMPLES; s++) {
            const qns_cap_part p = {i, s, 1, 0, 18};
            OK(qns_capture_read(out, c, &p, &err));
            for (int k = 0; k < 18; k++)
                cr_assert_eq(out[k], gain * ((float)s + (float)k / 100));
        }
    }
    qns_capture_close(c);
    close_all();
}

Test(capture, values)
{
    for (int lanes = 0; lanes <= 4; lanes++)
        values(lanes);
}

/* Samples that were on their way beside the last one do not count. */
static void cancelled(int lanes)
{
    qns_err err;
    qns_capture *c = NULL;
    const qns_capture_opts o = {.cancelled = cancel, .lanes = lanes};
    open_all();
    stop_at = 4;
    FAILS(qns_capture_run(NULL, in_folder("c.h5"), plan, source, &o, &err), QNS_E_CANCELLED,
          "4 whole samples");
    cr_assert_neq(access(in_folder("c.h5"), F_OK), 0);
    OK(qns_capture_open(&c, in_folder("c.h5.partial"), &err));
    cr_assert_eq(qns_capture_info(c)->samples, 4);
    cr_assert_not(qns_capture_info(c)->complete);
    qns_capture_close(c);
    /* The plan can be used again, and a file without samples is not left behind. */
    stop_at = 0;
    unlink(in_folder("c.h5.partial"));
    FAILS(qns_capture_run(NULL, in_folder("c.h5"), plan, source, &o, &err), QNS_E_CANCELLED,
          "stop");
    cr_assert_neq(access(in_folder("c.h5.partial"), F_OK), 0);
    close_all();
}

Test(capture, cancelled)
{
    for (int lanes = 1; lanes <= 4; lanes++)
        cancelled(lanes);
}

Test(capture, spread)
{
    qns_err err;
    qns_capture *c = NULL;
    const qns_capture_opts o = {.policy = QNS_CAPTURE_SAMPLE, .sample_n = 3};
    open_all();
    OK(qns_capture_run(NULL, in_folder("c.h5"), plan, source, &o, &err));
    OK(qns_capture_open(&c, in_folder("c.h5"), &err));
    cr_assert_eq(qns_capture_info(c)->samples, 3);
    cr_assert_eq(qns_capture_info(c)->id[1], 3);
    cr_assert_eq(qns_capture_info(c)->id[2], 6);
    qns_capture_close(c);
    close_all();
}

/* The same plan, without the values: all samples are in the numbers. */
Test(capture, statistics)
{
    qns_err err;
    qns_capture *c = NULL;
    qns_capture_stats stats;
    const qns_capture_opts o = {.policy = QNS_CAPTURE_STATS,
                                .what = QNS_WHAT_OUTPUTS | QNS_WHAT_INPUTS};
    open_all();
    OK(qns_capture_run(&stats, in_folder("c.h5"), plan, source, &o, &err));
    cr_assert_eq(stats.samples, SAMPLES);
    cr_assert_eq(stats.activations, 3);
    OK(qns_capture_open(&c, in_folder("c.h5"), &err));
    cr_assert_eq(qns_capture_info(c)->samples, SAMPLES);
    cr_assert_eq(qns_capture_n(c), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const qns_cap_data *d = qns_capture_at(c, i);
        cr_assert_eq(d->group, QNS_GROUP_STATISTICS);
        const float gain = *d->node == '\0' ? 1 : strcmp(d->node, "b") == 0 ? 4 : 2;
        cr_assert_eq(d->stats->n, 18u * SAMPLES);
        cr_assert_eq(d->stats->min, 0);
        cr_assert_eq((float)d->stats->max, gain * ((float)(SAMPLES - 1) + 0.17F));
        const double mean = (double)gain * ((SAMPLES - 1) / 2.0 + 0.085);
        cr_assert(fabs(d->stats->mean - mean) < 1e-5, "%g, not %g", d->stats->mean, mean);
        cr_assert(fabs(qns_stats_quantile(d->stats, 0.5) - mean) < (double)gain);
    }
    qns_capture_close(c);
    stop_at = 4;
    const qns_capture_opts stopped = {.policy = QNS_CAPTURE_STATS, .cancelled = cancel};
    FAILS(qns_capture_run(NULL, in_folder("d.h5"), plan, source, &stopped, &err), QNS_E_CANCELLED,
          "stopped");
    cr_assert_neq(access(in_folder("d.h5.partial"), F_OK), 0);
    close_all();
}

Test(capture, refused)
{
    qns_err err;
    const char *globs[] = {"/a/sun"};
    const qns_capture_opts layers = {.layers = globs, .n_layers = 1};
    open_all();
    FAILS(qns_capture_run(NULL, in_folder("c.h5"), plan, source, &layers, &err), QNS_E_NOTFOUND,
          "did you mean '/a/sum'");
    FAILS(qns_capture_run(NULL, "/nowhere/c.h5", plan, source, NULL, &err), QNS_E_IO,
          "No such file or directory");
    close_all();
}
