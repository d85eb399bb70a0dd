/* SPDX-License-Identifier: MIT */
/* Operators between ONNX and their attributes: what is written reads back to the same attributes,
 * older opsets read to the same, and nonsense is refused. */
#include "core/ops/recurrent.h"
#include "core/ops/conv_impl.h"
#include "core/ops/norm.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_concat.h"
#include "core/ops/op_mean.h"
#include "core/ops/op_moves.h"
#include "core/ops/op_pool.h"
#include "core/ops/op_quantize.h"
#include "core/ops/op_reshape.h"
#include "core/ops/op_resize.h"
#include "core/ops/op_topk.h"
#include "core/ops/softmax.h"
#include "op_run.h"

#include <math.h>

typedef struct reading {
    qns_arena *arena;
    qns_gb *gb;
    qns_onnx_node n;
    qns_attrs attrs;
    uint64_t attr[64];
    const qns_op *op;
    qns_err err;
} reading;

static reading begin(const char *type, int opset, qns_shape x)
{
    reading r = {.n = {.type = type, .name = "node", .opset = opset, .n_in = 1, .n_out = 1}};
    cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
    cr_assert_eq(qns_gb_create(&r.gb, "test", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&r.n.in[0], r.gb, "x", QNS_F32, &x, NULL), QNS_OK);
    r.n.gb = r.gb;
    r.attrs.arena = r.arena;
    return r;
}

static void end(reading *r)
{
    qns_attrs_fini(&r->attrs);
    qns_gb_free(r->gb);
    qns_arena_free(r->arena);
}

static void add_input(reading *r, const qns_tensor *t)
{
    if (t->dtype == QNS_DTYPE_COUNT) {
        r->n.in[r->n.n_in++] = QNS_NO_VALUE;
        return;
    }
    const qns_const_spec s = {.name = "c", .dtype = t->dtype, .shape = t->shape, .data = t->data};
    cr_assert_eq(qns_gb_constant(&r->n.in[r->n.n_in++], r->gb, &s, NULL), QNS_OK);
}

static void add_ints(reading *r, int64_t n, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t v[] = {a, b, c, d};
    const qns_tensor t = {
        .dtype = QNS_I64, .shape = {1, {n}}, .data = qns_arena_dup(r->arena, v, sizeof v)};
    add_input(r, &t);
}

static void add_float(reading *r, float v)
{
    const qns_tensor t = {.dtype = QNS_F32, .data = qns_arena_dup(r->arena, &v, sizeof v)};
    add_input(r, &t);
}

static qns_status do_read(reading *r)
{
    const qns_onnx_rule *rule;
    int first;
    r->op = qns_op_find_onnx(&rule, &first, r->n.type, r->n.opset);
    cr_assert(r->op, "%s at opset %d", r->n.type, r->n.opset);
    cr_assert_leq(r->op->attr_size, sizeof r->attr);
    r->n.attrs = &r->attrs;
    r->n.op = r->op;
    return rule->read ? rule->read(r->attr, &r->n, &r->err) : QNS_OK;
}

typedef struct row {
    const char *op;
    const void *attr;
    int32_t rank;
} row;

/* The same with constant inputs behind x. */
typedef struct constant_row {
    row r;
    uint32_t n;
    qns_shape c[2];
} constant_row;

static const qns_clamp_attr relu = {{0, INFINITY}}, relu6 = {{0, 6}}, above = {{-1, INFINITY}},
                            below = {{-INFINITY, 2}}, open_ = {{-INFINITY, INFINITY}};
static const qns_window window = {.rank = 2,
                                  .kernel = {3, 2},
                                  .stride = {2, 1},
                                  .dilation = {1, 2},
                                  .pad_lo = {1, 0},
                                  .pad_hi = {0, 1},
                                  .ceil_mode = 1},
                        columns = {.rank = 2,
                                   .column_major = 1,
                                   .kernel = {2, 2},
                                   .stride = {1, 1},
                                   .dilation = {1, 1}};
static const qns_avgpool_attr avg = {
    .w = {.rank = 2, .kernel = {3, 2}, .stride = {1, 1}, .dilation = {1, 1}, .pad_lo = {1, 1}},
    .include_pad = 1};
