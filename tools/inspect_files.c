/* SPDX-License-Identifier: MIT */
/* qns inspect, the part about data files, captures and results. */
#include "core/base/mem.h"
#include "core/model/npy.h"
#include "core/model/npz.h"
#include "ns/h5_read.h"
#include "reports/kind.h"
#include "tools/inspect.h"
#include "tools/session.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *shape_json(const qns_shape *s)
{
    json_t *a = json_array();
    for (int32_t i = 0; i < s->rank; i++)
        json_array_append_new(a, json_integer(s->dim[i]));
    return a;
}

/* ---- data ---- */

static void tell_array(json_t *arrays, const char *name, const qns_npy *f)
{
    const qns_shape *s = qns_npy_shape(f);
    if (arrays)
        json_array_append_new(arrays,
                              json_pack("{s:s, s:s, s:o}", "name", name, "dtype",
                                        qns_elem_name(qns_npy_elem(f)), "shape", shape_json(s)));
    else
        printf("  %-24s %-8s %s\n", name, qns_elem_name(qns_npy_elem(f)), qns_shape_str(s).s);
}

static qns_status tell_npz(json_t *arrays, const char *path, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npz *z = NULL;
    QNS_TRY(qns_npz_open(&z, path, err));
    const qns_names *names = qns_npz_names(z);
    for (size_t i = 0; i < names->n && st == QNS_OK; i++) {
        void *p = NULL;
        size_t n;
        qns_npy *f = NULL;
        st = qns_npz_unpack(&p, &n, z, names->at[i], err);
        if (st == QNS_OK)
            st = qns_npy_open_bytes(&f, p, n, names->at[i], err);
        if (st == QNS_OK)
            tell_array(arrays, names->at[i], f);
        qns_npy_close(f);
        qns_free(p);
    }
    qns_npz_close(z);
    return st;
}

qns_status qns_inspect_data(json_t *json, const char *path, const qns_common *c, qns_err *err)
{
    json_t *arrays = json ? json_array() : NULL;
    FILE *f = fopen(path, "rb");
    const bool zip = f && fgetc(f) == 'P';
    qns_npy *a = NULL;
    qns_status st;
    (void)c;
    if (f)
        fclose(f);
    if (!json)
        printf("%s: %s\n", path, zip ? "NumPy archive" : "NumPy array; samples on the first axis");
    if (zip)
        st = tell_npz(arrays, path, err);
    else if ((st = qns_npy_open(&a, path, err)) == QNS_OK)
        tell_array(arrays, "array", a);
    qns_npy_close(a);
    if (json && st == QNS_OK)
        json_array_append_new(
            json, json_pack("{s:s, s:s, s:O}", "file", path, "kind", "data", "arrays", arrays));
    json_decref(arrays);
    return st;
}

/* ---- captures ---- */

/* JSON has no infinities and no NaN. */
static json_t *real_json(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *stats_json(const qns_stats *s)
{
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count",
                     (json_int_t)s->n, "nan", (json_int_t)s->nan, "inf", (json_int_t)s->inf, "min",
                     real_json(s->min), "max", real_json(s->max), "mean", real_json(s->mean), "std",
                     real_json(qns_stats_std(s)), "p0.1", real_json(qns_stats_quantile(s, 0.001)),
                     "median", real_json(qns_stats_quantile(s, 0.5)), "p99.9",
                     real_json(qns_stats_quantile(s, 0.999)));
}

static json_t *capture_json(const char *path, const qns_capture *cap)
{
    const qns_cap_info *info = qns_capture_info(cap);
    json_t *sets = json_array();
    for (uint32_t i = 0; i < qns_capture_n(cap); i++) {
        const qns_cap_data *d = qns_capture_at(cap, i);
        json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:o}", "dataset", d->path, "name", d->name,
                              "op", d->op, "dtype", d->dtype, "shape", shape_json(&d->shape));
        if (d->stats)
            json_object_set_new(j, "statistics", stats_json(d->stats));
        if (d->n_scale)
            json_object_set_new(j, "scale", json_real(d->scale[0]));
        if (d->n_scale)
            json_object_set_new(j, "zero_point", json_integer(d->zero[0]));
        json_array_append_new(sets, j);
    }
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:{s:s, s:s, s:s, s:s}, s:o}",
                     "file", path, "kind", "capture", "complete", info->complete, "model",
                     info->model, "backend", info->backend, "engine", info->engine, "build",
                     info->build, "samples", (json_int_t)info->samples, "identity", "graph",
                     info->graph, "weights", info->weights, "inputs", info->inputs, "qparams",
                     info->qparams, "datasets", sets);
}

