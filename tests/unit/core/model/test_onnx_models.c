/* SPDX-License-Identifier: MIT */
/* Real models, when the collection is beside the checkout: they import, give the reference outputs,
 * and keep both when written and read again. */
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/exec/plan.h"
#include "core/model/npy.h"
#include "core/model/onnx_read.h"
#include "core/model/onnx_write.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLES = 8 };

typedef struct model {
    char name[40], data[40];
    float mean[3], scale[3]; /* per channel of the input: (x - mean) * scale */
    int channels;            /* 1: the file's order is kept; 3: N H W C becomes N C H W */
    bool bgr;
} model;

static model models[] = {
    {"squeezenet1.1", "imagenet/eval_images", {104, 117, 123}, {1, 1, 1}, 3, true},
    {"mobilenet_v1_0.75_224",
     "imagenet/eval_images",
     {127.5F, 127.5F, 127.5F},
     {1 / 127.5F, 1 / 127.5F, 1 / 127.5F},
     3,
     false},
    {"resnet8_cifar10", "cifar10/eval_images", {0, 0, 0}, {1, 1, 1}, 3, false},
    {"resnet20_cifar10",
     "cifar10/eval_images",
     {0.485F * 255, 0.456F * 255, 0.406F * 255},
     {1 / (0.229F * 255), 1 / (0.224F * 255), 1 / (0.225F * 255)},
     3,
     false},
    {"dscnn_kws12", "kws_mfcc/eval_mfcc_int8", {83}, {0.5847029089927673F}, 1, false},
    {"fashion_cnn", "fashion_mnist/eval_images", {0}, {1 / 255.0F}, 1, false},
    {"mnist_cnn", "mnist/t10k-images-idx3-ubyte", {0}, {1}, 1, false},
};

static bool have(const char *path)
{
    if (qns_file_exists(path))
        return true;
    cr_skip_test("there is no '%s'", path);
    return false;
}

/* The first bytes of the raw images, as floats; the collection has uint8, int8 and one IDX file. */
static float *load_raw(const model *m, size_t n)
{
    char path[300];
    float *x = calloc(n, sizeof *x);
    if (strstr(m->data, "idx3")) {
        snprintf(path, sizeof path, "%s/data/%s", QNS_SHARED_DIR, m->data);
        uint8_t *bytes = calloc(n, 1);
        FILE *f = fopen(path, "rb");
        cr_assert(f && fseek(f, 16, SEEK_SET) == 0 && fread(bytes, 1, n, f) == n);
        for (size_t i = 0; i < n; i++)
            x[i] = bytes[i];
        fclose(f);
        free(bytes);
        return x;
    }
    void *all;
    qns_shape s;
    qns_err err = {0};
    snprintf(path, sizeof path, "%s/data/%s.npy", QNS_SHARED_DIR, m->data);
    cr_assert_eq(qns_npy_load(&all, &s, path, QNS_F32, &err), QNS_OK, "%s", err.text);
    cr_assert_geq(qns_shape_count(&s), n);
    memcpy(x, all, n * sizeof *x);
    qns_free(all);
    return x;
}

static void fill_input(float *out, const model *m, const float *raw, size_t n)
{
    const size_t c = (size_t)m->channels, hw = n / c;
    for (size_t p = 0; p < hw; p++)
        for (size_t k = 0; k < c; k++) {
            const size_t from = m->bgr ? c - 1 - k : k;
            out[k * hw + p] = (raw[p * c + from] - m->mean[k]) * m->scale[k];
        }
}

