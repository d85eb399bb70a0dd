/* SPDX-License-Identifier: MIT */
/* ONNX nodes on codes: what the reader makes of them, and that the integer graph behind gives what
 * a plain loop over the codes gives. */
#include "tests/unit/core/model/onnx_build.h"
#include "tests/unit/core/quant/net.h"

#include "core/model/onnx_write.h"
#include "core/quant/lower.h"

#include <math.h>
#include <unistd.h>

static void scalar_f32(build *b, const char *name, float v)
{
    b_init(b, b_raw(b, name, B_TYPE(FLOAT), &v, sizeof v, 0, NULL));
}

static void scalar_u8(build *b, const char *name, uint8_t v)
{
    b_init(b, b_raw(b, name, B_TYPE(UINT8), &v, 1, 0, NULL));
}

/* "<name>s" and "<name>z". */
static void params(build *b, const char *name, float scale, uint8_t zero)
{
    char text[32];
    snprintf(text, sizeof text, "%ss", name);
    scalar_f32(b, text, scale);
    snprintf(text, sizeof text, "%sz", name);
    scalar_u8(b, text, zero);
}

/* Opens a model whose input "x" of this shape is quantized to "q". */
static void open_model(build *b, size_t rank, const int64_t *dim)
{
    b_open(b, 13);
    b_opset(b, "com.microsoft", 1);
    b_input(b, "x", B_TYPE(FLOAT), rank, dim);
    params(b, "q", 0.05F, 120);
    b_node(b, "QuantizeLinear", "quantize", "x,qs,qz", "q");
}

static Onnx__NodeProto *microsoft(build *b, const char *type, const char *in)
{
    Onnx__NodeProto *n = b_node(b, type, "node", in, "y");
    n->domain = b_text(b, "com.microsoft");
    return n;
}

/* Reads, lowers, runs; the output "y" is uint8 codes. Returns the graph that ran. */
static qns_graph *run_model(uint8_t *y, build *b, const float *x, const char *op)
{
    qns_err err = {0};
    qns_graph *lowered, *g;
    b_output(b, "y");
    g = b_graph(b, NULL);
    const qns_backend *be = qns_backend_find("onnxruntime");
    cr_assert_eq(qns_lower(&lowered, g, be, &err), QNS_OK, "%s", err.text);
    uint32_t n_int = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(lowered); i++) {
        const qns_node *n = qns_graph_node(lowered, (qns_nid){i});
        n_int +=
            strcmp(n->op->name, op) == 0 && qns_graph_value(lowered, n->out[0])->dtype == QNS_U8;
    }
    cr_assert_eq(n_int, 1, "there is no integer %s", op);
    net_eval(y, lowered, be, x, NULL);
    qns_graph_free(lowered);
    return g;
}

static uint8_t input_code(float x)
{
    return (uint8_t)fminf(fmaxf(rintf(x / 0.05F) + 120, 0), 255);
}

static uint8_t code(double v, double scale, int zero)
{
    return (uint8_t)fmin(fmax(rint(v / scale) + zero, 0), 255);
}

static void random_input(float *x, uint8_t *q, size_t n, uint64_t seed)
{
    qns_rng rng;
    qns_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(12 * qns_rng_unit(&rng) - 6);
        q[i] = input_code(x[i]);
    }
}

/* uint8 weights with a zero point for each channel, int32 bias; one pixel windows. */
Test(qoperator, convolution)
{
    enum { IN = 5, OUT = 4, PIXELS = 6 };
    const float ws[OUT] = {0.01F, 0.02F, 0.005F, 0.03F};
    const uint8_t wz[OUT] = {128, 3, 200, 255};
    const int32_t bias[OUT] = {100, -3000, 5, 0};
    uint8_t w[OUT * IN], q[IN * PIXELS], y[OUT * PIXELS];
    float x[IN * PIXELS];
    build b;
    for (int i = 0; i < OUT * IN; i++)
        w[i] = (uint8_t)(i * 37);
    random_input(x, q, IN * PIXELS, 1);
    open_model(&b, B_DIMS(1, IN, 2, 3));
    b_init(&b, b_raw(&b, "w", B_TYPE(UINT8), w, sizeof w, B_DIMS(OUT, IN, 1, 1)));
    b_init(&b, b_raw(&b, "ws", B_TYPE(FLOAT), ws, sizeof ws, B_DIMS(OUT)));
    b_init(&b, b_raw(&b, "wz", B_TYPE(UINT8), wz, sizeof wz, B_DIMS(OUT)));
    b_init(&b, b_raw(&b, "b", B_TYPE(INT32), bias, sizeof bias, B_DIMS(OUT)));
    params(&b, "y", 0.11F, 90);
    b_node(&b, "QLinearConv", "node", "q,qs,qz,w,ws,wz,ys,yz,b", "y");
    qns_graph *g = run_model(y, &b, x, "conv");
    for (int o = 0; o < OUT; o++)
        for (int p = 0; p < PIXELS; p++) {
            int32_t sum = bias[o];
            for (int c = 0; c < IN; c++)
                sum += (q[c * PIXELS + p] - 120) * (w[o * IN + c] - wz[o]);
            const float v = rintf((float)sum * (0.05F * ws[o] / 0.11F)) + 90;
            cr_expect_eq(y[o * PIXELS + p], (uint8_t)fminf(fmaxf(v, 0), 255), "channel %d", o);
        }
    qns_graph_free(g);
    b_close(&b);
}

