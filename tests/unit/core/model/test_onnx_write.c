/* SPDX-License-Identifier: MIT */
/* What is written reads back as the same graph, and other readers find in it what they expect. */
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/graph/op.h"
#include "core/model/onnx_write.h"
#include "core/ops/norm.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_quantize.h"
#include "tests/unit/core/model/onnx_build.h"

#include <stdio.h>
#include <unistd.h>

static build b;
static char path[64];

static void start(void)
{
    b_open(&b, 13);
    snprintf(path, sizeof path, "/tmp/qns_onnx_write_%ld", (long)getpid());
}

static void stop(void)
{
    unlink(path);
    b_close(&b);
}

TestSuite(onnx_write, .init = start, .fini = stop);

static void write_to(const qns_graph *g, bool dynamic)
{
    qns_err err = {0};
    cr_assert_eq(qns_onnx_write(path, g, dynamic, &err), QNS_OK, "%s: %s", err.trail, err.text);
}

static qns_graph *read_from(void)
{
    qns_err err = {0};
    qns_graph *g = NULL;
    cr_assert_eq(qns_onnx_read(&g, path, NULL, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return g;
}

/* The messages of the file, to look at what other programs see. */
static Onnx__ModelProto *unpack(void)
{
    char *p;
    size_t n;
    cr_assert_eq(qns_file_read(&p, &n, path, 1 << 20, NULL), QNS_OK);
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, n, (const uint8_t *)p);
    qns_free(p);
    cr_assert_not_null(m);
    return m;
}

static void same_digests(const qns_graph *x, const qns_graph *y)
{
    qns_digest t[2], c[2], q[2];
    cr_assert_eq(qns_graph_digest(&t[0], &c[0], x, NULL), QNS_OK);
    cr_assert_eq(qns_graph_digest(&t[1], &c[1], y, NULL), QNS_OK);
    cr_assert_eq(qns_graph_digest_qparams(&q[0], x, NULL), QNS_OK);
    cr_assert_eq(qns_graph_digest_qparams(&q[1], y, NULL), QNS_OK);
    cr_expect(qns_digest_equal(&t[0], &t[1]), "topology");
    cr_expect(qns_digest_equal(&c[0], &c[1]), "constants");
    cr_expect(qns_digest_equal(&q[0], &q[1]), "qparams");
}

static void same_origins(const qns_graph *x, const qns_graph *y)
{
    for (uint32_t i = 0; i < qns_graph_n_values(x); i++) {
        const qns_value *v = qns_graph_value(x, (qns_vid){i});
        cr_expect_str_eq(b_find(y, v->name)->origin, v->origin);
    }
    for (uint32_t i = 0; i < qns_graph_n_nodes(x); i++) {
        const qns_node *m = qns_graph_node(x, (qns_nid){i});
        const qns_node *n = qns_graph_node(y, qns_graph_find_node(y, m->name));
        cr_assert_eq(n->n_origin, m->n_origin);
        for (uint32_t k = 0; k < m->n_origin; k++)
            cr_expect_str_eq(n->origin[k], m->origin[k]);
    }
}

/* x -> quantize -> dequantize -> conv with an int8 weight per channel -> y. */
static qns_graph *qdq_conv(void)
{
    const int8_t w[8] = {1, -2, 3, -4, 5, 6, -128, 127}, zero[2] = {0, 0};
    const float scale[2] = {0.5F, 0.25F}, x_scale = 0.1F;
    const uint8_t x_zero = 128;
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, 4, 2, 2));
    b_init(&b, b_raw(&b, "w", B_TYPE(INT8), w, sizeof w, B_DIMS(2, 4, 1, 1)));
    b_init(&b, b_raw(&b, "ws", B_TYPE(FLOAT), scale, sizeof scale, B_DIMS(2)));
    b_init(&b, b_raw(&b, "wz", B_TYPE(INT8), zero, sizeof zero, B_DIMS(2)));
    b_init(&b, b_raw(&b, "xs", B_TYPE(FLOAT), &x_scale, sizeof x_scale, 0, NULL));
    b_init(&b, b_raw(&b, "xz", B_TYPE(UINT8), &x_zero, 1, 0, NULL));
    b_node(&b, "QuantizeLinear", "q", "x,xs,xz", "xq");
    b_node(&b, "DequantizeLinear", "dq", "xq,xs,xz", "xd");
    b_int(&b, b_node(&b, "DequantizeLinear", "wdq", "w,ws,wz", "wd"), "axis", 0);
    b_node(&b, "Conv", "conv", "xd,wd", "y");
    b_output(&b, "y");
    b_entry(
        &b, "qns.lineage",
        "{\"values\":{\"y\":\"relu_out\",\"w\":\"weight\"},\"nodes\":{\"conv\":[\"c\",\"bn\"]}}");
    b_entry(&b, "qns.backend", "fbgemm");
    return b_graph(&b, NULL);
}

