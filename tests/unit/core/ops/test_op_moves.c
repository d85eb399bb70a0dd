/* SPDX-License-Identifier: MIT */
/* Operators that only move elements, by their definition on indices and in both layouts. */
#include "core/ops/op_moves.h"
#include "op_run.h"

#include <math.h>

typedef struct at {
    int64_t i[4];
} at;

static at index_of(const qns_shape *s, size_t k)
{
    at a = {{0}};
    for (int32_t d = s->rank; d-- > 0;) {
        a.i[d] = (int64_t)(k % (size_t)s->dim[d]);
        k /= (size_t)s->dim[d];
    }
    return a;
}

static float value_at(const qns_tensor *t, at a)
{
    size_t k = 0;
    for (int32_t d = 0; d < t->shape.rank; d++)
        k = k * (size_t)t->shape.dim[d] + (size_t)a.i[d];
    return qns_cf32(t)[k];
}

static op_run start(const char *op, const void *attr, qns_shape s, int layout, uint64_t seed)
{
    qns_rng rng;
    qns_rng_seed(&rng, seed);
    op_run r = {.op = op, .attr = attr, .n_in = 1, .layout = layout ? QNS_CHLAST : QNS_ROW};
    r.in[0] = op_random(&r, &rng, s, -1, 1);
    return r;
}

/* Python: x[a][start:end:step] along one axis of size d. */
typedef struct slice_row {
    int64_t start, end, step, first, n; /* of an axis of 5 */
} slice_row;

static const slice_row slices[] = {
    {0, INT64_MAX, 1, 0, 5},   {1, 4, 1, 1, 3},         {0, INT64_MAX, 2, 0, 3},
    {-2, INT32_MAX, 1, 3, 2},  {1, -1, 2, 1, 2},        {4, 1, 1, 0, 0},
    {-1, INT64_MIN, -1, 4, 5}, {100, -100, -2, 4, 3},   {3, 0, -1, 3, 3},
    {-100, 2, 1, 0, 2},        {0, 5, INT64_MAX, 0, 1}, {4, INT64_MIN, INT64_MIN, 4, 1},
};

Test(op_moves, slice)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(slices) * 8; i++) {
        const slice_row *s = &slices[i / 8];
        const int axis = (int)(i % 4);
        const qns_slice_attr a = {1, {i & 4 ? axis - 4 : axis}, {s->start}, {s->end}, {s->step}};
        op_run r = start("slice", &a, op_shape(4, 5, 5, 5, 5), i & 4, i);
        cr_assert(op_execute(&r));
        cr_assert_eq(r.out[0].shape.dim[axis], s->n, "row %zu", i / 8);
        for (size_t k = 0; k < qns_tensor_count(&r.out[0]); k++) {
            at from = index_of(&r.out[0].shape, k);
            from.i[axis] = s->first + from.i[axis] * (s->n > 1 ? s->step : 0);
            cr_expect_eq(qns_cf32(&r.out[0])[k], value_at(&r.in[0], from));
        }
        op_finish(&r);
    }
    const qns_slice_attr zero = {1, {0}, {0}, {1}, {0}}, twice = {2, {0, -4}, {0}, {1, 1}, {1, 1}};
    op_run r = start("slice", &zero, op_shape(4, 2, 2, 2, 2), 0, 1);
    cr_expect_not(op_execute(&r), "step 0");
    r.attr = &twice;
    cr_expect_not(op_execute(&r), "an axis twice");
    op_finish(&r);
}

/* The shortcut of CIFAR residual networks: every second pixel. */
Test(op_moves, slice_two_axes)
{
    const qns_slice_attr a = {2, {2, 3}, {0, 0}, {INT32_MAX, INT32_MAX}, {2, 2}};
    for (int layout = 0; layout < 2; layout++) {
        op_run r = start("slice", &a, op_shape(4, 2, 3, 6, 7), layout, 2);
        cr_assert(op_execute(&r));
        const qns_shape want = op_shape(4, 2, 3, 3, 4);
        cr_assert(qns_shape_equal(&r.out[0].shape, &want));
        for (size_t k = 0; k < 72; k++) {
            at from = index_of(&want, k);
            from.i[2] *= 2;
            from.i[3] *= 2;
            cr_expect_eq(qns_cf32(&r.out[0])[k], value_at(&r.in[0], from));
        }
        op_finish(&r);
    }
}