/* The constant matrix is [K, N] in the file: by QLinearMatMul, by MatMul and by Gemm. */
Test(qoperator, products_of_matrices)
{
    enum { M = 3, K = 7, N = 4 };
    const uint8_t wz = 131;
    uint8_t w[K * N], q[M * K], y[M * N];
    float x[M * K];
    for (int i = 0; i < K * N; i++)
        w[i] = (uint8_t)(i * 41);
    random_input(x, q, M * K, 2);
    for (int form = 0; form < 3; form++) {
        build b;
        open_model(&b, B_DIMS(M, K));
        b_init(&b, b_raw(&b, "w", B_TYPE(UINT8), w, sizeof w, B_DIMS(K, N)));
        params(&b, "w", 0.02F, wz);
        params(&b, "y", 0.2F, 100);
        if (form == 0)
            b_node(&b, "QLinearMatMul", "node", "q,qs,qz,w,ws,wz,ys,yz", "y");
        else {
            b_node(&b, "DequantizeLinear", "dq", "q,qs,qz", "xf");
            b_node(&b, "DequantizeLinear", "dqw", "w,ws,wz", "wf");
            b_node(&b, form == 1 ? "MatMul" : "Gemm", "node", "xf,wf", "yf");
            b_node(&b, "QuantizeLinear", "qy", "yf,ys,yz", "y");
        }
        qns_graph *g = run_model(y, &b, x, "linear");
        for (int i = 0; i < M * N; i++) {
            int32_t sum = 0;
            for (int k = 0; k < K; k++)
                sum += (q[i / N * K + k] - 120) * (w[k * N + i % N] - wz);
            const float v = rintf((float)sum * (0.05F * 0.02F / 0.2F)) + 100;
            cr_expect_eq(y[i], (uint8_t)fminf(fmaxf(v, 0), 255), "form %d", form);
        }
        qns_graph_free(g);
        b_close(&b);
    }
}

/* One step of difference is allowed at a tie only, so none is for these scales. */
Test(qoperator, sums_products_and_joins)
{
    enum { N = 24 };
    static const char *const types[] = {"QLinearAdd", "QLinearMul", "QLinearConcat"};
    static const char *const ops[] = {"add", "mul", "concat"};
    uint8_t q[N], y[2 * N], c[N];
    float x[N];
    random_input(x, q, N, 3);
    for (int i = 0; i < N; i++)
        c[i] = (uint8_t)(i * 11);
    for (int t = 0; t < 3; t++) {
        build b;
        open_model(&b, B_DIMS(1, N));
        b_init(&b, b_raw(&b, "c", B_TYPE(UINT8), c, sizeof c, B_DIMS(1, N)));
        params(&b, "c", 0.037F, 50);
        params(&b, "y", 0.0913F, 70);
        if (t < 2)
            microsoft(&b, types[t], "q,qs,qz,c,cs,cz,ys,yz");
        else
            b_int(&b, microsoft(&b, types[t], "ys,yz,q,qs,qz,c,cs,cz"), "axis", 1);
        qns_graph *g = run_model(y, &b, x, ops[t]);
        for (int i = 0; i < N; i++) {
            const double u = 0.05 * (q[i] - 120), v = 0.037 * (c[i] - 50);
            cr_expect_eq(y[i],
                         code(t == 0   ? u + v
                              : t == 1 ? u * v
                                       : u,
                              0.0913, 70),
                         "%s, %d", types[t], i);
            if (t == 2)
                cr_expect_eq(y[N + i], code(v, 0.0913, 70));
        }
        qns_graph_free(g);
        b_close(&b);
    }
}

Test(qoperator, functions_of_one_number)
{
    enum { N = 32 };
    static const char *const types[] = {"QLinearSigmoid", "QLinearLeakyRelu",
                                        "QLinearGlobalAveragePool"};
    static const char *const ops[] = {"sigmoid", "leaky_relu", "global_avgpool"};
    uint8_t q[N], y[N];
    float x[N];
    random_input(x, q, N, 4);
    for (int t = 0; t < 3; t++) {
        build b;
        double mean = 0;
        open_model(&b, B_DIMS(1, 2, 4, 4));
        params(&b, "y", t == 0 ? 0.00391F : 0.0213F, t == 0 ? 0 : 33);
        Onnx__NodeProto *n = microsoft(&b, types[t], "q,qs,qz,ys,yz");
        if (t >= 2)
            b_int(&b, n, "channels_last", 0);
        qns_graph *g = run_model(y, &b, x, ops[t]);
        for (int i = 0; i < N; i++) {
            const double v = 0.05 * (q[i] - 120);
            if (t == 0)
                cr_expect_eq(y[i], code(1 / (1 + exp(-v)), 0.00391, 0));
            if (t == 1)
                cr_expect_eq(y[i], code(v < 0 ? 0.01 * v : v, 0.0213, 33));
            mean += v / 16;
            if (t == 2 && i % 16 == 15) {
                cr_expect_eq(y[i / 16], code(mean, 0.0213, 33));
                mean = 0;
            }
        }
        qns_graph_free(g);
        b_close(&b);
    }
}

