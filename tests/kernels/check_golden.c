/* SPDX-License-Identifier: MIT */
/* The kernels against the golden vectors of the specification: quantize (Q_fb8), add (both formulas
 * in one run), linear (gemm and requant together, FBGEMM and QNNPACK). Skipped with a message where
 * the vectors are absent. */
#include "check.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define DIR QNS_SHARED_DIR "/goldens/"

typedef struct golden {
    json_t *doc;
    zip_t *zip;
    json_t *one; /* the case being looked at */
} golden;

typedef struct array {
    char *bytes, *data; /* the file, and what follows its header */
    size_t n;           /* elements */
    size_t shape[2];    /* of a matrix */
} array;

static golden golden_open(const char *name)
{
    char path[512];
    golden g;

    snprintf(path, sizeof path, DIR "%s.json", name);
    if (access(path, R_OK))
        cr_skip_test("no golden vectors in " DIR);
    g.doc = json_load_file(path, 0, NULL);
    snprintf(path, sizeof path, DIR "%s.npz", name);
    g.zip = zip_open(path, ZIP_RDONLY, NULL);
    cr_assert(g.doc && g.zip, "'%s' is damaged", path);
    return g;
}

static void golden_close(golden *g)
{
    zip_discard(g->zip);
    json_decref(g->doc);
}

/* A C-order NPY of version 1; data is NULL when the case has no such array. */
static array golden_array(const golden *g, const char *field, size_t element)
{
    const char *key = json_string_value(json_object_get(json_object_get(g->one, "arrays"), field));
    array a = {0};
    char name[64];
    zip_stat_t st;

    if (!key)
        return a;
    snprintf(name, sizeof name, "%s.npy", key);
    cr_assert_eq(zip_stat(g->zip, name, 0, &st), 0, "'%s' is missing", name);
    zip_file_t *f = zip_fopen(g->zip, name, 0);
    a.bytes = malloc(st.size + 1);
    cr_assert(f && a.bytes && zip_fread(f, a.bytes, st.size) == (zip_int64_t)st.size);
    zip_fclose(f);
    const size_t header = 10 + (uint8_t)a.bytes[8] + 256u * (uint8_t)a.bytes[9];
    cr_assert(header <= st.size && !memcmp(a.bytes, "\x93NUMPY\x01", 7));
    a.data = a.bytes + header;
    a.n = (st.size - header) / element;
    a.bytes[header - 1] = '\0';
    const char *shape = strstr(a.bytes + 10, "'shape': (");
    cr_assert(shape != NULL);
    a.shape[0] = a.shape[1] = 1;
    sscanf(shape + 10, "%zu, %zu", &a.shape[0], &a.shape[1]);
    return a;
}

static void array_free(array *a)
{
    free(a->bytes);
}

static double real(const golden *g, const char *name)
{
    json_t *v = json_object_get(g->one, name);

    cr_assert(json_is_number(v), "'%s' is missing", name);
    return json_number_value(v);
}

static int32_t integer(const golden *g, const char *name)
{
    return (int32_t)real(g, name);
}

static bool is(const golden *g, const char *name, const char *value)
{
    const char *s = json_string_value(json_object_get(g->one, name));
    return s && !strcmp(s, value);
}

/* Calls f for every case of a kind and every mask; f returns how many elements it compared. */
static void each(const char *file, const char *kind, const char *kind2,
                 size_t (*f)(const golden *g, const qk_table *t))
{
    golden g = golden_open(file);
    json_t *cases = json_object_get(g.doc, "cases");
    size_t n_compared = 0;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        g.one = json_array_get(cases, i);
        if (!is(&g, "kind", kind) && !is(&g, "kind", kind2))
            continue;
        for (unsigned mask = 0; mask < 8; mask++) {
            qk_table t;
            qk_table_init(&t, mask);
            n_compared += f(&g, &t);
        }
    }
    cr_assert_gt(n_compared, 1000, "nothing was compared");
    golden_close(&g);
}

static void same(const golden *g, const void *got, const array *want, const char *what)
{
    const uint8_t *p = got, *q = (const uint8_t *)want->data;

    for (size_t i = 0; i < want->n; i++)
        cr_assert_eq(p[i], q[i], "%s, case of '%s', element %zu: %d, golden %d", what,
                     json_string_value(json_object_get(json_object_get(g->one, "arrays"), what)), i,
                     p[i], q[i]);
}