static const qns_reshape_attr reshape = {QNS_RESHAPE, 2, 0, {0, -1}},
                              flatten = {QNS_FLATTEN, 1, 0, {2}},
                              squeeze = {QNS_SQUEEZE, 1, 0, {0}},
                              squeeze_all = {QNS_SQUEEZE, 0, 0, {0}},
                              unsqueeze = {QNS_UNSQUEEZE, 2, 0, {0, -1}};
static const qns_mean_attr spatial = {2, 0, {2, 3}}, all = {0, 1, {0}};
static const qns_softmax_attr soft = {1, 0};
static const qns_concat_attr channels = {1};
static const qns_slice_attr slice = {2, {2, -1}, {0, 1}, {INT64_MAX, -1}, {2, 1}};
static const qns_pad_attr pad = {4, {0, 1, 0, 2}, {0, 0, 3, 0}, 0.5, QNS_PAD_CONSTANT};
static const qns_transpose_attr transpose = {4, {0, 2, 3, 1}}, reverse = {0, {0}};
static const qns_split_attr split = {1, 1, {3}};
static const qns_expand_attr expand = {4, {1, 3, 6, 5}};
static const qns_cast_attr cast = {.to = QNS_I64}, cast_u64 = {.to = QNS_U64},
                           cast_half = {.to = QNS_F32, .grid = QNS_CAST_F16},
                           cast_bfloat = {.to = QNS_F32, .grid = QNS_CAST_BF16};
static const qns_layer_norm_attr layer_norm = {.axis = -1, .eps = 0.25f};
static const qns_group_norm_attr instance_norm = {.per_channel = 1, .eps = 0.25f};
static const qns_resize_attr nearest = {.coord = QNS_COORD_ASYMMETRIC,
                                        .round = QNS_ROUND_CEIL,
                                        .n = 4,
                                        .scale = {1, 1, 2, 0.5}},
                             linear = {.mode = QNS_RESIZE_LINEAR,
                                       .coord = QNS_COORD_ALIGN_CORNERS,
                                       .by_size = 1,
                                       .n = 4,
                                       .size = {0, 0, 12, 7}},
                             cubic = {.mode = QNS_RESIZE_CUBIC,
                                      .n = 4,
                                      .scale = {1, 1, 2, 0.5},
                                      .exclude_outside = 1,
                                      .cubic_a = -0.5f},
                             crop = {.mode = QNS_RESIZE_LINEAR,
                                     .coord = QNS_COORD_TF_CROP_AND_RESIZE,
                                     .by_size = 1,
                                     .n = 4,
                                     .size = {0, 0, 12, 7},
                                     .extrapolation = 3,
                                     .roi_from = {0, 0, 0.25f, -0.5f},
                                     .roi_to = {1, 1, 0.75f, 1.5f}};
static const qns_topk_attr top = {1, 2, 0};
static const int64_t by_tanh = 1, by_erf = 0;
static const float alpha[] = {0.25f, 0.75f};
static const qns_conv_attr conv = {
    {.rank = 2, .kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 2}, .pad_lo = {1, 0}}, 3};
static const qns_conv_transpose_attr conv_transpose = {
    .conv = {{.rank = 2, .kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 2}, .pad_lo = {1, 0}},
             3},
    .out_pad = {1, 0}};

/* Own activations with one parameter, two and none; the others are defaults. */
static const qns_recurrent_attr lstm = {.hidden = 1,
                                        .input_forget = 1,
                                        .custom = 1,
                                        .act = {QNS_ACT_HARD_SIGMOID, QNS_ACT_TANH, QNS_ACT_ELU},
                                        .alpha = {0.25f, 0, 0.5f},
                                        .beta = {0.75f},
                                        .clip = 3},
                                gru = {.hidden = 1,
                                       .linear_before_reset = 1,
                                       .act = {QNS_ACT_SIGMOID, QNS_ACT_TANH}},
                                rnn = {
                                    .hidden = 1, .direction = QNS_REVERSE, .act = {QNS_ACT_TANH}};

