/* SPDX-License-Identifier: MIT */
/* What the reader makes of well-formed models: names, shapes, constants, folding, order, lineage.
 */
#include "core/base/log.h"
#include "core/graph/op.h"
#include "tests/unit/core/model/onnx_build.h"

#include <math.h>

static build b;

static void start(void)
{
    b_open(&b, 13);
}

static void stop(void)
{
    b_close(&b);
}

TestSuite(onnx_read, .init = start, .fini = stop);

Test(onnx_read, names_shapes_and_order_of_a_chain)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(2, 3));
    b_node(&b, "Relu", "last", "mid", "y"); /* in front of what it reads */
    b_node(&b, "Sigmoid", "", "x", "mid");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_nodes(g), 2);
    cr_assert_str_eq(qns_graph_node(g, (qns_nid){0})->name, "Sigmoid_1");
    cr_assert_str_eq(qns_graph_node(g, (qns_nid){1})->name, "last");
    cr_assert_str_eq(qns_graph_name(g), "test");
    const qns_value *y = b_find(g, "y");
    cr_assert(y->shape.rank == 2 && y->shape.dim[0] == 2 && y->shape.dim[1] == 3);
    cr_assert_str_eq(y->origin, "y");
    qns_graph_free(g);
}

Test(onnx_read, made_up_and_repeated_node_names_are_unique)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(4));
    b_node(&b, "Relu", "", "x", "a");
    b_node(&b, "Relu", "Relu_0", "a", "c"); /* takes the name the first would get */
    b_node(&b, "Relu", "Relu_0", "c", "d");
    b_output(&b, "d");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_str_eq(qns_graph_node(g, (qns_nid){0})->name, "Relu_0_1");
    cr_assert_str_eq(qns_graph_node(g, (qns_nid){1})->name, "Relu_0");
    cr_assert_str_neq(qns_graph_node(g, (qns_nid){2})->name, "Relu_0");
    cr_assert_str_neq(qns_graph_node(g, (qns_nid){2})->name, "Relu_0_1");
    qns_graph_free(g);
}

Test(onnx_read, open_axes_get_sizes)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, 3, -1, 0));
    b_node(&b, "Relu", "r", "x", "y");
    b_output(&b, "y");
    const char *const dim[] = {"D2=5", "x.3=7"};
    const qns_onnx_opts o = {.batch = 4, .dim = dim, .n_dim = 2};
    qns_graph *g = b_graph(&b, &o);
    cr_assert_str_eq(qns_shape_str(&b_find(g, "y")->shape).s, "[4, 3, 5, 7]");
    qns_graph_free(g);

    const char *const named[] = {"D2=5", "x.3=7", "D0=2"};
    g = b_graph(&b, &(qns_onnx_opts){.batch = 4, .dim = named, .n_dim = 3});
    cr_assert_str_eq(qns_shape_str(&b_find(g, "y")->shape).s, "[2, 3, 5, 7]");
    qns_graph_free(g);

    g = b_graph(&b, &(qns_onnx_opts){.dim = dim, .n_dim = 2});
    cr_assert_str_eq(qns_shape_str(&b_find(g, "y")->shape).s, "[1, 3, 5, 7]");
    qns_graph_free(g);
}

Test(onnx_read, initializers_that_are_inputs_are_constants)
{
    const float w[2] = {1, 2};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 2));
    b_input(&b, "w", B_TYPE(FLOAT), B_DIMS(2));
    b_init(&b, b_raw(&b, "w", B_TYPE(FLOAT), w, sizeof w, B_DIMS(2)));
    b_node(&b, "Add", "a", "x,w", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_inputs(g), 1);
    cr_assert_not_null(b_find(g, "w")->constant);
    cr_assert_arr_eq(b_find(g, "w")->constant, w, sizeof w);
    qns_graph_free(g);
}