Test(op_moves, pad)
{
    const qns_pad_attr a = {4, {0, 2, 1, 0}, {0, 3, 0, 4}, 0.5, QNS_PAD_CONSTANT};
    for (int layout = 0; layout < 2; layout++) {
        op_run r = start("pad", &a, op_shape(4, 2, 3, 4, 5), layout, 3);
        cr_assert(op_execute(&r));
        const qns_shape want = op_shape(4, 2, 8, 5, 9);
        cr_assert(qns_shape_equal(&r.out[0].shape, &want));
        for (size_t k = 0; k < qns_tensor_count(&r.out[0]); k++) {
            at from = index_of(&want, k);
            bool inside = true;
            for (int d = 0; d < 4; d++) {
                from.i[d] -= a.lo[d];
                inside &= from.i[d] >= 0 && from.i[d] < r.in[0].shape.dim[d];
            }
            cr_expect_eq(qns_cf32(&r.out[0])[k], inside ? value_at(&r.in[0], from) : 0.5f);
        }
        op_finish(&r);
    }
    qns_rng rng;
    qns_rng_seed(&rng, 4);
    const qns_pad_attr b = {2, {1, 0}, {0, 1}, 0, QNS_PAD_CONSTANT};
    op_run r = {.op = "pad", .attr = &b, .n_in = 1};
    r.in[0] = op_codes(&r, &rng, op_shape(2, 2, 3, 0, 0), op_qp(&r, QNS_U8, 0.1, 77));
    cr_assert(op_execute(&r));
    const uint8_t *x = r.in[0].data;
    const uint8_t want[] = {77, 77, 77, 77, x[0], x[1], x[2], 77, x[3], x[4], x[5], 77};
    cr_expect_arr_eq(r.out[0].data, want, sizeof want);
    r.in[0].shape = op_shape(3, 1, 2, 3, 0);
    cr_expect_not(op_execute(&r), "another rank");
    op_finish(&r);
}

/* Mirrored at the edge, or the edge repeated, in both layouts. */
Test(op_moves, pad_repeated)
{
    for (int k = 0; k < 4; k++) {
        const bool edge = k & 1;
        const qns_pad_attr a = {
            4, {0, 2, 1, 0}, {0, 1, 0, 4}, 0, edge ? QNS_PAD_EDGE : QNS_PAD_REFLECT};
        op_run r = start("pad", &a, op_shape(4, 2, 3, 4, 5), k >> 1, 9);
        cr_assert(op_execute(&r));
        const qns_shape want = op_shape(4, 2, 6, 5, 9);
        cr_assert(qns_shape_equal(&r.out[0].shape, &want));
        for (size_t i = 0; i < qns_tensor_count(&r.out[0]); i++) {
            at from = index_of(&want, i);
            for (int d = 0; d < 4; d++) {
                const int64_t last = r.in[0].shape.dim[d] - 1;
                from.i[d] -= a.lo[d];
                if (from.i[d] < 0)
                    from.i[d] = edge ? 0 : -from.i[d];
                if (from.i[d] > last)
                    from.i[d] = edge ? last : 2 * last - from.i[d];
            }
            cr_expect_eq(qns_cf32(&r.out[0])[i], value_at(&r.in[0], from));
        }
        op_finish(&r);
    }
    const qns_pad_attr far = {2, {0, 3}, {0, 0}, 0, QNS_PAD_REFLECT};
    op_run r = start("pad", &far, op_shape(2, 2, 3, 0, 0), 0, 9);
    cr_expect_not(op_execute(&r), "farther than the axis is long");
    op_finish(&r);
}

Test(op_moves, transpose)
{
    static const qns_transpose_attr attrs[] = {
        {0, {0}}, {4, {0, 2, 3, 1}}, {4, {0, 3, 1, 2}}, {4, {3, 1, 0, 2}}, {4, {0, 1, 2, 3}}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(attrs) * 2; i++) {
        const qns_transpose_attr *a = &attrs[i / 2];
        op_run r = start("transpose", a, op_shape(4, 2, 3, 4, 5), i & 1, i);
        cr_assert(op_execute(&r));
        for (size_t k = 0; k < 120; k++) {
            const at to = index_of(&r.out[0].shape, k);
            at from;
            for (int d = 0; d < 4; d++)
                from.i[a->n ? a->perm[d] : 3 - d] = to.i[d];
            cr_expect_eq(qns_cf32(&r.out[0])[k], value_at(&r.in[0], from));
        }
        op_finish(&r);
    }
    const qns_transpose_attr twice = {2, {0, 0}}, outside = {2, {0, 2}}, few = {1, {0}};
    const qns_transpose_attr *const bad[] = {&twice, &outside, &few};
    for (int i = 0; i < 3; i++) {
        op_run r = start("transpose", bad[i], op_shape(2, 2, 3, 0, 0), 0, 1);
        cr_expect_not(op_execute(&r));
        cr_expect_eq(r.st, QNS_E_SHAPE);
        op_finish(&r);
    }
}