/* Export stays Q/DQ: the graph that was read has no integer operators, and its codes are called as
 * in the file. */
Test(qoperator, reads_as_quantize_and_dequantize)
{
    uint8_t y[8];
    float x[8] = {0};
    build b;
    open_model(&b, B_DIMS(1, 8));
    params(&b, "y", 0.1F, 0);
    microsoft(&b, "QLinearAdd", "q,qs,qz,q,qs,qz,ys,yz");
    qns_graph *g = run_model(y, &b, x, "add");
    cr_expect(qns_is_qdq(g));
    cr_expect_eq(b_find(g, "y")->dtype, QNS_U8);
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        if (strcmp(n->op->name, "add") == 0)
            cr_expect_eq(qns_graph_value(g, n->in[0])->dtype, QNS_F32);
    }
    qns_graph_free(g);
    b_close(&b);
}

/* What is read can be written, as Q/DQ, and read again: same codes. */
Test(qoperator, writes_as_quantize_and_dequantize)
{
    enum { M = 3, K = 7, N = 4 };
    uint8_t w[K * N], q[M * K], y[M * N], again[M * N];
    float x[M * K];
    char path[64];
    qns_err err = {0};
    build b;
    for (int i = 0; i < K * N; i++)
        w[i] = (uint8_t)(i * 53);
    random_input(x, q, M * K, 5);
    open_model(&b, B_DIMS(M, K));
    b_init(&b, b_raw(&b, "w", B_TYPE(UINT8), w, sizeof w, B_DIMS(K, N)));
    params(&b, "w", 0.02F, 131);
    params(&b, "m", 0.2F, 100);
    params(&b, "y", 0.3F, 9);
    b_node(&b, "QLinearMatMul", "product", "q,qs,qz,w,ws,wz,ms,mz", "m");
    microsoft(&b, "QLinearAdd", "m,ms,mz,m,ms,mz,ys,yz");
    qns_graph *g = run_model(y, &b, x, "linear"), *read, *lowered;
    snprintf(path, sizeof path, "/tmp/qns_qoperator_%ld.onnx", (long)getpid());
    cr_assert_eq(qns_onnx_write(path, g, false, &err), QNS_OK, "%s %s", err.trail, err.text);
    cr_assert_eq(qns_onnx_read(&read, path, NULL, &err), QNS_OK, "%s", err.text);
    remove(path);
    const qns_backend *be = qns_backend_find("onnxruntime");
    cr_assert_eq(qns_lower(&lowered, read, be, &err), QNS_OK, "%s", err.text);
    net_eval(again, lowered, be, x, NULL);
    cr_expect_arr_eq(again, y, sizeof y);
    qns_graph_free(lowered);
    qns_graph_free(read);
    qns_graph_free(g);
    b_close(&b);
}

Test(qoperator, refuses)
{
    static const struct {
        const char *type, *in, *text;
        qns_status st;
    } cases[] = {
        {"QLinearAdd", "q,qs,qz,q,qs,qz,,yz", "a scale, is missing", QNS_E_FORMAT},
        {"QLinearAdd", "q,qs,qz,q,qs,qz", "a scale, is missing", QNS_E_FORMAT},
        {"QLinearSigmoid", "q,qs,qz,x,yz", "must be a constant", QNS_E_UNSUPPORTED},
        {"QLinearSigmoid", "q,bad,qz,ys,yz", "scale", QNS_E_DATA},
        {"QLinearConcat", "ys,yz,q", "needs 5", QNS_E_FORMAT},
        {"QLinearGlobalAveragePool", "q,qs,qz,ys,yz", "channels_last", QNS_E_UNSUPPORTED},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(cases); i++) {
        build b;
        open_model(&b, B_DIMS(1, 2, 4, 4));
        params(&b, "y", 0.1F, 0);
        scalar_f32(&b, "bad", 0);
        Onnx__NodeProto *n = microsoft(&b, cases[i].type, cases[i].in);
        if (strstr(cases[i].type, "Pool"))
            b_int(&b, n, "channels_last", 1);
        if (strstr(cases[i].type, "Concat"))
            b_int(&b, n, "axis", 1);
        b_output(&b, "y");
        b_refused(&b, NULL, cases[i].st, cases[i].text, "node 'node'");
        b_close(&b);
    }
}
