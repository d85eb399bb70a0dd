/* SPDX-License-Identifier: MIT */
/* pool: windows, means and resizing of codes. */
#include "core/model/elem.h"
#include "core/ops/op_mean.h"
#include "core/ops/op_pool.h"
#include "core/ops/op_resize.h"
#include "golden_op.h"

static const struct {
    const char *name, *backend;
    qns_layout layout;
} ways[] = {{"native_nchw", "fbgemm", QNS_ROW},
            {"native_nhwc", "fbgemm", QNS_CHLAST},
            {"qnnpack_nchw", "qnnpack", QNS_ROW},
            {"qnnpack_nhwc", "qnnpack", QNS_CHLAST}};

static gd_op on_x(gd *c, const char *op, const void *attr)
{
    const qns_qparams *qp = gd_qp_keys(c, QNS_U8, "scale", "zp");
    return (gd_op){.op = op, .attr = attr, .n_in = 1, .in = {gd_codes(c, "x", qp)}, .out_qp = qp};
}

static qns_window window(gd *c, int64_t rank)
{
    qns_window w = {.rank = rank, .ceil_mode = gd_num_or(c, "ceil_mode", 0) != 0};
    gd_ints(w.kernel, c, "kernel", (size_t)rank, 2);
    gd_ints(w.stride, c, "stride", (size_t)rank, 2);
    gd_ints(w.dilation, c, "dilation", (size_t)rank, 1);
    gd_ints(w.pad_lo, c, "padding", (size_t)rank, 0);
    gd_ints(w.pad_hi, c, "padding", (size_t)rank, 0);
    return w;
}

static void in_all_ways(gd *c, const char *what, const char *op, const void *attr)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(ways); i++) {
        const char *field = gd_name(c, "%s_%s", what, ways[i].name);
        gd_op r = on_x(c, op, attr);
        r.be = ways[i].backend;
        r.layout = ways[i].layout;
        if (gd_has(c, field))
            gd_op_check(c, &r, field);
    }
}

static void adaptive(gd *c)
{
    qns_adaptive_attr a = {.n = 2};
    gd_ints(a.size, c, "adaptive_out", 2, 1);
    for (size_t i = 0; i < QNS_ARRAY_LEN(ways); i++) {
        const char *field = gd_name(c, "adaptive_%s", ways[i].name);
        a.planar = ways[i].layout == QNS_ROW;
        gd_op r = on_x(c, "adaptive_avgpool", &a);
        r.be = ways[i].backend;
        r.layout = QNS_CHLAST;
        if (gd_has(c, field))
            gd_op_check(c, &r, field);
    }
}

static qns_avgpool_attr avg_attr(gd *c, int64_t rank)
{
    return (qns_avgpool_attr){.w = window(c, rank),
                              .include_pad = gd_num_or(c, "count_include_pad", 1) != 0,
                              .divisor = gd_int_or(c, "divisor_override", 0)};
}

/* The operator keeps its tensors channels-last and is told which rule to round by. */
static void average(gd *c)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(ways); i++) {
        const char *field = gd_name(c, "avg_%s", ways[i].name);
        qns_avgpool_attr avg = avg_attr(c, 2);
        avg.planar = ways[i].layout == QNS_ROW;
        gd_op r = on_x(c, "avgpool", &avg);
        r.be = ways[i].backend;
        r.layout = QNS_CHLAST;
        if (gd_has(c, field))
            gd_op_check(c, &r, field);
    }
}

/* The channels-last original was compiled with contraction: a code may be off by one at ties (spec
 * section 5.3 counts one in a thousand). */
static void near_ties(gd *c, gd_op *r, const char *field)
{
    qns_tensor out;
    const gd_array want = gd_get(c, field);
    size_t off = 0;
    if (!gd_op_try(&out, c, r))
        gd_stop(c, "%s: no implementation of '%s': %s", field, r->op, r->why);
    if (!qns_shape_equal(&out.shape, &want.shape) || want.elem != QNS_ELEM_U8)
        gd_stop(c, "%s: shape %s", field, qns_shape_str(&out.shape).s);
    for (size_t i = 0; i < want.n; i++) {
        const int got = ((uint8_t *)out.data)[i], is = ((uint8_t *)want.data)[i];
        off += got != is;
        if (got > is + 1 || got < is - 1)
            gd_stop(c, "%s: index %zu: expected %d or a neighbour, got %d", field, i, is, got);
    }
    c->checks++;
    if (off > 2 + want.n / 100)
        gd_fail(c, "%s: %zu of %zu codes are off by one", field, off, want.n);
}

static void resizing(gd *c)
{
    qns_resize_attr a = {.coord = QNS_COORD_ASYMMETRIC,
                         .round = QNS_ROUND_FLOOR,
                         .by_size = 1,
                         .n = 4,
                         .size = {0, 0, (int64_t)gd_num_at(c, "interp_out", 0),
                                  (int64_t)gd_num_at(c, "interp_out", 1)}};
    for (int layout = 0; layout < 2; layout++) {
        gd_op r = on_x(c, "resize", &a);
        r.layout = layout ? QNS_CHLAST : QNS_ROW;
        a.mode = QNS_RESIZE_NEAREST;
        a.coord = QNS_COORD_ASYMMETRIC;
        gd_op_check(c, &r, "nearest");
        a.mode = QNS_RESIZE_LINEAR;
        a.coord = gd_num(c, "align_corners") != 0 ? QNS_COORD_ALIGN_CORNERS : QNS_COORD_HALF_PIXEL;
        gd_op_check(c, &r, "bilinear_nchw");
        near_ties(c, &r, "bilinear_nhwc");
    }
}

static void pool2d(gd *c)
{
    const qns_avgpool_attr avg = avg_attr(c, 2);
    const qns_mean_attr mean = {2, 0, {2, 3}};
    gd_op max = on_x(c, "maxpool", &avg.w);
    max.layout = QNS_CHLAST;
    gd_op_check(c, &max, "max");
    in_all_ways(c, "mean23", "mean", &mean);
    average(c);
    resizing(c);
    adaptive(c);
}

static void pool3d(gd *c)
{
    const qns_avgpool_attr avg = avg_attr(c, 3);
    gd_op r = on_x(c, "avgpool", &avg);
    r.layout = QNS_CHLAST;
    gd_op_check(c, &r, "avg");
    const qns_adaptive_attr to = {.n = 3, .size = {2, 2, 2}, .planar = 1};
    gd_op grid = on_x(c, "adaptive_avgpool", &to);
    grid.layout = QNS_CHLAST;
    gd_op_check(c, &grid, "adaptive");
}

const gd_kind gd_pool_kinds[] = {
    {"pool", "pool2d", pool2d},
    {"pool", "pool3d", pool3d},
    {NULL, NULL, NULL},
};
