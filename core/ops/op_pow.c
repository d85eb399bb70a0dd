/* SPDX-License-Identifier: MIT */
/* Power, with broadcasting; the exponent may have another type than the base, which gives the type
 * of the result. */
#include "core/ops/binary.h"
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    for (int i = 0; i < 2; i++)
        if (in[i].dtype != QNS_F32 && !qns_is_int(in[i].dtype))
            QNS_FAIL(err, UNSUPPORTED, "a power of %s", qns_dtype_name(in[i].dtype));
    out[0].dtype = in[0].dtype;
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &in[1].shape, err);
}

/* x * x is rounded once, like the power in double. */
static inline float power(float x, float y)
{
    return y == 2.0f ? x * x : (float)pow((double)x, (double)y);
}

QNS_BINARY_ROW(row_f32, float, power(x, y))

static void run_f32(const qns_call *c)
{
    qns_binary_run(c, row_f32, NULL);
}

/* Wraps around like a product of integers. */
static int64_t power_int(int64_t base, int64_t exponent, bool is_signed)
{
    uint64_t r = 1, b = (uint64_t)base, e = (uint64_t)exponent;
    if (is_signed && exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    for (; e; e >>= 1, b *= b)
        if (e & 1)
            r *= b;
    return (int64_t)r;
}

static void run_mixed(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *y = &c->in[1], *out = &c->out[0];
    const size_t n = qns_tensor_count(out);
    qns_walk w;
    qns_walk_init(&w, &out->shape);
    qns_walk_broadcast(&w, 0, &x->shape);
    qns_walk_broadcast(&w, 1, &y->shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w)) {
        const size_t a = (size_t)w.pos[0], b = (size_t)w.pos[1];
        if (x->dtype == QNS_F32)
            qns_f32(&c->out[0])[i] = (float)pow(qns_real_at(x, a), qns_real_at(y, b));
        else if (y->dtype != QNS_F32)
            qns_int_put(out, i, power_int(qns_int_at(x, a), qns_int_at(y, b), y->dtype != QNS_U64));
        else
            qns_int_put(out, i,
                        qns_int_of_real(out->dtype, pow(qns_real_at(x, a), qns_real_at(y, b))));
    }
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Pow";
    return QNS_OK;
}

static const qns_impl f32 = {
    .name = "pow.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl mixed = {
    .name = "pow.mixed", .reject = qns_reject_not_plain, .run = run_mixed};
static const qns_impl *const impls[] = {&f32, &mixed, NULL};

static const qns_onnx_rule rules[] = {{"Pow", 7, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_pow = {
    .name = "pow",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
