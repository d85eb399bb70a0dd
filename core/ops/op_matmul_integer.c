/* SPDX-License-Identifier: MIT */
/* ONNX MatMulInteger: the exact int32 product of codes whose zero points are inputs, for models
 * that quantize while they run. The sums wrap. */
#include "core/ops/integer_help.h"
#include "core/ops/matmul_shape.h"
#include "core/ops/op_help.h"

/* One zero point, or one for each row of a (column of b). */
static qns_status check_zero(const qns_node *n, const qns_tensor *in, uint32_t i, int64_t count,
                             qns_err *err)
{
    if (i >= n->n_in || in[i].dtype == QNS_DTYPE_COUNT)
        return QNS_OK;
    const size_t got = qns_tensor_count(&in[i]);
    if (in[i].dtype != in[i - 2].dtype || in[i].shape.rank > 1 ||
        (got != 1 && (int64_t)got != count))
        QNS_FAIL(err, SHAPE, "the zero point in input %u is %s %s, must be %s, one or %lld", i,
                 qns_dtype_name(in[i].dtype), qns_shape_str(&in[i].shape).s,
                 qns_dtype_name(in[i - 2].dtype), (long long)count);
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_matmul_shape p;
    if (!qns_is_code(in[0].dtype) || !qns_is_code(in[1].dtype))
        QNS_FAIL(err, SHAPE, "multiplies uint8 and int8, has %s and %s",
                 qns_dtype_name(in[0].dtype), qns_dtype_name(in[1].dtype));
    QNS_TRY(qns_matmul_lay(&p, in, err));
    const int32_t r = p.out.rank;
    QNS_TRY(check_zero(n, in, 2, p.a.dim[r - 2], err));
    QNS_TRY(check_zero(n, in, 3, p.b.dim[r - 1], err));
    QNS_TRY(qns_matmul_infer(out, n, in, err));
    out[0].dtype = QNS_I32;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "MatMulInteger";
    return QNS_OK;
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const qns_shape *a = &in[0].shape;
    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)a->dim[a->rank - 1];
}

static void run(const qns_call *c)
{
    const qns_ints a = qns_ints_of(&c->in[0]), b = qns_ints_of(&c->in[1]);
    const qns_ints za = qns_ints_input(c, 2), zb = qns_ints_input(c, 3);
    int32_t *y = c->out[0].data;
    qns_matmul_shape p;
    if (qns_matmul_lay(&p, c->in, NULL) != QNS_OK)
        return; /* infer() has been through the same */
    const int32_t r = p.out.rank;
    const size_t m = (size_t)p.a.dim[r - 2], k = (size_t)p.a.dim[r - 1];
    const size_t n = (size_t)p.b.dim[r - 1], rows = m * qns_shape_span(&p.out, 0, r - 2);
#pragma omp parallel for schedule(static) if (rows * n * k > QNS_PAR_MIN)
    for (size_t row = 0; row < rows; row++) {
        const size_t at_a = (qns_matmul_matrix(&p.a, &p.out, row / m) * m + row % m) * k;
        const size_t at_b = qns_matmul_matrix(&p.b, &p.out, row / m) * k * n;
        const int32_t zero = qns_int_at(&za, row % m);
        for (size_t j = 0; j < n; j++) {
            const int32_t zero_b = qns_int_at(&zb, j);
            uint32_t sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += (uint32_t)((qns_int_at(&a, at_a + l) - zero) *
                                  (qns_int_at(&b, at_b + l * n + j) - zero_b));
            y[row * n + j] = (int32_t)sum;
        }
    }
}

static const qns_impl i32 = {.name = "matmul_integer.i32", .reject = qns_ints_reject, .run = run};
static const qns_impl *const impls[] = {&i32, NULL};

static const qns_onnx_rule rules[] = {{"MatMulInteger", 10, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_matmul_integer = {
    .name = "matmul_integer",
    .min_in = 2,
    .max_in = 4,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .impls = impls,
};
