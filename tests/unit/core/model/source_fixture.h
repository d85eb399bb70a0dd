/* SPDX-License-Identifier: MIT */
/* What the tests of input data share: a folder, a graph of inputs, small files, and how an opening
 * that must succeed or fail is checked. */
#ifndef QNS_SOURCE_FIXTURE_H
#define QNS_SOURCE_FIXTURE_H

#include "core/base/file.h"
#include "core/graph/builder.h"
#include "core/model/npy.h"
#include "core/model/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test, which is a process of its own. */
static char dir[64];

static inline void enter(void)
{
    snprintf(dir, sizeof dir, "/tmp/qns_source_%ld", (long)getpid());
    cr_assert_eq(mkdir(dir, 0700), 0);
    cr_assert_eq(chdir(dir), 0);
}

static inline void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_assert_eq(system(command), 0);
}

typedef struct in_spec {
    const char *name;
    qns_dtype dtype;
    qns_shape shape;
} in_spec;

/* A graph of inputs only, each of which is an output, too. */
static inline qns_graph *graph_of(const in_spec *in, size_t n)
{
    qns_gb *gb = NULL;
    qns_graph *g = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_gb_create(&gb, "t", NULL, &err), QNS_OK, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        qns_vid v;
        cr_assert_eq(qns_gb_input(&v, gb, in[i].name, in[i].dtype, &in[i].shape, &err), QNS_OK);
        cr_assert_eq(qns_gb_output(gb, v, &err), QNS_OK);
    }
    cr_assert_eq(qns_gb_finish(&g, gb, &err), QNS_OK, "%s", err.text);
    return g;
}

static inline void write_npy(const char *path, qns_dtype dtype, const void *data, qns_shape shape)
{
    union {
        const void *in;
        void *out;
    } p = {data};
    const qns_tensor t = {.dtype = dtype, .shape = shape, .data = p.out};
    cr_assert_eq(qns_npy_write(path, &t, NULL), QNS_OK);
}

static inline void write_text(const char *path, const char *text)
{
    cr_assert_eq(qns_file_write(path, text, strlen(text), NULL), QNS_OK);
}

/* Samples [2, 2, 2, 3], channels last: element [s, y, x, c] is 100 s + 10 c + 2 y + x. */
static inline void write_images(const char *path)
{
    uint8_t v[24];
    int n = 0;
    for (int s = 0; s < 2; s++)
        for (int p = 0; p < 4; p++)
            for (int c = 0; c < 3; c++)
                v[n++] = (uint8_t)(100 * s + 10 * c + p);
    write_npy(path, QNS_U8, v, (qns_shape){4, {2, 2, 2, 3}});
}

static inline qns_source *opened(const qns_graph *g, const char *spec)
{
    qns_err err = {0};
    qns_source *s = NULL;
    cr_assert_eq(qns_source_open(&s, g, &spec, 1, NULL, 0, &err), QNS_OK, "%s: %s", err.trail,
                 err.text);
    return s;
}

static inline void refused(const qns_graph *g, const char *spec, const char *labels,
                           qns_status code, const char *want)
{
    qns_err err = {0};
    qns_source *s = NULL;
    char all[1100];
    const qns_status st = qns_source_open(&s, g, &spec, 1, labels, 0, &err);
    snprintf(all, sizeof all, "%s: %s", err.trail, err.text);
    cr_assert_eq(st, code, "'%s' gave %s: %s", spec, qns_status_text(st), all);
    cr_assert_null(s);
    cr_assert(strstr(all, want), "'%s' does not say '%s'", all, want);
}

static inline void check_floats(qns_source *s, int64_t sample, const float *want, size_t n)
{
    float x[64];
    qns_err err = {0};
    qns_tensor t = {.dtype = QNS_F32, .data = x};
    cr_assert_eq(qns_source_get(&t, s, sample, &err), QNS_OK, "%s", err.text);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(x[i], want[i], "element %zu is %g, not %g", i, (double)x[i], (double)want[i]);
}

#endif