Test(onnx_read, identity_and_dropout_disappear_unless_they_name_an_output)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 2));
    b_node(&b, "Identity", "i1", "x", "a");
    b_node(&b, "Relu", "r", "a", "c");
    b_node(&b, "Dropout", "drop", "c", "d,mask");
    b_node(&b, "Sigmoid", "s", "d", "e");
    b_node(&b, "Identity", "i2", "e", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_nodes(g), 3);
    const qns_node *relu = qns_graph_node(g, (qns_nid){0});
    cr_assert_str_eq(qns_graph_value(g, relu->in[0])->name, "x");
    const qns_node *sigmoid = qns_graph_node(g, (qns_nid){1});
    cr_assert_str_eq(qns_graph_value(g, sigmoid->in[0])->name, "c");
    cr_assert_str_eq(qns_graph_value(g, qns_graph_output(g, 0))->name, "y");
    qns_graph_free(g);
}

Test(onnx_read, an_input_or_initializer_can_be_an_output)
{
    const float w[2] = {1, 2};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 2));
    b_init(&b, b_raw(&b, "w", B_TYPE(FLOAT), w, sizeof w, B_DIMS(2)));
    b_output(&b, "x");
    b_output(&b, "w");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_outputs(g), 2);
    cr_assert_eq(qns_graph_output(g, 0).i, qns_graph_input(g, 0).i);
    cr_assert_not_null(qns_graph_value(g, qns_graph_output(g, 1))->constant);
    qns_graph_free(g);
}

/* The shape of x goes through arithmetic into a Reshape; only the Reshape is left. */
Test(onnx_read, shape_arithmetic_is_folded)
{
    const int64_t first[1] = {0}, rest[1] = {-1};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, 3, 2, 2));
    b_init(&b, b_raw(&b, "zero", B_TYPE(INT64), first, sizeof first, B_DIMS(1)));
    b_init(&b, b_raw(&b, "minus", B_TYPE(INT64), rest, sizeof rest, B_DIMS(1)));
    b_node(&b, "Shape", "", "x", "s");
    b_int(&b, b_node(&b, "Gather", "", "s,zero", "n"), "axis", 0);
    b_int(&b, b_node(&b, "Concat", "", "n,minus", "to"), "axis", 0);
    b_node(&b, "Reshape", "re", "x,to", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, &(qns_onnx_opts){.batch = 5});
    cr_assert_eq(qns_graph_n_nodes(g), 1);
    cr_assert_str_eq(qns_shape_str(&b_find(g, "y")->shape).s, "[5, 12]");
    qns_graph_free(g);
}

Test(onnx_read, float_constants_are_folded_with_the_right_numbers)
{
    const float p[3] = {1, -2, 3}, q[3] = {0.5F, 0.25F, -1};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 3));
    b_init(&b, b_raw(&b, "p", B_TYPE(FLOAT), p, sizeof p, B_DIMS(3)));
    b_init(&b, b_raw(&b, "q", B_TYPE(FLOAT), q, sizeof q, B_DIMS(3)));
    b_node(&b, "Mul", "m", "p,q", "pq");
    b_node(&b, "Add", "a", "x,pq", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_nodes(g), 1);
    const float *pq = b_find(g, "pq")->constant;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pq[i], p[i] * q[i]);
    qns_graph_free(g);
}

Test(onnx_read, a_quantized_weight_stays_behind_its_dequantize_node)
{
    const int8_t w[2] = {-3, 100}, zero = 0;
    const float scale = 0.5F;
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 2));
    b_init(&b, b_raw(&b, "w", B_TYPE(INT8), w, sizeof w, B_DIMS(2)));
    b_init(&b, b_raw(&b, "s", B_TYPE(FLOAT), &scale, sizeof scale, 0, NULL));
    b_init(&b, b_raw(&b, "z", B_TYPE(INT8), &zero, sizeof zero, 0, NULL));
    b_node(&b, "DequantizeLinear", "dq", "w,s,z", "wf");
    b_node(&b, "Add", "a", "x,wf", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_nodes(g), 2);
    cr_assert_eq(b_find(g, "w")->dtype, QNS_I8);
    cr_assert_null(b_find(g, "wf")->constant);
    qns_graph_free(g);
}