static const row rows[] = {
    {"clamp", &relu, 4},
    {"clamp", &relu6, 4},
    {"clamp", &above, 4},
    {"clamp", &below, 4},
    {"clamp", &open_, 4},
    {"maxpool", &window, 4},
    {"avgpool", &avg, 4},
    {"reshape", &reshape, 4},
    {"reshape", &flatten, 4},
    {"reshape", &squeeze, 4},
    {"reshape", &squeeze_all, 4},
    {"reshape", &unsqueeze, 4},
    {"mean", &spatial, 4},
    {"mean", &all, 4},
    {"softmax", &soft, 4},
    {"log_softmax", &soft, 4},
    {"concat", &channels, 4},
    {"slice", &slice, 4},
    {"pad", &pad, 4},
    {"transpose", &transpose, 4},
    {"transpose", &reverse, 4},
    {"split", &split, 4},
    {"expand", &expand, 4},
    {"cast", &cast, 4},
    {"cast", &cast_u64, 4},
    {"cast", &cast_half, 4},
    {"cast", &cast_bfloat, 4},
    {"maxpool", &columns, 4},
    {"hardswish", NULL, 4},
    {"resize", &cubic, 4},
    {"resize", &crop, 4},
    {"leaky_relu", alpha, 4},
    {"elu", alpha, 4},
    {"hardsigmoid", alpha, 4},
    {"sigmoid", NULL, 4},
    {"tanh", NULL, 4},
    {"erf", NULL, 4},
    {"identity", NULL, 4},
    {"global_avgpool", NULL, 4},
    {"global_maxpool", NULL, 4},
    {"resize", &nearest, 4},
    {"topk", &top, 4},
    {"gelu", &by_tanh, 4},
    {"gelu", &by_erf, 4},
    {"celu", alpha, 4},
    {"resize", &linear, 4},
};

static const constant_row constant_rows[] = {
    {{"conv", &conv, 4}, 2, {{4, {6, 1, 3, 2}}, {1, {6}}}},
    {{"conv_transpose", &conv_transpose, 4}, 2, {{4, {3, 2, 3, 2}}, {1, {6}}}},
    {{"lstm", &lstm, 3}, 2, {{3, {1, 4, 6}}, {3, {1, 4, 1}}}},
    {{"gru", &gru, 3}, 2, {{3, {1, 3, 6}}, {3, {1, 3, 1}}}},
    {{"rnn", &rnn, 3}, 2, {{3, {1, 1, 6}}, {3, {1, 1, 1}}}},
    {{"prelu", NULL, 4}, 1, {{3, {3, 1, 1}}}},
    {{"layer_norm", &layer_norm, 4}, 2, {{1, {5}}, {1, {5}}}},
    {{"instance_norm", &instance_norm, 4}, 2, {{1, {3}}, {1, {3}}}},
};

/* Writes a node of the row and reads what was written; the attributes must be the same bytes. */
static void round_trip(const row *w, uint32_t n_const, const qns_shape *shapes)
{
    const qns_shape x = op_shape(w->rank, 1, 3, 6, 5);
    const qns_op *op = qns_op_find(w->op);
    const char *const name[] = {"y", "y2"};
    static const float zeros[64];
    const uint32_t n_out = op->n_out == 2 ? 2 : 1;
    qns_graph *g = NULL;
    qns_gb *gb;
    qns_vid in[3], out[2];
    qns_err err = {0};
    cr_assert(op, "%s", w->op);
    cr_assert_eq(qns_gb_create(&gb, "g", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&in[0], gb, "x", QNS_F32, &x, NULL), QNS_OK);
    for (uint32_t i = 0; i < n_const; i++) {
        const qns_const_spec s = {.name = "c", .dtype = QNS_F32, .shape = shapes[i], .data = zeros};
        cr_assert_eq(qns_gb_constant(&in[1 + i], gb, &s, NULL), QNS_OK);
    }
    const qns_node_spec s = {.op = op,
                             .name = "node",
                             .attr = w->attr ? w->attr : "",
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = 1 + n_const,
                             .n_out = n_out,
                             .out_name = name};
    cr_assert_eq(qns_gb_node(out, gb, &s, &err), QNS_OK, "%s: %s", w->op, err.text);
    cr_assert_eq(qns_gb_output(gb, out[0], NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
    reading r = begin("", 13, x);
    qns_onnx_out o = {.attrs = {.arena = r.arena}, .arena = r.arena};
    cr_assert_eq(op->onnx_write(&o, g, qns_graph_node(g, (qns_nid){0}), &err), QNS_OK, "%s: %s",
                 w->op, err.text);
    r.n.type = o.type;
    const qns_onnx_rule *rule;
    int first;
    if (!qns_op_find_onnx(&rule, &first, o.type, 13))
        r.n.opset = first;
    qns_attrs_fini(&r.attrs);
    r.attrs = o.attrs;
    for (uint32_t i = 0; i < n_const; i++)
        add_input(&r, &(qns_tensor){.shape = shapes[i], .data = r.attr});
    for (uint32_t i = 0; i < o.n_extra; i++)
        add_input(&r, &o.extra[i].t);
    r.n.n_out = n_out;
    cr_assert_eq(do_read(&r), QNS_OK, "%s: %s", w->op, r.err.text);
    cr_expect_eq(r.op, op, "%s was written as %s", w->op, o.type);
    cr_expect_null(qns_attrs_unused(&r.attrs), "%s", w->op);
    cr_expect_eq(r.n.n_in, 1 + n_const, "%s", w->op);
    if (op->attr_size)
        cr_expect_eq(memcmp(r.attr, w->attr, op->attr_size), 0, "%s", w->op);
    if (op->describe) {
        char text[8] = {0};
        op->describe(text, sizeof text, qns_graph_node(g, (qns_nid){0}));
        cr_expect_eq(text[7], 0);
    }
    end(&r);
    qns_graph_free(g);
}

Test(op_onnx, what_is_written_reads_back)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(rows); i++)
        round_trip(&rows[i], 0, NULL);
    for (size_t i = 0; i < QNS_ARRAY_LEN(constant_rows); i++)
        round_trip(&constant_rows[i].r, constant_rows[i].n, constant_rows[i].c);
}

