/* SPDX-License-Identifier: MIT */
/* Small captures for tests: a chain of layers with known values. */
#ifndef QNS_TEST_CAP_HELP_H
#define QNS_TEST_CAP_HELP_H

#include "core/base/rng.h"
#include "core/graph/qparams.h"
#include "ns/h5_write.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CH = 4, SIDE = 6, COUNT = CH * SIDE * SIDE, LAYERS = 5, CLASSES = 10 };

static char folder[64];

static inline void make_folder(void)
{
    strcpy(folder, "/tmp/qns-test-");
    memset(folder + strlen(folder), 'X', 6); /* mkdtemp fills these in */
    cr_assert(mkdtemp(folder));
}

static inline void drop_folder(void)
{
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    cr_assert_eq(system(cmd), 0);
}

static const char *in_folder(const char *name)
{
    static char path[8][128];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        err = (qns_err){0};                                                                        \
        const qns_status st_ = (call);                                                             \
        cr_assert_eq(st_, QNS_OK, "%s: %s", err.trail, err.text);                                  \
    } while (0)

/* The call fails with this code, and the message contains the text. */
#define FAILS(call, want, words)                                                                   \
    do {                                                                                           \
        err = (qns_err){0};                                                                        \
        const qns_status st_ = (call);                                                             \
        cr_assert_eq(st_, want, "%s: %s (%s)", err.trail, err.text, qns_status_text(st_));         \
        cr_assert(strstr(err.text, words) || strstr(err.trail, words), "'%s: %s' has no '%s'",     \
                  err.trail, err.text, words);                                                     \
    } while (0)

typedef struct spec {           /* of a capture */
    int64_t samples, first;     /* ids first ... */
    const char *source_weights; /* NULL: 32 times 'a' */
    const char *inputs;         /* salt of the sample digests */
    bool quantized, incomplete, no_labels;
    qns_compress compress;
    /* A layer that goes wrong, and how. */
    int bad_layer; /* -1: none */
    enum { FINE, GAIN, NAN_ONE, CLIP, DEAD } fault;
    bool stretched; /* weights of layer 2 have one wide channel, quantized per tensor */
    int skip_layer; /* not captured; -1: none */
} spec;

static const spec plain = {.samples = 12, .inputs = "x", .bad_layer = -1, .skip_layer = -1};

/* Value of layer l, sample id, element i: the same for every capture. */
static void layer_values(float *x, int l, int64_t id, size_t n)
{
    qns_rng r;
    qns_rng_seed(&r, (uint64_t)(l * 1000 + id));
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * qns_rng_unit(&r) - 0.5);
}

static const double step_of = 2.0 / 255;

static uint8_t code_of(float x)
{
    const double q = rint((double)x / step_of) + 64;
    return (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
}

static void spoil(float *x, const spec *s, int l, size_t n)
{
    if (l != s->bad_layer)
        return;
    for (size_t i = 0; i < n; i++) {
        if (s->fault == GAIN)
            x[i] *= 1.5f;
        if (s->fault == CLIP && x[i] > 0.5f)
            x[i] = 0.5f;
        if (s->fault == DEAD)
            x[i] = 0;
    }
    if (s->fault == NAN_ONE)
        x[3] = NAN;
}

static size_t layer_count(int l)
{
    return l == LAYERS - 1 ? CLASSES : COUNT;
}

static qns_shape layer_shape(int l)
{
    return l == LAYERS - 1 ? (qns_shape){2, {1, CLASSES}} : (qns_shape){4, {1, CH, SIDE, SIDE}};
}

static void add_weights(qns_cap_writer *w, const spec *s, int l, const qns_cap_desc *of)
{
    enum { OUT = 8, IN = 30 };
    static float x[OUT * IN];
    static int8_t q[OUT * IN];
    static double scale[OUT];
    static const int32_t zero[OUT];
    qns_err err;
    char name[32];
    snprintf(name, sizeof name, "/layer%d/weight", l);
    layer_values(x, 100 + l, 0, OUT * IN);
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++)
            x[o * IN + i] = (x[o * IN + i] - 0.5f) * (s->stretched && l == 2 && o == 7 ? 20 : 1);
    const bool per_tensor = s->stretched && l == 2;
    for (int o = 0; o < OUT; o++)
        scale[o] = per_tensor ? 20.0 / 127 : 1.0 / 127;
    for (int i = 0; i < OUT * IN; i++)
        q[i] = (int8_t)fmax(-127, fmin(127, rint((double)x[i] / scale[i / IN])));
    const qns_qparams qp = {QNS_I8, per_tensor ? -1 : 0, per_tensor ? 1 : OUT, scale, zero};
    qns_cap_desc d = *of;
    d.group = QNS_GROUP_WEIGHT;
    d.name = d.value_origin = name;
    d.activation = of->value_origin;
    d.macs = 0;
    d.output = -1;
    d.dtype = s->quantized ? QNS_I8 : QNS_F32;
    d.shape = (qns_shape){2, {OUT, IN}};
    d.qp = s->quantized ? &qp : NULL;
    OK(qns_cap_tensor(w, &d, s->quantized ? (void *)q : (void *)x, &err));
}

