/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"
#include "tests/unit/core/model/source_fixture.h"

#include <math.h>

TestSuite(source, .init = enter, .fini = leave);

static const in_spec image = {"image", QNS_F32, {4, {1, 3, 2, 2}}};

static void check_read_fails(qns_source *s, int64_t sample, const char *want)
{
    double x[64];
    qns_err err = {0};
    qns_tensor t = {.data = x};
    cr_assert_eq(qns_source_get(&t, s, sample, &err), QNS_E_DATA);
    cr_assert_str_eq(err.text, want);
}

Test(source, layout_and_normalization)
{
    qns_graph *g = graph_of(&image, 1);
    write_images("x.npy");
    write_text("d.yaml", "inputs:\n  file: x.npy\n  layout: NHWC\n  scale: 0.1\n"
                         "  mean: [1, 2, 3]\n  std: [0.5, 0.25, 0.3]\n  dtype: uint8\n");
    qns_source *s = opened(g, "d.yaml");
    cr_assert_eq(qns_source_count(s), 2);
    cr_assert_null(qns_source_labels(s));
    cr_assert_str_eq(qns_source_describe(s), "d.yaml: 2 samples, uint8 [2, 2, 3] NHWC");
    const float mean[3] = {1, 2, 3}, std[3] = {0.5f, 0.25f, 0.3f};
    for (int n = 0; n < 2; n++) {
        float want[12];
        for (int c = 0; c < 3; c++)
            for (int p = 0; p < 4; p++)
                want[c * 4 + p] = ((float)(100 * n + 10 * c + p) * 0.1f - mean[c]) / std[c];
        check_floats(s, n, want, 12);
    }
    qns_source_close(s);
    write_text("d.yaml", "inputs: {data: {file: x.npy, layout: NHWC, channel_order: BGR, "
                         "mean: [0, 1, 2]}}\nlimit: 1\n");
    s = opened(g, "d.yaml");
    cr_assert_eq(qns_source_count(s), 1);
    const float bgr[12] = {20, 21, 22, 23, 9, 10, 11, 12, -2, -1, 0, 1};
    check_floats(s, 0, bgr, 12);
    qns_source_close(s);
    write_text("d.yaml", "inputs: {image: {file: x.npy, layout: NHWC, channel_order: BGR}}");
    s = opened(g, "d.yaml");
    const float plain[12] = {20, 21, 22, 23, 10, 11, 12, 13, 0, 1, 2, 3};
    check_floats(s, 0, plain, 12);
    qns_source_close(s);
    refused(g, "x.npy", NULL, QNS_E_SHAPE, "if its channels come last");
    qns_graph_free(g);
}

Test(source, model_with_channels_last)
{
    const in_spec nhwc = {"image", QNS_F32, {4, {1, 2, 2, 3}}};
    qns_graph *g = graph_of(&nhwc, 1);
    write_images("x.npy");
    write_text("d.yaml",
               "inputs: {file: x.npy, layout: NHWC, mean: [0, 10, 20], channel_order: BGR}");
    qns_source *s = opened(g, "d.yaml");
    const float want[12] = {20, 0, -20, 21, 1, -19, 22, 2, -18, 23, 3, -17};
    check_floats(s, 0, want, 12);
    qns_source_close(s);
    qns_graph_free(g);
}