Test(onnx_write, a_qdq_graph_reads_back_the_same)
{
    qns_graph *g = qdq_conv();
    write_to(g, true);
    qns_graph *h = read_from();
    same_digests(g, h);
    same_origins(g, h);
    cr_expect_str_eq(qns_graph_meta(h, "qns.backend"), "fbgemm");
    cr_expect_not_null(qns_graph_meta(h, "qns.version"));
    qns_graph_free(h);
    qns_graph_free(g);
}

static const Onnx__TensorShapeProto__Dimension *first_axis(const Onnx__ValueInfoProto *v)
{
    return v->type->tensor_type->shape->dim[0];
}

Test(onnx_write, a_first_axis_without_a_name_is_written_as_n)
{
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(0, 3));
    b_node(&b, "Relu", "relu", "x", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    write_to(g, true);
    Onnx__ModelProto *m = unpack();
    cr_expect_str_eq(first_axis(m->graph->input[0])->dim_param, "N");
    cr_expect_str_eq(first_axis(m->graph->output[0])->dim_param, "N");
    onnx__model_proto__free_unpacked(m, NULL);
    qns_graph_free(g);
}

Test(onnx_write, what_other_readers_see)
{
    qns_graph *g = qdq_conv();
    write_to(g, true);
    Onnx__ModelProto *m = unpack();
    cr_expect_eq(m->ir_version, 8);
    cr_expect_eq(m->opset_import[0]->version, 13);
    cr_expect_str_eq(m->producer_name, "qns");
    cr_expect_str_eq(first_axis(m->graph->input[0])->dim_param, "D0");
    cr_expect_str_eq(first_axis(m->graph->output[0])->dim_param, "D0");
    for (size_t i = 0; i < m->n_metadata_props; i++) /* it is said once */
        cr_expect_null(strstr(m->metadata_props[i]->key, "batch"));
    bool weight = false, scale = false, zero = false;
    for (size_t i = 0; i < m->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = m->graph->initializer[i];
        weight |= strcmp(t->name, "w") == 0 && t->data_type == B_TYPE(INT8) && t->raw_data.len == 8;
        scale |= strcmp(t->name, "wdq.scale") == 0 && t->dims[0] == 2;
        zero |= strcmp(t->name, "q.zero_point") == 0 && t->data_type == B_TYPE(UINT8);
    }
    cr_expect(weight && scale && zero);
    onnx__model_proto__free_unpacked(m, NULL);

    write_to(g, false);
    m = unpack();
    cr_expect_eq(first_axis(m->graph->input[0])->dim_value, 1);
    onnx__model_proto__free_unpacked(m, NULL);
    qns_graph_free(g);
}