static qns_cap_writer *begin_capture(const char *path, const spec *s, uint32_t column[LAYERS])
{
    static const int32_t zero[1] = {64};
    static const double scale[1] = {2.0 / 255};
    static const qns_qparams qp = {QNS_U8, -1, 1, scale, zero};
    qns_err err;
    qns_cap_writer *w = NULL;
    const char *weights =
        s->source_weights ? s->source_weights : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const qns_cap_facts f = {.samples = s->samples,
                             .labels = !s->no_labels,
                             .model = s->quantized ? "q.onnx" : "f.onnx",
                             .weights = s->quantized ? "" : weights,
                             .source_weights = weights};
    OK(qns_cap_create(&w, path, &f, s->compress, &err));
    for (int l = 0; l < LAYERS; l++) {
        char name[2][32], node[16], from[32];
        const char *origin[2] = {node, name[1]}, *inputs[1] = {from};
        if (l == s->skip_layer)
            continue;
        snprintf(node, sizeof node, "conv%d", l);
        snprintf(from, sizeof from, "/layer%d/relu_out", l - 1);
        snprintf(name[0], sizeof name[0], "/layer%d/relu_out%s", l, s->quantized ? "_q" : "");
        snprintf(name[1], sizeof name[1], "/layer%d/relu_out", l);
        qns_cap_desc d = {.group = QNS_GROUP_ACTIVATION,
                          .name = name[0],
                          .node = node,
                          .op = "conv",
                          .value_origin = name[1],
                          .origin = origin,
                          .n_origin = 2,
                          .inputs = inputs,
                          .n_inputs = l > 0,
                          .index = l,
                          .output = l == LAYERS - 1 ? 0 : -1,
                          .macs = 100,
                          .dtype = s->quantized ? QNS_U8 : QNS_F32,
                          .shape = layer_shape(l),
                          .qp = s->quantized ? &qp : NULL};
        /* A float layer in the quantized model, so that NaN can be stored. */
        if (l == s->bad_layer && s->fault == NAN_ONE) {
            d.dtype = QNS_F32;
            d.qp = NULL;
        }
        OK(qns_cap_column(&column[l], w, &d, &err));
        add_weights(w, s, l, &d);
    }
    return w;
}

static inline qns_status append(qns_cap_writer *w, uint32_t column, qns_dtype type, int l, void *x,
                                qns_err *err)
{
    const qns_tensor t = {.dtype = type, .shape = layer_shape(l), .data = x};
    return qns_cap_append(w, 0, column, &t, err);
}

static void add_sample(qns_cap_writer *w, const spec *s, const uint32_t column[LAYERS], int64_t id)
{
    static float x[COUNT];
    static uint8_t q[COUNT];
    qns_err err;
    OK(qns_cap_begin(w, 0, &err));
    for (int l = 0; l < LAYERS; l++) {
        const size_t n = layer_count(l);
        if (l == s->skip_layer)
            continue;
        layer_values(x, l, id, n);
        spoil(x, s, l, n);
        for (size_t i = 0; i < n; i++)
            q[i] = isnan(x[i]) ? 0 : code_of(x[i]);
        const bool codes = s->quantized && !(l == s->bad_layer && s->fault == NAN_ONE);
        OK(append(w, column[l], codes ? QNS_U8 : QNS_F32, l, codes ? (void *)q : (void *)x, &err));
    }
    char salt[64];
    snprintf(salt, sizeof salt, "%s %lld", s->inputs, (long long)id);
    const qns_digest d = qns_digest_of(salt, strlen(salt));
    OK(qns_cap_sample(w, 0, id, &d, id % CLASSES, &err));
}

static inline void write_capture(const char *path, const spec *s)
{
    uint32_t column[LAYERS];
    qns_err err;
    qns_cap_writer *w = begin_capture(path, s, column);
    for (int64_t i = 0; i < s->samples; i++)
        add_sample(w, s, column, s->first + i);
    if (s->incomplete) {
        char partial[160];
        int64_t n = 0;
        cr_assert(qns_cap_abandon(&n, w));
        cr_assert_eq(n, s->samples);
        snprintf(partial, sizeof partial, "%s.partial", path);
        cr_assert_eq(rename(partial, path), 0);
        return;
    }
    OK(qns_cap_commit(w, &err));
}

#endif