/* Largest difference to the reference, in units of its largest number. */
static double run(const qns_graph *g, const model *m, const float *raw, const float *want)
{
    qns_err err = {0};
    qns_plan *plan;
    double worst = 0, top = 0;
    const qns_exec_opts o = {.engine = QNS_ENGINE_ONEDNN, .cpu_mask = ~0U, .threads = 2};
    cr_assert_eq(qns_plan_create(&plan, g, &o, &err), QNS_OK, "%s: %s", err.trail, err.text);
    qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    qns_tensor out = qns_graph_tensor(g, qns_graph_output(g, 0));
    const size_t n_in = qns_tensor_count(&in), n_out = qns_tensor_count(&out);
    in.layout = out.layout = QNS_ROW;
    in.data = calloc(n_in, sizeof(float));
    out.data = calloc(n_out, sizeof(float));
    for (int s = 0; s < SAMPLES; s++) {
        fill_input(in.data, m, raw + (size_t)s * n_in, n_in);
        cr_assert_eq(qns_plan_run(&out, plan, &in, s, &err), QNS_OK, "%s", err.text);
        for (size_t i = 0; i < n_out; i++) {
            const double w = (double)want[(size_t)s * n_out + i];
            worst = fmax(worst, fabs((double)qns_f32(&out)[i] - w));
            top = fmax(top, fabs(w));
        }
    }
    free(in.data);
    free(out.data);
    qns_plan_free(plan);
    return worst / top;
}

static qns_graph *again(const qns_graph *g)
{
    char path[64];
    qns_err err = {0};
    qns_graph *h = NULL;
    snprintf(path, sizeof path, "/tmp/qns_onnx_models_%ld", (long)getpid());
    cr_assert_eq(qns_onnx_write(path, g, true, &err), QNS_OK, "%s: %s", err.trail, err.text);
    cr_assert_eq(qns_onnx_read(&h, path, NULL, &err), QNS_OK, "%s: %s", err.trail, err.text);
    unlink(path);
    return h;
}

static void same(const qns_graph *x, const qns_graph *y)
{
    qns_digest t[2], c[2];
    cr_assert_eq(qns_graph_digest(&t[0], &c[0], x, NULL), QNS_OK);
    cr_assert_eq(qns_graph_digest(&t[1], &c[1], y, NULL), QNS_OK);
    cr_expect(qns_digest_equal(&t[0], &t[1]) && qns_digest_equal(&c[0], &c[1]));
}

ParameterizedTestParameters(onnx_models, outputs)
{
    return cr_make_param_array(model, models, QNS_ARRAY_LEN(models));
}

ParameterizedTest(model *m, onnx_models, outputs)
{
    char path[300];
    qns_err err = {0};
    qns_graph *g = NULL;
    void *want;
    qns_shape s;
    snprintf(path, sizeof path, "%s/models/%s.onnx", QNS_SHARED_DIR, m->name);
    if (!have(path))
        return;
    cr_assert_eq(qns_onnx_read(&g, path, NULL, &err), QNS_OK, "%s: %s", err.trail, err.text);
    snprintf(path, sizeof path, "%s/models/ref/%s.out8.npy", QNS_SHARED_DIR, m->name);
    cr_assert_eq(qns_npy_load(&want, &s, path, QNS_F32, &err), QNS_OK, "%s", err.text);
    const qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    const qns_tensor out = qns_graph_tensor(g, qns_graph_output(g, 0));
    cr_assert_eq(qns_shape_count(&s), SAMPLES * qns_tensor_count(&out));
    float *raw = load_raw(m, SAMPLES * qns_tensor_count(&in));
    const double error = run(g, m, raw, want);
    cr_expect_lt(error, 1e-4, "%s: %g", m->name, error);

    qns_graph *h = again(g), *i = again(h);
    const double error2 = run(h, m, raw, want);
    cr_expect_eq(error2, error, "%s: %g, then %g", m->name, error, error2);
    same(h, i);
    qns_graph_free(i);
    qns_graph_free(h);
    qns_graph_free(g);
    qns_free(want);
    free(raw);
}

Test(onnx_models, quantized_ones_import_and_survive)
{
    static const char *const name[] = {"mobilenet_v2_1.0_224_qdq", "resnet8_cifar10_qdq",
                                       "dscnn_kws12_qdq"};
    for (size_t k = 0; k < QNS_ARRAY_LEN(name); k++) {
        char path[300];
        qns_err err = {0};
        qns_graph *g = NULL;
        snprintf(path, sizeof path, "%s/models/%s.onnx", QNS_SHARED_DIR, name[k]);
        if (!have(path))
            return;
        cr_assert_eq(qns_onnx_read(&g, path, NULL, &err), QNS_OK, "%s: %s", err.trail, err.text);
        qns_graph *h = again(g), *i = again(h);
        same(h, i);
        qns_graph_free(i);
        qns_graph_free(h);
        qns_graph_free(g);
    }
}