Test(source, types)
{
    const in_spec u8 = {"x", QNS_U8, {2, {1, 3}}}, i64 = {"x", QNS_I64, {2, {1, 3}}};
    const int32_t v[6] = {0, 255, 7, 1, 300, -1};
    const float f[6] = {0, 1, 2, 3, NAN, INFINITY};
    uint8_t got[3];
    int64_t got64[3];
    qns_tensor t = {.data = got};
    qns_graph *g = graph_of(&u8, 1), *g64 = graph_of(&i64, 1);
    write_npy("v.npy", QNS_I32, v, (qns_shape){2, {2, 3}});
    write_npy("f.npy", QNS_F32, f, (qns_shape){2, {2, 3}});
    qns_source *s = opened(g, "v.npy");
    cr_assert_eq(qns_source_get(&t, s, 0, NULL), QNS_OK);
    cr_assert(got[0] == 0 && got[1] == 255 && got[2] == 7);
    check_read_fails(s, 1, "'v.npy': value 300 at [1, 1] does not fit uint8");
    qns_source_close(s);
    s = opened(g64, "f.npy");
    t.data = got64;
    cr_assert_eq(qns_source_get(&t, s, 0, NULL), QNS_OK);
    cr_assert(got64[0] == 0 && got64[1] == 1 && got64[2] == 2);
    check_read_fails(s, 1, "'f.npy': value nan at [1, 1] is not a finite number");
    qns_source_close(s);
    write_text("d.yaml", "inputs: {file: v.npy, scale: 0.5}");
    s = opened(g, "d.yaml");
    check_read_fails(s, 0,
                     "'v.npy': value 127.5, computed for element 1 of sample 0 by scale, mean "
                     "and std, is not a whole number, as uint8 needs");
    qns_source_close(s);
    qns_graph_free(g);
    qns_graph_free(g64);
}

