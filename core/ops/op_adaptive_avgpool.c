/* SPDX-License-Identifier: MIT */
/* Mean over windows that cut the image into a grid of a given size; neighbours may overlap. ONNX
 * has the grid of one cell only, GlobalAveragePool; other grids are a node of QNS's own domain.
 * Rules on codes: spec section 5.3. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_pool.h"
#include "core/ops/pool.h"

#include <stdio.h>

static void sizes_of(int64_t size[QNS_SPATIAL], const qns_adaptive_attr *a, const qns_shape *in)
{
    for (int32_t i = 0; i < QNS_SPATIAL && i + 2 < in->rank; i++)
        size[i] = a->size[i] ? a->size[i] : in->dim[i + 2];
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_adaptive_attr *a = n->attr;
    const qns_shape *x = &in[0].shape;
    int64_t size[QNS_SPATIAL];

    QNS_TRY(qns_infer_unary(out, n, in, err));
    if (x->rank < 3 || x->rank > 2 + QNS_SPATIAL || x->rank != a->n + 2)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have %lld, from 3 to 5", x->rank,
                 (long long)a->n + 2);
    sizes_of(size, a, x);
    for (int32_t i = 2; i < x->rank; i++) {
        if (x->dim[i] < 1 || x->dim[i] > 1 << 20 || size[i - 2] < 1 || size[i - 2] > 1 << 20)
            QNS_FAIL(err, SHAPE, "axis %d: from %lld to %lld; both must be 1 to 2^20", i,
                     (long long)x->dim[i], (long long)size[i - 2]);
        out[0].shape.dim[i] = size[i - 2];
    }
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_adaptive_attr *a = n->attr;

    bool one = true;

    for (int64_t i = 0; i < a->n; i++)
        one &= a->size[i] == 1;
    w->type = one ? "GlobalAveragePool" : "qns.AdaptiveAveragePool";
    if (one)
        return QNS_OK;
    if (a->planar)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "planar", 1, err));
    return qns_attrs_add_ints(&w->attrs, "output_size", a->size, (size_t)a->n, err);
}

/* output_size: for each spatial axis, 0 for the size of the input. planar: the rounding of codes.
 */
static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_adaptive_attr *a = attr;
    const int64_t *size;
    size_t count;

    QNS_TRY(qns_attrs_ints(&size, &count, n->attrs, "output_size", err));
    QNS_TRY(qns_attrs_int(&a->planar, n->attrs, "planar", 0, err));
    if (count < 1 || count > QNS_SPATIAL)
        QNS_FAIL(err, FORMAT, "attribute 'output_size' has %zu entries, must have 1 to %d", count,
                 QNS_SPATIAL);
    a->planar = a->planar != 0;
    a->n = (int64_t)count;
    for (size_t i = 0; i < count; i++)
        a->size[i] = size[i];
    return QNS_OK;
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&in[0]);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_adaptive_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, "to ");

    for (int64_t i = 0; i < a->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, i ? "x%lld" : "%lld", (long long)a->size[i]);
}

static void run_f32(const qns_call *c)
{
    int64_t size[QNS_SPATIAL];
    sizes_of(size, c->node->attr, &c->in[0].shape);
    qns_pool_adaptive_f32(c, size);
}

static void run_kind(const qns_call *c, qns_mean_kind kind)
{
    int64_t size[QNS_SPATIAL];
    sizes_of(size, c->node->attr, &c->in[0].shape);
    qns_pool_adaptive_u8(c, size, kind);
}

static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_reject_pool_codes(c);
}

/* One channel, or one pixel, lies in planar memory as it does in channels-last. */
static void run_u8(const qns_call *c)
{
    const qns_adaptive_attr *a = c->node->attr;
    const bool planar = a->planar && !qns_layout_trivial(&c->in[0].shape);
    run_kind(c, planar ? QNS_MEAN_ADAPTIVE_PLANAR : QNS_MEAN_ADAPTIVE);
}

static const char *reject_qnnpack(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape, *y = &c->out[0].shape;

    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    if (x->rank != 4)
        return "qnnpack pools 4-dimensional tensors only";
    if (x->dim[2] % y->dim[2] || x->dim[3] % y->dim[3])
        return "qnnpack pools to sizes that divide the input's only";
    if (x->dim[2] == y->dim[2] && x->dim[3] == y->dim[3])
        return "the size does not change";
    return reject_u8(c);
}

static void run_qnnpack(const qns_call *c)
{
    run_kind(c, QNS_MEAN_QNNPACK);
}

static const qns_impl qnnpack = {.name = "adaptive_avgpool.u8.qnnpack",
                                 .reject = reject_qnnpack,
                                 .run = run_qnnpack,
                                 .on_team = true};
static const qns_impl u8 = {
    .name = "adaptive_avgpool.u8.native", .reject = reject_u8, .run = run_u8, .on_team = true};
static const qns_impl f32 = {
    .name = "adaptive_avgpool.f32", .reject = qns_reject_pool_f32, .run = run_f32, .on_team = true};
static const qns_impl *const impls[] = {&qnnpack, &u8, &f32, NULL};

static const qns_onnx_rule rules[] = {{"qns.AdaptiveAveragePool", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_adaptive_avgpool = {
    .name = "adaptive_avgpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_adaptive_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
