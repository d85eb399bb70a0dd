/* SPDX-License-Identifier: MIT */
/* Numbers from a start to before a limit, in steps. All three are constants, because they give the
 * shape. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>

typedef struct range_attr {
    int64_t n;
} range_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    for (int i = 0; i < 3; i++)
        if (in[i].dtype != in[0].dtype || in[i].dtype == QNS_F16 || qns_tensor_count(&in[i]) != 1)
            QNS_FAIL(err, SHAPE, "start, limit and step must be single numbers of one type");
    out[0].dtype = in[0].dtype;
    out[0].shape = (qns_shape){.rank = 1, .dim = {((const range_attr *)n->attr)->n}};
    return qns_shape_check(&out[0].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    static const char *const name[] = {"start", "limit", "delta"};
    double v[3];
    for (uint32_t i = 0; i < 3; i++) {
        qns_tensor t;
        QNS_TRY(qns_onnx_constant(&t, n, i, name[i], err));
        if (qns_tensor_count(&t) != 1 || t.dtype == QNS_F16)
            QNS_FAIL(err, SHAPE, "input '%s' must be one number", name[i]);
        v[i] = qns_real_at(&t, 0);
    }
    const double count = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || isnan(count) || count > INT32_MAX)
        QNS_FAIL(err, DATA, "a range from %g to %g by %g", v[0], v[1], v[2]);
    ((range_attr *)attr)->n = count < 0 ? 0 : (int64_t)count;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Range";
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%lld numbers", (long long)((const range_attr *)n->attr)->n);
}

static void run(const qns_call *c)
{
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++) {
        if (c->out[0].dtype == QNS_F32)
            qns_f32(&c->out[0])[i] =
                (float)(qns_real_at(&c->in[0], 0) + (double)i * qns_real_at(&c->in[2], 0));
        else
            qns_int_put(&c->out[0], i,
                        (int64_t)((uint64_t)qns_int_at(&c->in[0], 0) +
                                  i * (uint64_t)qns_int_at(&c->in[2], 0)));
    }
}

static const qns_impl any = {.name = "range", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Range", 11, read}, {NULL, 0, NULL}};

const qns_op qns_op_range = {
    .name = "range",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(range_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