Test(source, axes_of_size_one)
{
    const in_spec grey = {"x", QNS_F32, {4, {1, 1, 2, 3}}};
    qns_graph *g = graph_of(&grey, 1);
    const float v[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    write_npy("a.npy", QNS_F32, v, (qns_shape){3, {2, 2, 3}});
    write_npy("b.npy", QNS_F32, v, (qns_shape){5, {2, 1, 2, 3, 1}});
    write_npy("one.npy", QNS_F32, v, (qns_shape){2, {2, 3}});
    qns_source *s = opened(g, "a.npy");
    check_floats(s, 1, v + 6, 6);
    qns_source_close(s);
    s = opened(g, "b.npy");
    check_floats(s, 1, v + 6, 6);
    qns_source_close(s);
    write_text("d.yaml", "inputs: {file: a.npy, layout: NHWC, mean: [1]}");
    s = opened(g, "d.yaml");
    check_floats(s, 0, (const float[]){0, 1, 2, 3, 4, 5}, 6);
    qns_source_close(s);
    refused(g, "one.npy", NULL, QNS_E_SHAPE, "needs an axis of size 1 before it");
    qns_graph_free(g);
}

Test(source, labels)
{
    const in_spec in = {"x", QNS_F32, {2, {1, 2}}};
    qns_graph *g = graph_of(&in, 1);
    const float v[6] = {0};
    const int64_t good[3] = {3, 0, 1}, negative[3] = {1, -1, 1};
    write_npy("x.npy", QNS_F32, v, (qns_shape){2, {3, 2}});
    write_npy("good.npy", QNS_I64, good, (qns_shape){1, {3}});
    write_npy("column.npy", QNS_I64, good, (qns_shape){2, {3, 1}});
    write_npy("short.npy", QNS_I64, good, (qns_shape){1, {2}});
    write_npy("negative.npy", QNS_I64, negative, (qns_shape){1, {3}});
    write_npy("float.npy", QNS_F32, v, (qns_shape){1, {3}});
    write_npy("wide.npy", QNS_I64, good, (qns_shape){2, {1, 3}});
    static const char *const fine[] = {"good.npy", "column.npy"};
    const char *spec = "x.npy";
    for (int i = 0; i < 2; i++) {
        qns_source *s = NULL;
        cr_assert_eq(qns_source_open(&s, g, &spec, 1, fine[i], 2, NULL), QNS_OK);
        cr_assert_eq(qns_source_count(s), 2);
        cr_assert_eq(memcmp(qns_source_labels(s), good, 2 * sizeof *good), 0);
        qns_source_close(s);
    }
    refused(g, spec, "short.npy", QNS_E_DATA,
            "the labels 'short.npy' are 2, but there are 3 samples");
    refused(g, spec, "negative.npy", QNS_E_DATA, "sample 1 has -1; class numbers start at 0");
    refused(g, spec, "float.npy", QNS_E_DATA, "of type float32; class numbers are integers");
    refused(g, spec, "wide.npy", QNS_E_SHAPE, "one number per sample");
    refused(g, spec, "none.npy", QNS_E_IO, "cannot open 'none.npy'");
    write_text("d.yaml", "inputs: {file: x.npy}\nlabels: good.npy\nlimit: 100\n");
    qns_source *s = opened(g, "d.yaml");
    cr_assert_eq(qns_source_count(s), 3);
    cr_assert_eq(qns_source_labels(s)[0], 3);
    qns_source_close(s);
    write_text("d.yaml", "inputs: {file: x.npy}\nlabels: good.npy\nlabel_offset: 1\n");
    s = opened(g, "d.yaml");
    cr_assert_eq(qns_source_labels(s)[0], 4);
    qns_source_close(s);
    write_text("d.yaml", "inputs: {file: x.npy}\nlabels: good.npy\nlabel_offset: -900\n");
    refused(g, "d.yaml", NULL, QNS_E_DATA, "is no class with 'label_offset' -900");
    qns_graph_free(g);
}

/* Parts that do not overlap hold every sample once, with its label. */
Test(source, parts)
{
    enum { MOST = 9 };
    static const int64_t range[][2] = {{0, 1}, {1, 2}, {3, 1}};
    const in_spec one = {"x", QNS_F32, {2, {1, 1}}};
    qns_graph *g = graph_of(&one, 1);
    for (int64_t n = 4; n <= MOST; n++) {
        float x[MOST];
        int64_t y[MOST], seen[MOST] = {0}, total = 0;
        for (int64_t i = 0; i < n; i++) {
            x[i] = (float)(100 + i);
            y[i] = i;
        }
        write_npy("x.npy", QNS_F32, x, (qns_shape){2, {n, 1}});
        write_npy("y.npy", QNS_I64, y, (qns_shape){1, {n}});
        write_text("d.yaml", "inputs: {file: x.npy}\nlabels: y.npy\n");
        for (size_t k = 0; k < QNS_ARRAY_LEN(range); k++) {
            qns_source *s = opened(g, "d.yaml");
            qns_source_part(s, 4, range[k][0], range[k][1]);
            total += qns_source_count(s);
            for (int64_t i = 0; i < qns_source_count(s); i++) {
                const int64_t at = qns_source_labels(s)[i];
                cr_assert(at % 4 >= range[k][0] && at % 4 < range[k][0] + range[k][1]);
                seen[at]++;
                check_floats(s, i, &(float){(float)(100 + at)}, 1);
            }
            qns_source_close(s);
        }
        cr_assert_eq(total, n);
        for (int64_t i = 0; i < n; i++)
            cr_assert_eq(seen[i], 1);
    }
    qns_graph_free(g);
}

Test(source, yaml_errors)
{
    static const struct {
        const char *text, *want;
        qns_status code;
    } c[] = {
        {"inputs: {file: x.npy}\nlables: y\n",
         "d.yaml:2: unknown key 'lables', did you mean 'labels'?", QNS_E_CONFIG},
        {"labels: y.npy\n", "there is no 'inputs'", QNS_E_CONFIG},
        {"inputs:\n  imgae: {file: x.npy}\n",
         "d.yaml:2: the model has no input 'imgae', did you mean 'image'?", QNS_E_NOTFOUND},
        {"inputs:\n  qqqqqqqqqq: {file: x.npy}\n", "its inputs are 'image'", QNS_E_NOTFOUND},
        {"inputs: {}\n", "nothing is said about the model's input 'image'", QNS_E_CONFIG},
        {"inputs:\n  image:\n    layout: NHWC\n", "d.yaml:3: the input has no 'file'",
         QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHCW}\n", "did you mean", QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC, std: [1, 0, 1]}\n", "'std' must be above 0",
         QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC, mean: [1, 2]}\n", "'mean' has 2 numbers",
         QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC, mean: []}\n", "empty list", QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC, scale: 1e99}\n", "does not fit float32",
         QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC, dtype: float32}\n", "holds uint8, not float32",
         QNS_E_CONFIG},
        {"inputs: {file: x.npy, dataset: a}\n", "'dataset' is for .npz and HDF5", QNS_E_CONFIG},
        {"inputs: {file: x.npy, layout: NHWC}\nlimit: 0\n", "d.yaml:2: 'limit' must be",
         QNS_E_CONFIG},
        {"inputs: {file: none.npy}\n", "cannot open", QNS_E_IO},
        {"inputs: {file: x.npy}\n", "d.yaml:1", QNS_E_SHAPE},
        {"inputs: {file: x.txt}\n", "not a kind of file", QNS_E_UNSUPPORTED},
        {"inputs: [x.npy]\n", "must be a map", QNS_E_CONFIG},
        {"inputs: {file: \n", "not valid YAML", QNS_E_FORMAT},
    };
    qns_graph *g = graph_of(&image, 1);
    write_images("x.npy");
    for (size_t i = 0; i < QNS_ARRAY_LEN(c); i++) {
        write_text("d.yaml", c[i].text);
        refused(g, "d.yaml", NULL, c[i].code, c[i].want);
    }
    refused(g, "none.yaml", NULL, QNS_E_IO, "cannot open 'none.yaml'");
    refused(g, "x.jpg", NULL, QNS_E_CONFIG, "not a kind of data");
    refused(g, "image=d.yaml", NULL, QNS_E_CONFIG, "give it alone");
    refused(g, "imge=x.npy", NULL, QNS_E_NOTFOUND, "did you mean 'image'?");
    qns_graph_free(g);
}

