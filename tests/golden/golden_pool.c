/* SPDX-License-Identifier: MIT */
/* pool: windows, means and resizing of codes. */
#include "core/ops/op_mean.h"
#include "core/ops/op_pool.h"
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

static void pool2d(gd *c)
{
    const qns_avgpool_attr avg = avg_attr(c, 2);
    const qns_mean_attr mean = {2, 0, {2, 3}};
    gd_op max = on_x(c, "maxpool", &avg.w);
    max.layout = QNS_CHLAST;
    gd_op_check(c, &max, "max");
    in_all_ways(c, "mean23", "mean", &mean);
    average(c);
    gd_skip(c, "adaptive pools and resizing are not written yet");
}

static void pool3d(gd *c)
{
    const qns_avgpool_attr avg = avg_attr(c, 3);
    gd_op r = on_x(c, "avgpool", &avg);
    r.layout = QNS_CHLAST;
    gd_op_check(c, &r, "avg");
    gd_skip(c, "adaptive pools are not written yet");
}

const gd_kind gd_pool_kinds[] = {
    {"pool", "pool2d", pool2d},
    {"pool", "pool3d", pool3d},
    {NULL, NULL, NULL},
};
