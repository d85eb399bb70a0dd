/* SPDX-License-Identifier: MIT */
/* Tensors: every way of storing numbers gives the same numbers; every size is checked. */
#include "tests/unit/core/model/onnx_build.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static build b;
static char folder[64];

static void start(void)
{
    b_open(&b, 13);
    snprintf(folder, sizeof folder, "/tmp/qns_onnx_data_%ld", (long)getpid());
    cr_assert_eq(mkdir(folder, 0700), 0);
}

static void stop(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/w.bin", folder);
    unlink(path);
    rmdir(folder);
    b_close(&b);
}

TestSuite(onnx_data, .init = start, .fini = stop);

/* The initializer alone, as the output of a graph. */
static qns_graph *only(Onnx__TensorProto *t)
{
    b.g.n_initializer = b.g.n_output = 0;
    b_init(&b, t);
    b_output(&b, t->name);
    return b_graph(&b, NULL);
}

static void refused(Onnx__TensorProto *t, qns_status code, const char *text)
{
    b.g.n_initializer = b.g.n_output = 0;
    b_init(&b, t);
    b_output(&b, t->name);
    b_refused(&b, NULL, code, text, "initializer 'w'");
}

static void expect(Onnx__TensorProto *t, qns_dtype dtype, const void *want, size_t size)
{
    qns_graph *g = only(t);
    cr_expect_eq(b_find(g, "w")->dtype, dtype);
    cr_expect_arr_eq(b_find(g, "w")->constant, want, size);
    qns_graph_free(g);
}

Test(onnx_data, raw_of_every_type)
{
    const float f[2] = {1.5F, -0.0F};
    const int8_t i8[3] = {-128, 0, 127};
    const uint8_t u8[3] = {0, 128, 255};
    const int32_t i32[2] = {INT32_MIN, 7};
    const int64_t i64[2] = {INT64_MIN, 9};
    const double d[2] = {0.1, -2};
    const float df[2] = {0.1F, -2};
    const uint8_t flag[3] = {0, 1, 17}, flag_want[3] = {0, 1, 1};
    expect(b_raw(&b, "w", B_TYPE(FLOAT), f, sizeof f, B_DIMS(2)), QNS_F32, f, sizeof f);
    expect(b_raw(&b, "w", B_TYPE(INT8), i8, sizeof i8, B_DIMS(3)), QNS_I8, i8, sizeof i8);
    expect(b_raw(&b, "w", B_TYPE(UINT8), u8, sizeof u8, B_DIMS(3)), QNS_U8, u8, sizeof u8);
    expect(b_raw(&b, "w", B_TYPE(INT32), i32, sizeof i32, B_DIMS(2)), QNS_I32, i32, sizeof i32);
    expect(b_raw(&b, "w", B_TYPE(INT64), i64, sizeof i64, B_DIMS(2)), QNS_I64, i64, sizeof i64);
    expect(b_raw(&b, "w", B_TYPE(DOUBLE), d, sizeof d, B_DIMS(2)), QNS_F32, df, sizeof df);
    expect(b_raw(&b, "w", B_TYPE(BOOL), flag, 3, B_DIMS(3)), QNS_BOOL, flag_want, 3);
}

/* The 65536 halves against the definition: sign, exponent, fraction. */
Test(onnx_data, every_half_is_exact)
{
    uint16_t *h = qns_arena_get(b.a, 65536, sizeof *h);
    for (uint32_t i = 0; i < 65536; i++)
        h[i] = (uint16_t)i;
    qns_graph *g = only(b_raw(&b, "w", B_TYPE(FLOAT16), h, 131072, B_DIMS(65536)));
    const float *got = b_find(g, "w")->constant;
    for (uint32_t i = 0; i < 65536; i++) {
        const int exp = (int)(i >> 10 & 31);
        const double frac = (double)(i & 1023) / 1024;
        double want = exp ? ldexp(1 + frac, exp - 15) : ldexp(frac, -14);
        if (exp == 31)
            want = frac > 0 ? (double)NAN : (double)INFINITY;
        if (isnan(want))
            cr_assert(isnan(got[i]), "half %u", i);
        else
            cr_assert_eq((double)got[i], i & 0x8000 ? -want : want, "half %u", i);
        cr_assert_eq(!!signbit(got[i]), i >> 15);
    }
    qns_graph_free(g);
}