Test(source, several_inputs)
{
    const in_spec in[2] = {{"a", QNS_F32, {2, {1, 2}}}, {"b", QNS_I64, {1, {1}}}};
    const float a[6] = {0, 1, 2, 3, 4, 5};
    const int64_t b[3] = {7, 8, 9};
    qns_graph *g = graph_of(in, 2);
    write_npy("a.npy", QNS_F32, a, (qns_shape){2, {3, 2}});
    write_npy("b.npy", QNS_I64, b, (qns_shape){1, {3}});
    write_npy("b2.npy", QNS_I64, b, (qns_shape){1, {2}});
    const char *spec[2] = {"b=b.npy", "a=a.npy"};
    qns_source *s = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_source_open(&s, g, spec, 2, NULL, 0, &err), QNS_OK, "%s", err.text);
    float x[2];
    int64_t y = 0;
    qns_tensor t[2] = {{.data = x}, {.data = &y}};
    cr_assert_eq(qns_source_get(t, s, 2, NULL), QNS_OK);
    cr_assert(x[0] == 4 && x[1] == 5 && y == 9);
    qns_source_close(s);
    spec[0] = "b=b2.npy";
    cr_assert_eq(qns_source_open(&s, g, spec, 2, NULL, 0, &err), QNS_E_SHAPE);
    cr_assert(strstr(err.text, "'b2.npy' has 2 samples, 'a.npy' has 3"), "%s", err.text);
    spec[0] = "a=b.npy";
    err = (qns_err){0};
    cr_assert_eq(qns_source_open(&s, g, spec, 2, NULL, 0, &err), QNS_E_CONFIG);
    cr_assert(strstr(err.text, "'a' is given twice"), "%s", err.text);
    refused(g, "a.npy", NULL, QNS_E_CONFIG, "the model has 2 inputs; give NAME=FILE");
    refused(g, "a=a.npy", NULL, QNS_E_CONFIG, "add 'b=FILE'");
    write_text("d.yaml", "inputs: {a: a.npy, b: b.npy}");
    qns_source_close(opened(g, "d.yaml"));
    write_text("d.yaml", "inputs:\n  a: a.npy\n  c: b.npy\n");
    refused(g, "d.yaml", NULL, QNS_E_NOTFOUND, "d.yaml:3");
    qns_graph_free(g);
}

Test(source, out_of_memory)
{
    qns_graph *g = graph_of(&image, 1);
    const char *spec = "d.yaml";
    write_images("x.npy");
    write_text("d.yaml", "inputs: {file: x.npy, layout: NHWC, mean: [1, 2, 3]}");
    qns_status st = QNS_E_NOMEM;
    int n = 0;
    for (; st == QNS_E_NOMEM && n < 1000; n++) {
        qns_source *s = NULL;
        qns_mem_fail_at(n);
        st = qns_source_open(&s, g, &spec, 1, NULL, 0, NULL);
        qns_mem_fail_at(-1);
        cr_assert_eq(st == QNS_OK, s != NULL);
        qns_source_close(s);
    }
    cr_assert_eq(st, QNS_OK);
    cr_assert_gt(n, 10);
    qns_graph_free(g);
}
