/* SPDX-License-Identifier: MIT */
/* ONNX ConvInteger: the exact int32 convolution of codes whose zero points are inputs. Padding
 * stands for 0, that is for the zero point of the input. The sums wrap. */
#include "core/ops/conv_impl.h"
#include "core/ops/integer_help.h"
#include "core/ops/op_help.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (!qns_is_code(in[0].dtype) || !qns_is_code(in[1].dtype))
        QNS_FAIL(err, SHAPE, "convolves uint8 and int8, has %s and %s", qns_dtype_name(in[0].dtype),
                 qns_dtype_name(in[1].dtype));
    qns_node plain = *n;
    plain.n_in = 2;
    QNS_TRY(qns_conv_infer(out, &plain, in, err));
    out[0].dtype = QNS_I32;
    for (uint32_t i = 2; i < n->n_in; i++) {
        if (in[i].dtype == QNS_DTYPE_COUNT)
            continue;
        const size_t count = qns_tensor_count(&in[i]);
        if (in[i].dtype != in[i - 2].dtype || in[i].shape.rank > 1 ||
            (count != 1 && (i == 2 || (int64_t)count != in[1].shape.dim[0])))
            QNS_FAIL(err, SHAPE, "the zero point in input %u is %s %s, must be %s, one%s", i,
                     qns_dtype_name(in[i].dtype), qns_shape_str(&in[i].shape).s,
                     qns_dtype_name(in[i - 2].dtype), i == 3 ? " or one for each channel" : "");
    }
    return QNS_OK;
}

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_conv_read_attr(attr, n, 1, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    QNS_TRY(qns_conv_write_attr(w, g, n, err));
    w->type = "ConvInteger";
    return QNS_OK;
}

static size_t scratch_size(const qns_call *c)
{
    const qns_conv_attr *a = c->node->attr;
    qns_geom g;
    return qns_window_lay(&g, &a->win, &c->in[0].shape, NULL) == QNS_OK ? g.taps * sizeof(int64_t)
                                                                        : 0;
}

/* One output channel: x is its group of input channels, w its weights. */
static void run_channel(int32_t *y, const qns_geom *g, const int64_t *pixel, size_t at,
                        const qns_ints *x, size_t x_at, const qns_ints *w, size_t w_at, size_t n_ch,
                        int32_t zx, int32_t zw)
{
    uint32_t sum = 0;
    for (size_t ch = 0; ch < n_ch; ch++)
        for (size_t t = 0; t < g->taps; t++)
            if (pixel[t] >= 0)
                sum +=
                    (uint32_t)((qns_int_at(x, x_at + ch * g->in_pixels + (size_t)pixel[t]) - zx) *
                               (qns_int_at(w, w_at + ch * g->taps + t) - zw));
    y[at] = (int32_t)sum;
}

static void run(const qns_call *c)
{
    const qns_conv_attr *a = c->node->attr;
    const qns_ints x = qns_ints_of(&c->in[0]), w = qns_ints_of(&c->in[1]);
    const qns_ints zx = qns_ints_input(c, 2), zw = qns_ints_input(c, 3);
    const size_t in_ch = (size_t)c->in[0].shape.dim[1], out_ch = (size_t)c->out[0].shape.dim[1];
    const size_t n_ch = in_ch / (size_t)a->groups, og = out_ch / (size_t)a->groups;
    int64_t *pixel = c->scratch;
    qns_geom g;
    if (qns_window_lay(&g, &a->win, &c->in[0].shape, NULL) != QNS_OK)
        return; /* infer() has been through the same */
    for (size_t p = 0; p < g.out_pixels; p++) {
        qns_geom_taps(pixel, &g, p);
#pragma omp parallel for schedule(static) if (out_ch * n_ch * g.taps > QNS_PAR_MIN)
        for (size_t o = 0; o < out_ch * (size_t)c->in[0].shape.dim[0]; o++) {
            const size_t image = o / out_ch, ch = o % out_ch;
            run_channel(c->out[0].data, &g, pixel, o * g.out_pixels + p, &x,
                        (image * in_ch + ch / og * n_ch) * g.in_pixels, &w, ch * n_ch * g.taps,
                        n_ch, qns_int_at(&zx, 0), qns_int_at(&zw, ch));
        }
    }
}

static const qns_impl i32 = {.name = "conv_integer.i32",
                             .reject = qns_ints_reject,
                             .scratch_size = scratch_size,
                             .run = run};
static const qns_impl *const impls[] = {&i32, NULL};

static const qns_onnx_rule rules[] = {{"ConvInteger", 10, read_onnx}, {NULL, 0, NULL}};

const qns_op qns_op_conv_integer = {
    .name = "conv_integer",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .attr_size = sizeof(qns_conv_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = qns_conv_macs,
    .describe = qns_conv_describe,
    .impls = impls,
};
