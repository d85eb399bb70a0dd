/* SPDX-License-Identifier: MIT */
/* Remainder, with broadcasting: of integers with the sign of the divisor, or, with fmod, with the
 * sign of the dividend, which is the only form for floats. Of a division by 0 it is 0 or NaN. */
#include "core/ops/binary.h"
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>

typedef struct mod_attr {
    int64_t fmod;
} mod_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != in[1].dtype || (in[0].dtype != QNS_F32 && !qns_is_int(in[0].dtype)))
        QNS_FAIL(err, SHAPE, "the remainder of %s and %s", qns_dtype_name(in[0].dtype),
                 qns_dtype_name(in[1].dtype));
    if (in[0].dtype == QNS_F32 && !((const mod_attr *)n->attr)->fmod)
        QNS_FAIL(err, SHAPE, "the remainder of floats needs attribute 'fmod' 1");
    out[0].dtype = in[0].dtype;
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_int(&((mod_attr *)attr)->fmod, n->attrs, "fmod", 0, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Mod";
    return qns_attrs_add_int(&w->attrs, "fmod", ((const mod_attr *)n->attr)->fmod, err);
}

static int64_t remainder_of(int64_t x, int64_t y, bool as_fmod)
{
    if (y == 0 || y == -1) /* the smallest number by -1 would overflow */
        return 0;
    const int64_t r = x % y;
    return !as_fmod && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t remainder_at(const qns_call *c, size_t a, size_t b, bool as_fmod)
{
    const int64_t x = qns_int_at(&c->in[0], a), y = qns_int_at(&c->in[1], b);
    if (c->out[0].dtype == QNS_U64)
        return y ? (int64_t)((uint64_t)x % (uint64_t)y) : 0;
    return remainder_of(x, y, as_fmod);
}

static void run(const qns_call *c)
{
    const bool as_fmod = ((const mod_attr *)c->node->attr)->fmod != 0;
    const size_t n = qns_tensor_count(&c->out[0]);
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    qns_walk_broadcast(&w, 0, &c->in[0].shape);
    qns_walk_broadcast(&w, 1, &c->in[1].shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w)) {
        const size_t a = (size_t)w.pos[0], b = (size_t)w.pos[1];
        if (c->out[0].dtype == QNS_F32)
            qns_f32(&c->out[0])[i] = fmodf(qns_cf32(&c->in[0])[a], qns_cf32(&c->in[1])[b]);
        else
            qns_int_put(&c->out[0], i, remainder_at(c, a, b, as_fmod));
    }
}

static const qns_impl any = {.name = "mod", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Mod", 10, read}, {NULL, 0, NULL}};

const qns_op qns_op_mod = {
    .name = "mod",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(mod_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