static size_t quantize(const golden *g, const qk_table *t)
{
    const float scale = (float)real(g, "scale");
    const int32_t zero = integer(g, "zero_point");
    const bool is_signed = is(g, "dtype", "s8");

    if (is(g, "dtype", "s32"))
        return 0;
    array x = golden_array(g, "x", 4), want = golden_array(g, "q_fbgemm", 1);
    array native = golden_array(g, "q_native", 1), dq = golden_array(g, "dq_of_native", 4);
    float *in = malloc(x.n * 4), *back = malloc(x.n * 4);
    uint8_t *out = malloc(x.n);
    const size_t n = x.n;

    memcpy(in, x.data, n * 4);
    if (is_signed) {
        t->quantize_s8((int8_t *)out, in, n, 1.0f / scale, zero);
        t->dequantize_s8(back, (const int8_t *)native.data, n, scale, zero);
    } else {
        t->quantize_u8(out, in, n, 1.0f / scale, zero);
        t->dequantize_u8(back, (const uint8_t *)native.data, n, scale, zero);
    }
    same(g, out, &want, "q_fbgemm");
    cr_assert_eq(memcmp(back, dq.data, n * 4), 0, "dequantized values differ");
    free(out);
    free(back);
    free(in);
    array_free(&dq);
    array_free(&native);
    array_free(&want);
    array_free(&x);
    return n;
}

Test(golden, quantize)
{
    each("quantize", "per_tensor", "", quantize);
}

static size_t add(const golden *g, const qk_table *t)
{
    array a = golden_array(g, "a", 1), b = golden_array(g, "b", 1);
    array want = golden_array(g, "add_native", 1);
    const qk_add p = {.scale_a = (float)real(g, "a_scale"),
                      .scale_b = (float)real(g, "b_scale"),
                      .inv_out = 1.0f / (float)real(g, "out_scale_add"),
                      .zero_a = integer(g, "a_zp"),
                      .zero_b = integer(g, "b_zp"),
                      .zero_out = integer(g, "out_zp"),
                      .relu = integer(g, "relu") != 0};
    const size_t n = a.n;
    uint8_t *out = malloc(n);

    t->add_u8(out, (const uint8_t *)a.data, (const uint8_t *)b.data, n, &p);
    same(g, out, &want, "add_native");
    free(out);
    array_free(&want);
    array_free(&b);
    array_free(&a);
    return n;
}

Test(golden, add)
{
    each("elementwise", "binary", "binary_ties", add);
}

/* One linear layer; the parameters are made here as spec sections 4.1 and 4.2 say. */
typedef struct linear {
    size_t m, n, k;
    array x, w, scales, zeros, bias;
    uint8_t *rows_of_x;
    const uint8_t **rows;
    int8_t *packed;
    int32_t *acc, *col_sum, *row_sum, *offset, *zero_w;
    float *mult, *scaled_bias;
    uint8_t *out;
} linear;

static linear linear_new(const golden *g, const qk_table *t)
{
    linear l = {.x = golden_array(g, "x_q", 1),
                .w = golden_array(g, "w_q", 1),
                .scales = golden_array(g, "w_scales", 8),
                .zeros = golden_array(g, "w_zero_points", 8),
                .bias = golden_array(g, "bias", 4)};
    l.m = l.x.shape[0];
    l.k = l.x.shape[1];
    l.n = l.w.shape[0];
    const size_t k4 = (l.k + 3) / 4 * 4;
    l.rows_of_x = calloc(l.m, k4);
    l.rows = calloc(l.m, sizeof *l.rows);
    l.packed = malloc(qk_pack_s8_size(l.n, l.k));
    l.acc = calloc(l.m * l.n, 4);
    l.row_sum = calloc(l.m, 4);
    l.col_sum = calloc(l.n, 4);
    l.offset = calloc(l.n, 4);
    l.zero_w = calloc(l.n, 4);
    l.mult = calloc(l.n, 4);
    l.scaled_bias = calloc(l.n, 4);
    l.out = calloc(l.m, l.n);
    for (size_t i = 0; i < l.m; i++) {
        l.rows[i] = memcpy(l.rows_of_x + i * k4, l.x.data + i * l.k, l.k);
        for (size_t k = 0; k < l.k; k++)
            l.row_sum[i] += l.rows[i][k];
    }
    qk_pack_s8(l.packed, l.col_sum, (const int8_t *)l.w.data, l.n, l.k);
    t->gemm_u8s8(l.acc, l.n, l.rows, l.m, l.packed, l.n, l.k);
    return l;
}