Test(onnx_read, optional_inputs_that_are_left_out)
{
    const float hi = 6;
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 3));
    b_init(&b, b_raw(&b, "hi", B_TYPE(FLOAT), &hi, sizeof hi, 0, NULL));
    b_node(&b, "Clip", "c1", "x,,hi", "a");
    b_node(&b, "Clip", "c2", "a,,", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    qns_range r;
    const qns_node *c = qns_graph_node(g, (qns_nid){0});
    cr_assert(c->op->as_clamp(&r, g, c));
    cr_assert(r.hi == 6 && r.lo == -INFINITY);
    qns_graph_free(g);
}

Test(onnx_read, metadata_and_producer)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_node(&b, "Relu", "r", "x", "y");
    b_output(&b, "y");
    b.m.producer_name = b_text(&b, "somebody");
    b_entry(&b, "author", "me");
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_str_eq(qns_graph_meta(g, "author"), "me");
    cr_assert_str_eq(qns_graph_meta(g, "onnx.producer"), "somebody");
    qns_graph_free(g);
}

Test(onnx_read, lineage_is_restored)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_node(&b, "Relu", "r", "x", "y");
    b_output(&b, "y");
    b_entry(&b, "qns.lineage", "{\"values\":{\"y\":\"old_y\"},\"nodes\":{\"r\":[\"c\",\"bn\"]}}");
    qns_graph *g = b_graph(&b, NULL);
    const qns_node *r = qns_graph_node(g, (qns_nid){0});
    cr_assert_str_eq(b_find(g, "y")->origin, "old_y");
    cr_assert_eq(r->n_origin, 2);
    cr_assert_str_eq(r->origin[0], "c");
    cr_assert_str_eq(r->origin[1], "bn");
    cr_assert_null(qns_graph_meta(g, "qns.lineage"));
    qns_graph_free(g);
}

static int warnings;

/* ctx: a text that the warning has. */
static void count(void *ctx, qns_log_level level, const char *text)
{
    warnings += level == QNS_LOG_WARN && strstr(text, ctx) != NULL;
}

Test(onnx_read, damaged_lineage_is_ignored_with_a_warning)
{
    static const char *const bad[] = {"{\"values\":{\"y\":7},\"nodes\":{}}",
                                      "not json",
                                      "[]",
                                      "{\"values\":{},\"nodes\":{\"r\":[]}}",
                                      "{\"values\":{},\"nodes\":{\"r\":[1]}}",
                                      "{}"};
    char text[] = "qns.lineage";
    qns_log_to(count, text);
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_node(&b, "Relu", "r", "x", "y");
    b_output(&b, "y");
    b_entry(&b, "qns.lineage", "");
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        warnings = 0;
        b.meta[0]->value = b_text(&b, bad[i]);
        qns_graph *g = b_graph(&b, NULL);
        cr_expect_eq(warnings, 1, "%s", bad[i]);
        cr_expect_str_eq(b_find(g, "y")->origin, "y");
        qns_graph_free(g);
    }
}

Test(onnx_read, nan_in_an_initializer_is_a_warning)
{
    const float bad[] = {1, NAN, INFINITY, NAN}, good[] = {1, -INFINITY, INFINITY, 0};
    char text[] = "initializer 'bad': 2 of 4 numbers are NaN";
    qns_log_to(count, text);
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(4));
    b_init(&b, b_raw(&b, "bad", B_TYPE(FLOAT), bad, sizeof bad, B_DIMS(4)));
    b_init(&b, b_raw(&b, "good", B_TYPE(FLOAT), good, sizeof good, B_DIMS(4)));
    b_node(&b, "Add", "a", "x,bad", "s");
    b_node(&b, "Add", "b", "s,good", "y");
    b_output(&b, "y");
    warnings = 0;
    qns_graph_free(b_graph(&b, NULL));
    cr_assert_eq(warnings, 1);
}

Test(onnx_read, a_custom_domain_in_the_imports_does_no_harm)
{
    b_opset(&b, "com.microsoft", 1);
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_node(&b, "Relu", "r", "x", "y")->domain = b_text(&b, "ai.onnx");
    b_output(&b, "y");
    qns_graph_free(b_graph(&b, NULL));
}
