/* SPDX-License-Identifier: MIT */
#include "core/ops/embedding.h"
#include "core/ops/op_embedding_bag.h"
#include "op_run.h"

#include <math.h>

enum { ROWS = 7, DIM = 6, N = 12 };

static qns_tensor ints(op_run *r, qns_shape s, const int64_t *v)
{
    qns_tensor t = {.dtype = QNS_I64, .shape = s};
    t.data = op_bytes(r, qns_tensor_bytes(&t));
    memcpy(t.data, v, qns_tensor_bytes(&t));
    return t;
}

static void set_up(op_run *r, qns_rng *rng, qns_embedding_bag_attr *a, int bits)
{
    const size_t size = qns_embedding_row_size(bits, DIM);
    int64_t index[N];
    *a = (qns_embedding_bag_attr){.bits = bits, .dim = DIM};
    *r = (op_run){.op = "embedding_bag", .attr = a, .n_in = 2, .constants = 1};
    const qns_tensor w = op_random(r, rng, op_shape(2, ROWS, DIM, 0, 0), -2, 3);
    r->in[0] = (qns_tensor){.dtype = QNS_U8, .shape = op_shape(2, ROWS, (int64_t)size, 0, 0)};
    r->in[0].data = op_bytes(r, ROWS * size);
    cr_assert_eq(qns_embedding_pack_direct(r->in[0].data, bits, qns_cf32(&w), ROWS, DIM, NULL),
                 QNS_OK);
    for (size_t i = 0; i < N; i++)
        index[i] = (int64_t)qns_rng_below(rng, ROWS);
    r->in[1] = ints(r, op_shape(1, N, 0, 0, 0), index);
}

static float value(const op_run *r, size_t row, size_t column)
{
    const qns_embedding_bag_attr *a = r->attr;
    const qns_embedding e = {(int)a->bits, ROWS, DIM, r->in[0].data};
    float scale, bias;
    qns_embedding_row(&scale, &bias, &e, row);
    return fmaf(scale, qns_embedding_at(&e, row, column), bias);
}

/* A bag of one is the row; the offsets only group. */
Test(embedding_bag, lookup_and_bags)
{
    const int64_t offset[] = {0, 0, 5, N};
    qns_rng rng;
    qns_rng_seed(&rng, 41);
    for (int bits = 4; bits <= 8; bits += 4) {
        qns_embedding_bag_attr a;
        op_run r;
        set_up(&r, &rng, &a, bits);
        const int64_t *index = r.in[1].data;
        r.in[1].shape = op_shape(2, 3, N / 3, 0, 0);
        cr_assert(op_execute(&r));
        const qns_shape want = op_shape(3, 3, N / 3, DIM, 0);
        cr_expect(qns_shape_equal(&r.out[0].shape, &want));
        for (size_t i = 0; i < (size_t)N * DIM; i++)
            cr_expect_eq(qns_f32(&r.out[0])[i], value(&r, (size_t)index[i / DIM], i % DIM));
        r.in[1].shape = op_shape(1, N, 0, 0, 0);
        r.in[2] = ints(&r, op_shape(1, 4, 0, 0, 0), offset);
        r.in[3] = op_random(&r, &rng, op_shape(1, N, 0, 0, 0), -1, 1);
        r.n_in = 4;
        a.with_last = true;
        cr_assert(op_execute(&r));
        cr_expect_eq(r.out[0].shape.dim[0], 3);
        for (size_t b = 0; b < 3; b++)
            for (size_t j = 0; j < DIM; j++) {
                double sum = 0;
                for (size_t k = (size_t)offset[b]; k < (size_t)offset[b + 1]; k++)
                    sum += (double)qns_cf32(&r.in[3])[k] * (double)value(&r, (size_t)index[k], j);
                cr_expect_float_eq((double)qns_f32(&r.out[0])[b * DIM + j], sum, 1e-5);
            }
        op_finish(&r);
    }
}

Test(embedding_bag, bad_input)
{
    qns_embedding_bag_attr a;
    qns_rng rng;
    op_run r;
    qns_rng_seed(&rng, 42);
    set_up(&r, &rng, &a, 8);
    ((int64_t *)r.in[1].data)[3] = ROWS;
    cr_assert(op_execute(&r));
    cr_expect(isnan(qns_f32(&r.out[0])[0]));
    r.want_refusal = true;
    a.bits = 4;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    a.bits = 8;
    a.dim = -1;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    a.dim = DIM;
    r.in[1].dtype = QNS_F32;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    op_finish(&r);
}