Test(onnx_data, typed_fields)
{
    float f[2] = {3.25F, -1};
    int32_t small[3] = {0, 1, 127}, half[2] = {0x3c00, 0xc000};
    const int8_t i8[3] = {0, 1, 127};
    const float one[2] = {1, -2};
    int64_t i64[2] = {-5, 6};
    double d[2] = {0.1, 4};
    const float df[2] = {0.1F, 4};

    Onnx__TensorProto *t = b_tensor(&b, "w", B_TYPE(FLOAT), B_DIMS(2));
    t->float_data = f;
    t->n_float_data = 2;
    expect(t, QNS_F32, f, sizeof f);
    t = b_tensor(&b, "w", B_TYPE(INT64), B_DIMS(2));
    t->int64_data = i64;
    t->n_int64_data = 2;
    expect(t, QNS_I64, i64, sizeof i64);
    t = b_tensor(&b, "w", B_TYPE(DOUBLE), B_DIMS(2));
    t->double_data = d;
    t->n_double_data = 2;
    expect(t, QNS_F32, df, sizeof df);
    t = b_tensor(&b, "w", B_TYPE(FLOAT16), B_DIMS(2));
    t->int32_data = half;
    t->n_int32_data = 2;
    expect(t, QNS_F32, one, sizeof one);
    t = b_tensor(&b, "w", B_TYPE(INT8), B_DIMS(3));
    t->int32_data = small;
    t->n_int32_data = 3;
    expect(t, QNS_I8, i8, sizeof i8);
    t->data_type = B_TYPE(UINT8);
    expect(t, QNS_U8, i8, sizeof i8);
    t->data_type = B_TYPE(INT32);
    expect(t, QNS_I32, small, sizeof small);
    t->data_type = B_TYPE(BOOL);
    refused(t, QNS_E_FORMAT, "number 2 is 127, which is no bool");
    small[2] = 1000;
    t->data_type = B_TYPE(INT8);
    refused(t, QNS_E_FORMAT, "number 2 is 1000, which is no int8");
    small[2] = -1;
    t->data_type = B_TYPE(UINT8);
    refused(t, QNS_E_FORMAT, "number 2 is -1, which is no uint8");
}

Test(onnx_data, sizes_and_shapes_that_lie)
{
    const float f[4] = {1, 2};
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 8, B_DIMS(3)), QNS_E_FORMAT,
            "has 8 bytes in raw_data; its shape needs 12");
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 7, B_DIMS(2)), QNS_E_FORMAT, "has 7 bytes");
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 8, B_DIMS(-2)), QNS_E_SHAPE, "");
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 8, B_DIMS(INT64_MAX, 8)), QNS_E_SHAPE, "");
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 8, B_DIMS(1 << 30, 1 << 10)), QNS_E_FORMAT,
            "its shape needs 4398046511104");
    refused(b_raw(&b, "w", B_TYPE(FLOAT), f, 8, B_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 2)),
            QNS_E_UNSUPPORTED, "has 9 dimensions; 8 are supported");
    refused(b_tensor(&b, "w", B_TYPE(FLOAT), B_DIMS(2)), QNS_E_FORMAT,
            "has 0 numbers; its shape needs 2");
    refused(b_raw(&b, "w", B_TYPE(COMPLEX64), f, 16, B_DIMS(2)), QNS_E_UNSUPPORTED,
            "data type complex64 (14)");
    refused(b_raw(&b, "w", B_TYPE(STRING), f, 4, B_DIMS(2)), QNS_E_UNSUPPORTED,
            "data type string (8)");
    refused(b_raw(&b, "w", -3, f, 4, B_DIMS(2)), QNS_E_UNSUPPORTED, "data type unknown (-3)");
}

Test(onnx_data, empty_and_scalar)
{
    const float f = 4;
    qns_graph *g = only(b_raw(&b, "w", B_TYPE(FLOAT), &f, 0, B_DIMS(0, 3)));
    cr_expect_str_eq(qns_shape_str(&b_find(g, "w")->shape).s, "[0, 3]");
    qns_graph_free(g);
    g = only(b_raw(&b, "w", B_TYPE(FLOAT), &f, sizeof f, 0, NULL));
    cr_expect_eq(b_find(g, "w")->shape.rank, 0);
    cr_expect_eq(*(const float *)b_find(g, "w")->constant, 4.0F);
    qns_graph_free(g);
}

static void entry(Onnx__TensorProto *t, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *e = B_NEW(&b, Onnx__StringStringEntryProto);
    onnx__string_string_entry_proto__init(e);
    e->key = b_text(&b, key);
    e->value = b_text(&b, value);
    if (!t->external_data)
        t->external_data = qns_arena_get(b.a, 8, sizeof *t->external_data);
    t->external_data[t->n_external_data++] = e;
}

/* Six floats from byte 4 of <folder>/w.bin. */
static Onnx__TensorProto *external(const char *location, const char *offset, const char *length)
{
    Onnx__TensorProto *t = b_tensor(&b, "w", B_TYPE(FLOAT), B_DIMS(2, 3));
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    if (location)
        entry(t, "location", location);
    if (offset)
        entry(t, "offset", offset);
    if (length)
        entry(t, "length", length);
    return t;
}