Test(op_onnx, quantize_round_trip)
{
    const double scale[] = {0.5, 0.25, 2};
    const int32_t zero[] = {0, 3, -128};
    for (int i = 0; i < 4; i++) {
        reading r =
            begin(i & 1 ? "QuantizeLinear" : "DequantizeLinear", 13, op_shape(4, 2, 3, 4, 5));
        const qns_shape s = op_shape(4, 2, 3, 4, 5);
        qns_quantize_attr a;
        const qns_op *op = qns_op_find(i & 1 ? "quantize" : "dequantize");
        qns_onnx_out o = {.attrs = {.arena = r.arena}, .arena = r.arena};
        if (!(i & 1))
            cr_assert_eq(qns_gb_input(&r.n.in[0], r.gb, "q", QNS_I8, &s, NULL), QNS_OK);
        cr_assert_eq(qns_qparams_new(&a.qp, r.arena, QNS_I8, i & 2 ? 1 : -1, i & 2 ? 3 : 1, scale,
                                     zero, NULL),
                     QNS_OK);
        const qns_node n = {.op = op, .attr = &a};
        cr_assert_eq(op->onnx_write(&o, NULL, &n, NULL), QNS_OK);
        cr_assert_eq(o.n_extra, 2);
        add_input(&r, &o.extra[0].t);
        add_input(&r, &o.extra[1].t);
        qns_attrs_fini(&r.attrs);
        r.attrs = o.attrs;
        cr_assert_eq(do_read(&r), QNS_OK, "%s", r.err.text);
        qns_quantize_attr got;
        memcpy(&got, r.attr, sizeof got);
        cr_expect(qns_qparams_equal(got.qp, a.qp));
        cr_expect_eq(r.n.n_in, 1);
        end(&r);
    }
}

Test(op_onnx, quantize_refuses)
{
    for (int i = 0; i < 5; i++) {
        reading r = begin("QuantizeLinear", 13, op_shape(4, 2, 3, 4, 5));
        float scale[] = {1, i == 1 ? -1.0f : 1, 1, 1};
        uint8_t zero[4] = {0};
        qns_tensor s = {.dtype = QNS_F32, .shape = {1, {3}}, .data = scale};
        qns_tensor z = {.dtype = QNS_U8, .shape = {1, {3}}, .data = zero};
        if (i == 0)
            s.shape.dim[0] = z.shape.dim[0] = 4; /* 3 channels */
        if (i == 2)
            z.shape.dim[0] = 1;
        if (i == 3)
            z.dtype = QNS_I32;
        add_input(&r, &s);
        add_input(&r, &z);
        if (i == 4)
            r.n.in[1] = r.n.in[0]; /* computed at run time */
        cr_expect_neq(do_read(&r), QNS_OK, "%d", i);
        end(&r);
    }
}

