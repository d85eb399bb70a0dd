/* SPDX-License-Identifier: MIT */
/* qns bench capture: writing all activations, beside the plain run and beside plain writing. */
#include "core/base/mem.h"
#include "tools/bench_flow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct argp_child children[] = {{&qns_flow_argp, 0, 0, 0}, {0}};
static const struct argp argp = {
    .args_doc = "MODEL.onnx [MODEL.onnx] -d DATA",
    .children = children,
    .doc = "Capture of all weights and activations of one or two models, beside the plain run of "
           "the same samples (one after the other, each layer on all threads), beside running them "
           "side by side as a capture does, and beside writing as many bytes to a file with "
           "nothing else to do.\vFiles go to --folder; what the page cache takes is measured, not "
           "the disk.\n\n"
           "Example: qns bench capture model.onnx -d eval.yaml --limit 32"};

enum { WAYS = 4 }; /* of a model */

/* The bytes of the capture before it, in blocks of 1 MiB. */
static qns_status raw_write(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    enum { BLOCK = 1 << 20 };
    const double bytes = w[-1].bytes;
    const char *path = f->path[w->model];
    qns_status st = QNS_OK;
    char *block = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        QNS_FAIL(err, IO, "cannot create '%s': %s", path, strerror(errno));
    QNS_TRY_DONE(qns_new((void **)&block, BLOCK, 1, err));
    memset(block, 1, BLOCK);
    for (w->bytes = 0; w->bytes < bytes; w->bytes += BLOCK)
        if (write(fd, block, BLOCK) != BLOCK)
            QNS_FAIL_DONE(err, IO, "cannot write '%s': %s", path, strerror(errno));
done:
    qns_free(block);
    close(fd);
    return st;
}

static qns_status prepare(qns_flow *f, qns_err *err)
{
    static const char *const names[2][WAYS] = {
        {"plain run", "side by side", "capture", "raw write"},
        {"plain run, 2", "side by side, 2", "capture, 2", "raw write, 2"}};
    static const qns_flow_run runs[WAYS] = {qns_flow_plain, qns_flow_side_by_side, qns_flow_capture,
                                            raw_write};
    (void)err;
    for (size_t m = 0; m < f->args->n_models; m++)
        for (size_t i = 0; i < WAYS; i++) {
            qns_flow_way *w = qns_flow_add(f, names[m][i], runs[i]);
            w->model = m;
            w->writes = i > 1;
        }
    return QNS_OK;
}

static qns_status conclude(qns_flow *f, qns_err *err)
{
    char text[200];
    (void)err;
    for (size_t i = 0; i < f->n_ways; i += WAYS) {
        const qns_flow_way *w = &f->way[i];
        const double plain = w[0].stat.median, side = w[1].stat.median;
        const double capture = w[2].stat.median, raw = w[3].stat.median;
        const double floor = side + raw / f->threads,
                     share = qns_flow_rate(&w[2]) / qns_flow_rate(&w[3]);
        snprintf(text, sizeof text, "%s: capture takes %.2f x the plain run",
                 qns_bench_file_name(f->args->model[w->model]), capture / plain);
        qns_flow_say(f, i ? "capture_over_plain_2" : "capture_over_plain", capture / plain, text);
        snprintf(text, sizeof text,
                 "  %.2f x samples side by side with raw write, shared by the threads",
                 capture / floor);
        qns_flow_say(f, i ? "capture_over_floor_2" : "capture_over_floor", capture / floor, text);
        snprintf(text, sizeof text, "  and moves %.0f %% of what raw writing moves in its time",
                 100 * share);
        qns_flow_say(f, i ? "capture_share_of_raw_2" : "capture_share_of_raw", share, text);
    }
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    static const qns_flow_plan plan = {prepare, conclude, 5};
    qns_flow_args a = {.need = 1, .what = "capture"};
    argp_parse(&argp, argc, argv, 0, 0, &a);
    return qns_flow_main(&a, &plan);
}

const qns_bench qns_bench_capture_cmd = {"capture", "MODEL.onnx... -d DATA",
                                         "capture beside the plain run and raw writing", run};