static qns_status read_external(qns_graph **g, Onnx__TensorProto *t, qns_err *err)
{
    char path[128];
    size_t n;
    b.g.n_initializer = b.g.n_output = 0;
    b_init(&b, t);
    b_output(&b, "w");
    const uint8_t *p = b_pack(&b, &n);
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    *g = NULL;
    return qns_onnx_read_bytes(g, p, n, path, NULL, err);
}

static void put_file(const void *p, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/w.bin", folder);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(p, 1, n, f) == n);
    fclose(f);
}

Test(onnx_data, external_data)
{
    const float f[7] = {0, 1, 2, 3, 4, 5, 6};
    qns_graph *g;
    qns_err err = {0};
    put_file(f, sizeof f);
    cr_assert_eq(read_external(&g, external("w.bin", "4", "24"), &err), QNS_OK, "%s", err.text);
    cr_assert_arr_eq(b_find(g, "w")->constant, f + 1, 24);
    qns_graph_free(g);
    cr_assert_eq(read_external(&g, external("./w.bin", NULL, NULL), &err), QNS_OK, "%s", err.text);
    cr_assert_arr_eq(b_find(g, "w")->constant, f, 24);
    qns_graph_free(g);
}

Test(onnx_data, external_data_that_is_wrong_or_elsewhere)
{
    static const struct {
        const char *location, *offset, *length, *text;
        qns_status code;
    } bad[] = {
        {NULL, NULL, NULL, "names no file", QNS_E_FORMAT},
        {"", NULL, NULL, "must lie in the folder of the model", QNS_E_FORMAT},
        {"/etc/passwd", NULL, NULL, "must lie in the folder of the model", QNS_E_FORMAT},
        {"../w.bin", NULL, NULL, "must lie in the folder of the model", QNS_E_FORMAT},
        {"a/../../w.bin", NULL, NULL, "must lie in the folder of the model", QNS_E_FORMAT},
        {"a/..", NULL, NULL, "must lie in the folder of the model", QNS_E_FORMAT},
        {"none.bin", NULL, NULL, "cannot open external data", QNS_E_IO},
        {".", NULL, NULL, "is not a regular file", QNS_E_IO},
        {"w.bin", "8", NULL, "has 28 bytes; 24 are needed from byte 8", QNS_E_FORMAT},
        {"w.bin", "9223372036854775807", NULL, "24 are needed from byte", QNS_E_FORMAT},
        {"w.bin", "9223372036854775808", NULL, "which is no size", QNS_E_FORMAT},
        {"w.bin", "-4", NULL, "offset '-4', which is no size", QNS_E_FORMAT},
        {"w.bin", "4x", NULL, "which is no size", QNS_E_FORMAT},
        {"w.bin", "0", "20", "has 20 bytes of external data; its shape needs 24", QNS_E_FORMAT},
    };
    const float f[7] = {0};
    put_file(f, sizeof f);
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        qns_graph *g;
        qns_err err = {0};
        Onnx__TensorProto *t = external(bad[i].location, bad[i].offset, bad[i].length);
        cr_expect_eq(read_external(&g, t, &err), bad[i].code, "case %zu: %s", i, err.text);
        cr_expect(strstr(err.text, bad[i].text), "case %zu: %s", i, err.text);
        cr_expect(strstr(err.trail, "initializer 'w'"), "case %zu: %s", i, err.trail);
    }
}

Test(onnx_data, constant_nodes)
{
    const int64_t ints[2] = {5, -6};
    const float value[2] = {7, 8};
    Onnx__NodeProto *n = b_node(&b, "Constant", "c0", "", "a");
    b_attr(&b, n, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t =
        b_raw(&b, NULL, B_TYPE(FLOAT), value, sizeof value, B_DIMS(2));
    b_int(&b, b_node(&b, "Constant", "c1", "", "c"), "value_int", -3);
    b_ints(&b, b_node(&b, "Constant", "c2", "", "d"), "value_ints", 2, ints);
    n = b_node(&b, "Constant", "c3", "", "e");
    Onnx__AttributeProto *p =
        b_attr(&b, n, "value_float", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    p->has_f = 1;
    p->f = 2.5F;
    for (const char *name = "acde"; *name; name++)
        b_output(&b, (const char[]){*name, 0});
    qns_graph *g = b_graph(&b, NULL);
    cr_expect_arr_eq(b_find(g, "a")->constant, value, sizeof value);
    cr_expect_eq(*(const int64_t *)b_find(g, "c")->constant, -3);
    cr_expect_eq(b_find(g, "c")->shape.rank, 0);
    cr_expect_arr_eq(b_find(g, "d")->constant, ints, sizeof ints);
    cr_expect_eq(*(const float *)b_find(g, "e")->constant, 2.5F);
    qns_graph_free(g);

    n->attribute[0]->name = b_text(&b, "value_string");
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "attribute 'value_string'", "node 'c3' (Constant");
    n->n_attribute = 0;
    b_refused(&b, NULL, QNS_E_FORMAT, "a Constant has one", "node 'c3' (Constant");
}