Test(onnx_write, the_bytes_are_the_same_every_time)
{
    char *p[2];
    size_t n[2];
    qns_graph *g = qdq_conv();
    for (int i = 0; i < 2; i++) {
        write_to(g, true);
        cr_assert_eq(qns_file_read(&p[i], &n[i], path, 1 << 20, NULL), QNS_OK);
    }
    cr_assert_eq(n[0], n[1]);
    cr_assert_arr_eq(p[0], p[1], n[0]);
    qns_free(p[0]);
    qns_free(p[1]);
    qns_graph_free(g);
}

/* The conv of a graph with its clamp fused, and a value that has the name the writer wants. */
static qns_graph *fused(const qns_graph *from, qns_range clamp)
{
    qns_gb *gb;
    qns_graph *g;
    static const char *const origin[] = {"c", "bn", "r"};
    const char *const out_name[] = {"y"};
    cr_assert_eq(qns_gb_create(&gb, NULL, from, NULL), QNS_OK);
    cr_assert_eq(qns_gb_copy_inputs(gb, NULL), QNS_OK);
    for (uint32_t i = 0; i < qns_graph_n_nodes(from); i++) {
        const qns_node *n = qns_graph_node(from, (qns_nid){i});
        qns_vid in[4], out;
        if (strcmp(n->name, "conv") != 0) {
            cr_assert_eq(qns_gb_copy_node(gb, n, NULL), QNS_OK);
            continue;
        }
        for (uint32_t k = 0; k < n->n_in; k++)
            cr_assert_eq(qns_gb_mapped(&in[k], gb, n->in[k], NULL), QNS_OK);
        const qns_node_spec s = {.op = n->op,
                                 .name = n->name,
                                 .attr = n->attr,
                                 .clamp = clamp,
                                 .in = in,
                                 .n_in = n->n_in,
                                 .origin = origin,
                                 .n_origin = 3,
                                 .n_out = 1,
                                 .out_name = out_name};
        cr_assert_eq(qns_gb_node(&out, gb, &s, NULL), QNS_OK);
        cr_assert_eq(qns_gb_map(gb, n->out[0], out, NULL), QNS_OK);
    }
    cr_assert_eq(qns_gb_copy_outputs(gb, NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
    return g;
}

static void check_clamp(qns_range clamp, const char *type, size_t n_input)
{
    qns_graph *g = qdq_conv(), *f = fused(g, clamp);
    write_to(f, false);
    Onnx__ModelProto *m = unpack();
    const Onnx__NodeProto *conv = m->graph->node[3], *last = m->graph->node[4];
    cr_assert_eq(m->graph->n_node, 5);
    cr_expect_str_eq(conv->name, "conv");
    cr_expect_str_eq(conv->output[0], "y_preclamp");
    cr_expect_str_eq(last->op_type, type);
    cr_expect_eq(last->n_input, n_input);
    cr_expect_str_eq(last->input[0], "y_preclamp");
    cr_expect_str_eq(last->output[0], "y");
    qns_graph *h = read_from();
    qns_range r;
    const qns_node *n = qns_graph_node(h, b_find(h, "y")->producer);
    cr_assert(n->op->as_clamp && n->op->as_clamp(&r, h, n));
    cr_expect(r.lo == clamp.lo && r.hi == clamp.hi);
    cr_expect(n->n_origin == 1 && strcmp(n->origin[0], "r") == 0);
    n = qns_graph_node(h, qns_graph_find_node(h, "conv"));
    cr_expect(n->n_origin == 2 && strcmp(n->origin[1], "bn") == 0);
    onnx__model_proto__free_unpacked(m, NULL);
    qns_graph_free(h);
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(onnx_write, a_fused_relu_is_a_node_of_its_own)
{
    check_clamp((qns_range){0, INFINITY}, "Relu", 1);
}

Test(onnx_write, a_fused_clip_is_a_node_of_its_own)
{
    check_clamp((qns_range){-1, 6}, "Clip", 3);
}

Test(onnx_write, a_clip_without_a_lower_bound)
{
    check_clamp((qns_range){-INFINITY, 6}, "Clip", 3);
}

Test(onnx_write, names_in_the_way_get_out_of_the_way)
{
    const float w = 1;
    b_input(&b, "q.scale", B_TYPE(FLOAT), B_DIMS(1, 3));
    b_init(&b, b_raw(&b, "s", B_TYPE(FLOAT), &w, sizeof w, 0, NULL));
    b_node(&b, "QuantizeLinear", "q", "q.scale,s", "xq");
    b_node(&b, "DequantizeLinear", "dq", "xq,s", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    write_to(g, false);
    qns_graph *h = read_from();
    same_digests(g, h);
    qns_graph_free(h);
    qns_graph_free(g);
}

Test(onnx_write, the_file_stays_when_writing_fails)
{
    qns_err err = {0};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_node(&b, "Relu", "r", "x", "y");
    b_output(&b, "y");
    qns_graph *g = b_graph(&b, NULL);
    cr_expect_eq(qns_onnx_write("/nonexistent/m.onnx", g, false, &err), QNS_E_IO);
    cr_expect(strstr(err.trail, "writing '/nonexistent/m.onnx'"), "%s", err.trail);
    qns_graph_free(g);
}

/* A conv that reads codes directly: what lowering makes, and ONNX cannot say. */
Test(onnx_write, an_integer_graph_is_refused)
{
    qns_graph *g = qdq_conv(), *h = NULL;
    qns_gb *gb;
    qns_vid in[2], out;
    qns_err err = {0};
    const qns_node *conv = qns_graph_node(g, qns_graph_find_node(g, "conv"));
    const qns_value *xq = b_find(g, "xq");
    const char *const name[] = {"y"}, *const qname[] = {"xq"};
    const qns_node *q = qns_graph_node(g, xq->producer);
    cr_assert_eq(qns_gb_create(&gb, NULL, g, NULL), QNS_OK);
    cr_assert_eq(qns_gb_copy_inputs(gb, NULL), QNS_OK);
    cr_assert_eq(qns_gb_mapped(&in[0], gb, q->in[0], NULL), QNS_OK);
    const qns_node_spec qs = {.op = q->op,
                              .name = "q",
                              .attr = q->attr,
                              .clamp = QNS_NO_CLAMP,
                              .in = in,
                              .n_in = 1,
                              .n_out = 1,
                              .out_name = qname};
    cr_assert_eq(qns_gb_node(&in[0], gb, &qs, NULL), QNS_OK);
    const qns_value *w = b_find(g, "w");
    const qns_quantize_attr *wa = qns_graph_node(g, qns_graph_find_node(g, "wdq"))->attr;
    const qns_const_spec ws = {
        .name = "w", .dtype = QNS_I8, .shape = w->shape, .data = w->constant, .qp = wa->qp};
    cr_assert_eq(qns_gb_constant(&in[1], gb, &ws, NULL), QNS_OK);
    const qns_qparams *qp[] = {xq->qp};
    const qns_node_spec cs = {.op = conv->op,
                              .name = "conv",
                              .attr = conv->attr,
                              .clamp = QNS_NO_CLAMP,
                              .in = in,
                              .n_in = 2,
                              .n_out = 1,
                              .out_name = name,
                              .out_qp = qp};
    cr_assert_eq(qns_gb_node(&out, gb, &cs, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(qns_gb_output(gb, out, NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&h, gb, &err), QNS_OK, "%s", err.text);
    cr_expect_eq(qns_onnx_write(path, h, false, &err), QNS_E_UNSUPPORTED);
    cr_expect(strstr(err.text, "write the Q/DQ graph"), "%s", err.text);
    cr_expect(strstr(err.trail, "node 'conv'"), "%s", err.trail);
    qns_graph_free(h);
    qns_graph_free(g);
}

Test(onnx_write, every_allocation_may_fail)
{
    qns_graph *g = qdq_conv();
    for (int64_t k = 0;; k++) {
        qns_err err = {0};
        qns_mem_fail_at(k);
        const qns_status st = qns_onnx_write(path, g, true, &err);
        qns_mem_fail_at(-1);
        if (st == QNS_OK)
            break;
        cr_assert(err.code == st && err.text[0], "allocation %lld", (long long)k);
        cr_assert_lt(k, 100000);
    }
    qns_graph *h = read_from();
    same_digests(g, h);
    qns_graph_free(h);
    qns_graph_free(g);
}

/* Layer norm came with opset 17, group norm with 18, in which ReduceMean has another form. */
Test(onnx_write, the_opset_that_is_needed)
{
    static const float ones[4] = {1, 1, 1, 1};
    static const qns_op *ops[3];
    ops[0] = qns_op_find("layer_norm");
    ops[1] = qns_op_find("group_norm");
    ops[2] = qns_op_find("mean");
    const qns_group_norm_attr group = {.groups = 2, .eps = 1e-5f};
    const qns_layer_norm_attr layer = {.axis = -1, .eps = 1e-5f};
    static const uint64_t all[16];
    const void *const attr[] = {&layer, &group, all};
    for (int kind = 0; kind < 3; kind++) {
        const qns_shape x = {3, {1, 4, 4}}, p = {1, {kind ? 2 : 4}};
        const char *const name[] = {"y"};
        qns_err err = {0};
        qns_graph *g = NULL;
        qns_gb *gb;
        qns_vid in[3], out;
        cr_assert_eq(qns_gb_create(&gb, "g", NULL, NULL), QNS_OK);
        cr_assert_eq(qns_gb_input(&in[0], gb, "x", QNS_F32, &x, NULL), QNS_OK);
        const qns_const_spec c = {.name = "c", .dtype = QNS_F32, .shape = p, .data = ones};
        for (int i = 1; i < 3; i++)
            cr_assert_eq(qns_gb_constant(&in[i], gb, &c, NULL), QNS_OK);
        for (int i = kind == 2 ? 1 : kind; i <= kind; i++) {
            const qns_node_spec s = {.op = ops[i],
                                     .name = "n",
                                     .attr = attr[i],
                                     .clamp = QNS_NO_CLAMP,
                                     .in = in,
                                     .n_in = i == 2 ? 1 : 3,
                                     .n_out = 1,
                                     .out_name = name};
            cr_assert_eq(qns_gb_node(&out, gb, &s, &err), QNS_OK, "%s", err.text);
            in[0] = out;
        }
        cr_assert_eq(qns_gb_output(gb, out, NULL), QNS_OK);
        cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
        write_to(g, false);
        Onnx__ModelProto *m = unpack();
        cr_expect_eq(m->opset_import[0]->version, kind ? 18 : 17);
        onnx__model_proto__free_unpacked(m, NULL);
        qns_graph *h = read_from();
        same_digests(g, h);
        qns_graph_free(h);
        qns_graph_free(g);
    }
}

/* Codes [4, 5] with a scale per column, times which x [2, 3, 4] goes; with a Gemm of the same
 * weight if it is shared. */
static qns_graph *qdq_matmul(bool shared)
{
    int8_t w[20];
    const int8_t zero[5] = {0};
    const float scale[5] = {0.5F, 0.25F, 1, 2, 4}, x_scale = 0.1F;
    const uint8_t x_zero = 128;
    for (int i = 0; i < 20; i++)
        w[i] = (int8_t)(7 * i - 60);
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(2, 3, 4));
    b_input(&b, "z", B_TYPE(FLOAT), B_DIMS(2, 4));
    b_init(&b, b_raw(&b, "w", B_TYPE(INT8), w, sizeof w, B_DIMS(4, 5)));
    b_init(&b, b_raw(&b, "ws", B_TYPE(FLOAT), scale, sizeof scale, B_DIMS(5)));
    b_init(&b, b_raw(&b, "wz", B_TYPE(INT8), zero, sizeof zero, B_DIMS(5)));
    b_init(&b, b_raw(&b, "xs", B_TYPE(FLOAT), &x_scale, sizeof x_scale, 0, NULL));
    b_init(&b, b_raw(&b, "xz", B_TYPE(UINT8), &x_zero, 1, 0, NULL));
    b_node(&b, "QuantizeLinear", "q", "x,xs,xz", "xq");
    b_node(&b, "DequantizeLinear", "dq", "xq,xs,xz", "xd");
    b_int(&b, b_node(&b, "DequantizeLinear", "wdq", "w,ws,wz", "wd"), "axis", 1);
    b_node(&b, "MatMul", "matmul", "xd,wd", "y");
    b_output(&b, "y");
    if (shared) {
        b_node(&b, "MatMul", "flat", "z,wd", "v");
        b_output(&b, "v");
    }
    return b_graph(&b, NULL);
}

static const Onnx__TensorProto *initializer(const Onnx__ModelProto *m, size_t rows, size_t cols)
{
    for (size_t i = 0; i < m->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = m->graph->initializer[i];
        if (t->n_dims == 2 && t->dims[0] == (int64_t)rows && t->dims[1] == (int64_t)cols)
            return t;
    }
    return NULL;
}

/* A linear layer of more than two axes is MatMul with the weight the way ONNX has it. */
Test(onnx_write, linear_of_three_axes_is_matmul)
{
    qns_graph *g = qdq_matmul(false);
    cr_assert_str_eq(qns_graph_node(g, qns_graph_find_node(g, "matmul"))->op->name, "linear");
    write_to(g, false);
    Onnx__ModelProto *m = unpack();
    const Onnx__TensorProto *w = initializer(m, 4, 5);
    cr_assert(w && w->raw_data.len == 20);
    for (int i = 0; i < 20; i++)
        cr_expect_eq((int8_t)w->raw_data.data[i], (int8_t)(7 * i - 60));
    cr_expect_null(initializer(m, 5, 4), "the weight is written once");
    onnx__model_proto__free_unpacked(m, NULL);
    qns_graph *h = read_from();
    const qns_node *x = qns_graph_node(g, qns_graph_find_node(g, "matmul"));
    const qns_node *y = qns_graph_node(h, qns_graph_find_node(h, "matmul"));
    cr_assert_eq(y->op, x->op);
    const qns_node *dx = qns_graph_node(g, qns_graph_value(g, x->in[1])->producer);
    const qns_node *dy = qns_graph_node(h, qns_graph_value(h, y->in[1])->producer);
    cr_assert_eq(dx->op, dy->op);
    cr_expect(qns_qparams_equal(((const qns_quantize_attr *)dx->attr)->qp,
                                ((const qns_quantize_attr *)dy->attr)->qp));
    cr_expect_arr_eq(qns_graph_value(g, dx->in[0])->constant,
                     qns_graph_value(h, dy->in[0])->constant, 20);
    cr_expect_str_eq(qns_graph_value(h, dy->in[0])->origin, "w");
    qns_graph_free(h);
    qns_graph_free(g);
}

/* Whichever order the two uses come in, both find their form of the weight. */
Test(onnx_write, a_weight_for_both_forms_is_written_twice)
{
    qns_graph *g = qdq_matmul(true);
    write_to(g, false);
    Onnx__ModelProto *m = unpack();
    cr_expect_not_null(initializer(m, 4, 5));
    cr_expect_not_null(initializer(m, 5, 4));
    onnx__model_proto__free_unpacked(m, NULL);
    qns_graph *h = read_from();
    for (int i = 0; i < 2; i++) {
        const char *const name = i ? "flat" : "matmul";
        const qns_node *y = qns_graph_node(h, qns_graph_find_node(h, name));
        cr_expect_str_eq(y->op->name, "linear");
        cr_expect_eq(qns_graph_value(h, y->in[1])->shape.dim[0], 5);
    }
    qns_graph_free(h);
    qns_graph_free(g);
}