static void print_stats(const qns_capture *cap)
{
    printf("%-24s %10s %10s %10s %10s %10s\n", "statistics", "min", "max", "mean", "std",
           "NaN, inf");
    for (uint32_t i = 0; i < qns_capture_n(cap); i++) {
        const qns_cap_data *d = qns_capture_at(cap, i);
        const qns_stats *s = d->stats;
        const size_t len = strlen(d->name);
        if (s)
            printf("%s%-*s %10.4g %10.4g %10.4g %10.4g %10" PRIu64 "\n", len > 24 ? ".." : "",
                   len > 24 ? 22 : 24, len > 24 ? d->name + len - 22 : d->name, s->min, s->max,
                   s->mean, qns_stats_std(s), s->nan + s->inf);
    }
}

static void print_capture(const char *path, const qns_capture *cap, bool verbose)
{
    const qns_cap_info *info = qns_capture_info(cap);
    uint32_t n[QNS_GROUP_COUNT] = {0}, codes = 0;
    for (uint32_t i = 0; i < qns_capture_n(cap); i++) {
        n[qns_capture_at(cap, i)->group]++;
        codes += qns_capture_at(cap, i)->group == QNS_GROUP_ACTIVATION &&
                 qns_capture_at(cap, i)->n_scale > 0;
    }
    printf("%s: capture%s\n", path,
           info->version == 0 ? " of another program"
           : info->complete   ? ""
                              : ", INCOMPLETE: it was interrupted or is still being written");
    if (*info->model)
        printf("model     %s%s%s, engine %s, %s\n", info->model, *info->backend ? ", backend " : "",
               info->backend, info->engine, info->build);
    printf("samples   %" PRId64 "\n", info->samples);
    printf("datasets  %u activations (%u of them codes), %u weights, %u biases, %u inputs\n",
           n[QNS_GROUP_ACTIVATION], codes, n[QNS_GROUP_WEIGHT], n[QNS_GROUP_BIAS],
           n[QNS_GROUP_INPUT]);
    if (n[QNS_GROUP_STATISTICS] > 0)
        printf("          statistics of %u values\n", n[QNS_GROUP_STATISTICS]);
    if (*info->graph)
        printf("identity  graph   %s\n          weights %s\n          inputs  %s\n", info->graph,
               info->weights, info->inputs);
    for (uint32_t i = 0; i < info->n_skipped; i++)
        printf("skipped   %s\n", info->skipped[i]);
    if (n[QNS_GROUP_STATISTICS] > 0)
        print_stats(cap);
    for (uint32_t i = 0; verbose && i < qns_capture_n(cap); i++) {
        const qns_cap_data *d = qns_capture_at(cap, i);
        printf("  %-46s %-8s %s\n", d->path, d->dtype, qns_shape_str(&d->shape).s);
    }
}

qns_status qns_inspect_capture(json_t *json, const char *path, const qns_common *c, qns_err *err)
{
    qns_capture *cap;
    QNS_TRY(qns_capture_open(&cap, path, err));
    if (json)
        json_array_append_new(json, capture_json(path, cap));
    else
        print_capture(path, cap, c->verbose);
    qns_capture_close(cap);
    return QNS_OK;
}

/* ---- results ---- */

/* Absent texts are left out. */
static json_t *result_json(const char *path, const char *kind, const qns_gist *f)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i}", "file", path, "kind", kind, "reference",
                          *f->ref ? f->ref : f->test, "test", f->test, "samples",
                          (json_int_t)f->samples, "layers", (int)f->layers);
    if (*f->was)
        json_object_set_new(j, "before", json_string(f->was));
    if (*f->outcome)
        json_object_set_new(j, "outcome", json_string(f->outcome));
    return j;
}

qns_status qns_inspect_result(json_t *json, const char *path, const qns_common *c, qns_err *err)
{
    qns_any_result any = {0};
    qns_gist f;
    (void)c;
    QNS_TRY(qns_any_load(&any, path, err));
    any.kind->gist(&f, any.of);
    if (json)
        json_array_append_new(json, result_json(path, any.kind->name, &f));
    else {
        printf("%s: %s of %s%s%s%s%s, %u layers, %" PRId64 " samples, made by qns %s\n", path,
               any.kind->name, f.test, *f.was ? " against " : "", f.was, *f.ref ? " with " : "",
               f.ref, f.layers, f.samples, f.qns);
        if (*f.outcome)
            printf("outcome   %s\n", f.outcome);
    }
    qns_any_free(&any);
    return QNS_OK;
}
