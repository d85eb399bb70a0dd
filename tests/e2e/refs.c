/* SPDX-License-Identifier: MIT */
/* Runs a float model over samples and compares its outputs with reference outputs.
 *
 *     usage: refs MODEL [-d DIM=SIZE] -i INPUT=FILE.npy ... -r OUTPUT=FILE.npy ... [-f
 * OUTPUT=INPUT]
 *
 * Sample k of a file is its k-th entry of the first axis. An input without a file starts at 0; with
 * -f it gets an output of the sample before (streaming models). Every sample of every reference
 * must agree: max |difference| <= 1e-4 max |reference|. Exit 0 or 1. */
#include "core/base/mem.h"
#include "core/exec/plan.h"
#include "core/model/npy.h"
#include "core/model/onnx_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_IO = 16 };

typedef struct io {
    qns_tensor t;
    void *all; /* the samples of the file, one behind the other; NULL: none */
    int64_t samples;
    int from; /* of an input: the output that is fed back, or -1 */
} io;

typedef struct job {
    qns_graph *g;
    qns_plan *plan;
    io in[MAX_IO], out[MAX_IO];
    uint32_t n_in, n_out;
    int64_t samples;
    double worst;
} job;

static void die(const char *what, const qns_err *err)
{
    fprintf(stderr, "refs: %s%s%s %s\n", what, err ? ": " : "", err ? err->trail : "",
            err ? err->text : "");
    exit(1);
}

static int find(const job *j, bool out, const char *name, size_t len)
{
    for (uint32_t i = 0; i < (out ? j->n_out : j->n_in); i++) {
        const char *s =
            qns_graph_value(j->g, out ? qns_graph_output(j->g, i) : qns_graph_input(j->g, i))->name;
        if (strlen(s) == len && memcmp(s, name, len) == 0)
            return (int)i;
    }
    die(name, NULL);
    return -1;
}

static void open_io(io *x, const qns_value *v)
{
    x->t = (qns_tensor){.dtype = v->dtype, .shape = v->shape};
    x->t.data = qns_calloc(qns_tensor_bytes(&x->t) + 1, 1);
    x->from = -1;
    if (!x->t.data)
        die("out of memory", NULL);
}

static void open_job(job *j, const char *path, const char *const *dim, size_t n_dim)
{
    qns_err err = {0};
    const qns_onnx_opts opts = {.dim = dim, .n_dim = n_dim};
    const qns_exec_opts exec = {.cpu_mask = ~0u};
    if (qns_onnx_read(&j->g, path, &opts, &err) != QNS_OK ||
        qns_plan_create(&j->plan, j->g, &exec, &err) != QNS_OK)
        die(path, &err);
    j->n_in = qns_graph_n_inputs(j->g);
    j->n_out = qns_graph_n_outputs(j->g);
    if (j->n_in > MAX_IO || j->n_out > MAX_IO)
        die("too many inputs or outputs", NULL);
    for (uint32_t i = 0; i < j->n_in; i++)
        open_io(&j->in[i], qns_graph_value(j->g, qns_graph_input(j->g, i)));
    for (uint32_t i = 0; i < j->n_out; i++)
        open_io(&j->out[i], qns_graph_value(j->g, qns_graph_output(j->g, i)));
}

/* "NAME=FILE" */
static void load(job *j, bool out, const char *arg)
{
    const char *eq = strrchr(arg, '=');
    qns_err err = {0};
    qns_shape s;
    if (!eq)
        die(arg, NULL);
    io *x = &(out ? j->out : j->in)[find(j, out, arg, (size_t)(eq - arg))];
    if (qns_npy_load(&x->all, &s, eq + 1, x->t.dtype, &err) != QNS_OK)
        die(arg, &err);
    x->samples = s.rank ? s.dim[0] : 0;
    if (qns_shape_count(&s) != (size_t)x->samples * qns_tensor_count(&x->t))
        die("the file does not have whole samples", NULL);
    if (!out)
        j->samples = x->samples;
}

static bool agrees(job *j, const io *x, int64_t sample)
{
    const size_t n = qns_tensor_count(&x->t);
    const float *want = (const float *)x->all + (size_t)sample * n, *got = qns_cf32(&x->t);
    double top = 0, diff = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)got[i] - (double)want[i]);
        top = fmax(top, fabs((double)want[i]));
        diff = isnan(d) ? INFINITY : fmax(diff, d);
    }
    j->worst = fmax(j->worst, diff == 0 ? 0 : diff / top);
    if (diff <= 1e-4 * top)
        return true;
    printf("sample %lld: largest difference %g, largest reference %g\n", (long long)sample, diff,
           top);
    return false;
}

static int run_all(job *j)
{
    qns_tensor in[MAX_IO], out[MAX_IO];
    qns_err err = {0};
    int64_t compared = 0;
    int bad = 0;
    for (int64_t s = 0; s < j->samples; s++) {
        for (uint32_t i = 0; i < j->n_in; i++) {
            io *x = &j->in[i];
            const size_t size = qns_tensor_bytes(&x->t);
            if (x->all)
                memcpy(x->t.data, (char *)x->all + (size_t)s * size, size);
            else if (s && x->from >= 0)
                memcpy(x->t.data, j->out[x->from].t.data, size);
            in[i] = x->t;
        }
        for (uint32_t i = 0; i < j->n_out; i++)
            out[i] = j->out[i].t;
        if (qns_plan_run(out, j->plan, in, s, &err) != QNS_OK)
            die("running", &err);
        for (uint32_t i = 0; i < j->n_out; i++)
            if (j->out[i].all && s < j->out[i].samples) {
                bad += !agrees(j, &j->out[i], s);
                compared++;
            }
    }
    printf("%lld outputs compared, %d differ, largest relative difference %.2g\n",
           (long long)compared, bad, j->worst);
    return bad || compared == 0;
}

int main(int argc, char **argv)
{
    static job j;
    const char *dim[16];
    size_t n_dim = 0;
    int opt;
    while ((opt = getopt(argc, argv, "d:i:r:f:")) != -1)
        if (opt == 'd' && n_dim < 16)
            dim[n_dim++] = optarg;
    if (optind + 1 != argc)
        return fputs("usage: refs [-d DIM=SIZE] -i INPUT=NPY -r OUTPUT=NPY [-f OUT=IN] MODEL\n",
                     stderr),
               64;
    open_job(&j, argv[optind], dim, n_dim);
    optind = 1;
    while ((opt = getopt(argc, argv, "d:i:r:f:")) != -1) {
        const char *eq = strrchr(optarg, '=');
        if (opt == 'i' || opt == 'r')
            load(&j, opt == 'r', optarg);
        else if (opt == 'f' && eq)
            j.in[find(&j, false, eq + 1, strlen(eq + 1))].from =
                find(&j, true, optarg, (size_t)(eq - optarg));
    }
    const int rc = run_all(&j);
    qns_plan_free(j.plan);
    qns_graph_free(j.g);
    for (uint32_t i = 0; i < MAX_IO; i++) {
        qns_free(j.in[i].t.data);
        qns_free(j.in[i].all);
        qns_free(j.out[i].t.data);
        qns_free(j.out[i].all);
    }
    return rc;
}