static void linear_free(linear *l)
{
    void *const owned[] = {l->rows_of_x, (void *)l->rows, l->packed, l->acc,
                           l->row_sum,   l->col_sum,      l->offset, l->zero_w,
                           l->mult,      l->scaled_bias,  l->out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    array_free(&l->bias);
    array_free(&l->zeros);
    array_free(&l->scales);
    array_free(&l->w);
    array_free(&l->x);
}

/* offset and zero_w from the zero points; x: of the input. */
static void zero_points(linear *l, int32_t x)
{
    for (size_t j = 0; j < l->n; j++) {
        int64_t zero = 0;
        if (l->zeros.data)
            memcpy(&zero, l->zeros.data + 8 * (l->zeros.n > 1 ? j : 0), 8);
        l->zero_w[j] = (int32_t)zero;
        l->offset[j] = -x * l->col_sum[j] + (int32_t)l->k * x * (int32_t)zero;
    }
}

static size_t linear_fbgemm(const golden *g, const qk_table *t)
{
    linear l = linear_new(g, t);
    array want = golden_array(g, "y_fbgemm", 1);
    const bool per_channel = integer(g, "per_channel") != 0;
    const float out_scale = (float)real(g, "out_scale"), x_scale = (float)real(g, "x_scale");
    qk_requant rq = {.scheme = QK_RQ_FBGEMM,
                     .per_channel = per_channel,
                     .mult = l.mult,
                     .bias = l.bias.data ? l.scaled_bias : NULL,
                     .prescaled = per_channel,
                     .offset = l.offset,
                     .zero_w = l.zero_w,
                     .zero = integer(g, "out_zero_point"),
                     .hi = 255};

    zero_points(&l, integer(g, "x_zero_point"));
    for (size_t j = 0; j < l.n; j++) {
        double scale;
        float bias = 0;
        memcpy(&scale, l.scales.data + 8 * (l.scales.n > 1 ? j : 0), 8);
        if (l.bias.data)
            memcpy(&bias, l.bias.data + 4 * j, 4);
        const float atws = x_scale * (float)scale;
        l.mult[j] = atws / out_scale;
        l.scaled_bias[j] = per_channel ? bias / atws : bias;
        rq.rcp = (float)(1.0 / (double)atws);
    }
    if (integer(g, "relu"))
        rq.lo = rq.zero;
    t->requant(l.out, l.n, l.acc, l.n, l.m, l.n, l.row_sum, &rq);
    same(g, l.out, &want, "y_fbgemm");
    const size_t n = want.n;
    array_free(&want);
    linear_free(&l);
    return n;
}

Test(golden, linear_fbgemm)
{
    each("linear_static", "linear", "", linear_fbgemm);
}

static size_t linear_qnnpack(const golden *g, const qk_table *t)
{
    linear l = linear_new(g, t);
    array want = golden_array(g, "y_qnnpack", 1), bias = golden_array(g, "bias_q_qnnpack", 4);
    const float out_scale = (float)real(g, "out_scale"), x_scale = (float)real(g, "x_scale");
    qk_requant rq = {.scheme = QK_RQ_QNNPACK,
                     .per_channel = true,
                     .mult = l.mult,
                     .offset = l.offset,
                     .zero_w = l.zero_w,
                     .zero = integer(g, "out_zero_point"),
                     .hi = 255};

    zero_points(&l, integer(g, "x_zero_point"));
    for (size_t j = 0; j < l.n; j++) {
        double scale;
        int32_t b = 0;
        memcpy(&scale, l.scales.data + 8 * (l.scales.n > 1 ? j : 0), 8);
        if (bias.data)
            memcpy(&b, bias.data + 4 * j, 4);
        l.mult[j] = (float)scale * x_scale * (1.0f / out_scale);
        l.offset[j] += b;
    }
    if (integer(g, "relu"))
        rq.lo = rq.zero;
    t->requant(l.out, l.n, l.acc, l.n, l.m, l.n, l.row_sum, &rq);
    same(g, l.out, &want, "y_qnnpack");
    const size_t n = want.n;
    array_free(&bias);
    array_free(&want);
    linear_free(&l);
    return n;
}

Test(golden, linear_qnnpack)
{
    each("linear_static", "linear", "", linear_qnnpack);
}