Test(op_moves, split)
{
    const qns_split_attr even = {1, 3, {0}}, named = {-3, 3, {4, 0, 3}};
    for (int i = 0; i < 4; i++) {
        const qns_split_attr *a = i & 1 ? &named : &even;
        const int64_t size[2][3] = {{3, 3, 1}, {4, 0, 3}};
        op_run r = start("split", a, op_shape(4, 2, 7, 2, 3), i & 2, 5);
        r.n_out = 3;
        cr_assert(op_execute(&r));
        int64_t first = 0;
        for (int p = 0; p < 3; p++) {
            cr_expect_eq(r.out[p].shape.dim[1], size[i & 1][p]);
            for (size_t k = 0; k < qns_tensor_count(&r.out[p]); k++) {
                at from = index_of(&r.out[p].shape, k);
                from.i[1] += first;
                cr_expect_eq(qns_cf32(&r.out[p])[k], value_at(&r.in[0], from));
            }
            first += size[i & 1][p];
        }
        op_finish(&r);
    }
    const qns_split_attr wrong = {1, 2, {3, 3}};
    op_run r = start("split", &wrong, op_shape(2, 2, 7, 0, 0), 0, 1);
    r.n_out = 2;
    cr_expect_not(op_execute(&r), "6 of 7");
    op_finish(&r);
}

Test(op_moves, expand)
{
    const qns_expand_attr a = {4, {2, 1, 4, 5}};
    op_run r = start("expand", &a, op_shape(3, 3, 1, 5, 0), 0, 6);
    cr_assert(op_execute(&r));
    const qns_shape want = op_shape(4, 2, 3, 4, 5);
    cr_assert(qns_shape_equal(&r.out[0].shape, &want));
    for (size_t k = 0; k < 120; k++)
        cr_expect_eq(qns_cf32(&r.out[0])[k], qns_cf32(&r.in[0])[k / 20 % 3 * 5 + k % 5]);
    r.in[0].shape.dim[2] = 4;
    cr_expect_not(op_execute(&r), "4 and 5");
    op_finish(&r);
}

Test(op_moves, gather)
{
    int64_t index[] = {2, 0, -1, 2};
    const qns_gather_attr a = {1};
    op_run r = start("gather", &a, op_shape(3, 2, 3, 4, 0), 0, 7);
    r.n_in = 2;
    r.in[1] = (qns_tensor){.dtype = QNS_I64, .shape = op_shape(2, 2, 2, 0, 0), .data = index};
    cr_assert(op_execute(&r));
    const qns_shape want = op_shape(4, 2, 2, 2, 4);
    cr_assert(qns_shape_equal(&r.out[0].shape, &want));
    for (size_t k = 0; k < 32; k++) {
        const int64_t i = index[k / 4 % 4];
        const at from = {{(int64_t)k / 16, i < 0 ? i + 3 : i, (int64_t)k % 4}};
        cr_expect_eq(qns_cf32(&r.out[0])[k], value_at(&r.in[0], from));
    }
    index[1] = 3;
    cr_expect_not(op_execute(&r), "index outside");
    op_finish(&r);
}

Test(op_moves, cast)
{
    float x[] = {-1.9f, 2.5f, 300, 1e30f, NAN, 0};
    const int64_t i64[] = {-1, 2, 300, INT64_MAX, 0, 0};
    const uint8_t u8[] = {0, 2, 255, 255, 0, 0}, boolean[] = {1, 1, 1, 1, 1, 0};
    const void *const want[] = {i64, u8, boolean};
    const qns_cast_attr attrs[] = {{.to = QNS_I64}, {.to = QNS_U8}, {.to = QNS_BOOL}},
                        back = {.to = QNS_F32};
    for (int i = 0; i < 3; i++) {
        op_run r = {.op = "cast", .attr = &attrs[i], .n_in = 1};
        r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = {1, {6}}, .data = x};
        cr_assert(op_execute(&r));
        cr_expect_arr_eq(r.out[0].data, want[i], qns_tensor_bytes(&r.out[0]));
        op_run f = {.op = "cast", .attr = &back, .n_in = 1};
        f.in[0] = r.out[0];
        cr_assert(op_execute(&f));
        cr_expect_eq(qns_cf32(&f.out[0])[2], i == 0 ? 300 : i == 1 ? 255 : 1);
        op_finish(&f);
        op_finish(&r);
    }
}

/* No operator that takes one tensor may run on what it was not made for. */
Test(op_moves, batch_zero)
{
    const qns_slice_attr s = {1, {2}, {0}, {INT64_MAX}, {-1}};
    const qns_pad_attr p = {4, {0, 1}, {0, 1}, 0, QNS_PAD_CONSTANT};
    const qns_transpose_attr t = {4, {0, 2, 3, 1}};
    const char *const op[] = {"slice", "pad", "transpose"};
    const void *const attr[] = {&s, &p, &t};
    for (int i = 0; i < 6; i++) {
        op_run r = start(op[i / 2], attr[i / 2], op_shape(4, 0, 3, 4, 5), i & 1, 1);
        cr_assert(op_execute(&r));
        cr_expect_eq(r.out[0].shape.dim[0], 0);
        op_finish(&r);
    }
}