Test(op_onnx, older_opsets)
{
    reading r = begin("Clip", 7, op_shape(2, 1, 3, 0, 0));
    cr_assert_eq(qns_attrs_add_float(&r.attrs, "min", 0, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_float(&r.attrs, "max", 3.4e38f, NULL), QNS_OK);
    cr_assert_eq(do_read(&r), QNS_OK);
    qns_range range;
    const qns_node n = {.op = r.op, .attr = r.attr};
    cr_expect(r.op->as_clamp(&range, NULL, &n));
    cr_expect(range.lo == 0.0f && range.hi == 3.4e38f);
    end(&r);

    r = begin("Softmax", 7, op_shape(4, 1, 3, 4, 5));
    cr_assert_eq(do_read(&r), QNS_OK);
    cr_expect_arr_eq(r.attr, (&(qns_softmax_attr){1, 1}), sizeof(qns_softmax_attr));
    end(&r);

    r = begin("Slice", 9, op_shape(4, 1, 3, 4, 5));
    const int64_t starts[] = {0, 1}, ends[] = {2, 3};
    cr_assert_eq(qns_attrs_add_ints(&r.attrs, "starts", starts, 2, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_ints(&r.attrs, "ends", ends, 2, NULL), QNS_OK);
    cr_assert_eq(do_read(&r), QNS_OK);
    const qns_slice_attr want = {2, {0, 1}, {0, 1}, {2, 3}, {1, 1}};
    cr_expect_arr_eq(r.attr, &want, sizeof want);
    end(&r);

    r = begin("ReduceMean", 18, op_shape(4, 1, 3, 4, 5));
    add_ints(&r, 2, 2, 3, 0, 0);
    cr_assert_eq(do_read(&r), QNS_OK);
    const qns_mean_attr mean = {2, 1, {2, 3}};
    cr_expect_arr_eq(r.attr, &mean, sizeof mean);
    end(&r);

    r = begin("Dropout", 12, op_shape(2, 1, 3, 0, 0));
    add_float(&r, 0.5f);
    cr_assert_eq(do_read(&r), QNS_OK);
    cr_expect(r.n.op->is_identity && r.n.n_in == 1);
    end(&r);
}

/* Arguments that are out of bounds or of the wrong kind. */
Test(op_onnx, refuses)
{
    const char *const types[] = {"Reshape", "Unsqueeze", "Slice", "Pad", "Expand", "Split"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++) {
        reading r = begin(types[i], 13, op_shape(4, 1, 3, 4, 5));
        r.n.in[r.n.n_in++] = r.n.in[0]; /* not a constant */
        cr_expect_eq(do_read(&r), QNS_E_UNSUPPORTED, "%s: %s", types[i], r.err.text);
        end(&r);
        r = begin(types[i], 13, op_shape(4, 1, 3, 4, 5));
        add_float(&r, 1);
        cr_expect_eq(do_read(&r), QNS_E_SHAPE, "%s: %s", types[i], r.err.text);
        end(&r);
    }
    reading r = begin("Pad", 13, op_shape(2, 1, 3, 0, 0));
    add_ints(&r, 4, 0, -1, 0, 0);
    cr_expect_eq(do_read(&r), QNS_E_UNSUPPORTED, "cropping");
    end(&r);
    r = begin("Pad", 13, op_shape(2, 1, 3, 0, 0));
    add_ints(&r, 4, 0, 1, 0, 0);
    cr_assert_eq(qns_attrs_add_text(&r.attrs, "mode", "wrap", NULL), QNS_OK);
    cr_expect_eq(do_read(&r), QNS_E_UNSUPPORTED, "mode");
    end(&r);
    r = begin("Clip", 13, op_shape(2, 1, 3, 0, 0));
    add_float(&r, NAN);
    cr_expect_eq(do_read(&r), QNS_E_DATA);
    end(&r);
    r = begin("Concat", 13, op_shape(2, 1, 3, 0, 0));
    cr_expect_eq(do_read(&r), QNS_E_FORMAT, "axis is missing");
    end(&r);
    r = begin("Cast", 13, op_shape(2, 1, 3, 0, 0));
    cr_assert_eq(qns_attrs_add_int(&r.attrs, "to", 8, NULL), QNS_OK);
    cr_expect_eq(do_read(&r), QNS_E_UNSUPPORTED, "strings");
    end(&r);
}
