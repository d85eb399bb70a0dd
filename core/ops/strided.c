/* SPDX-License-Identifier: MIT */
/* Walks over arrays in any layout. */
#include "core/ops/strided.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

qns_channels qns_channels_of(const qns_tensor *t, int32_t axis)
{
    const qns_shape m = qns_tensor_memory_shape(t);
    if (axis < 0)
        return (qns_channels){1, 1, qns_shape_count(&m)};
    const int32_t at = qns_memory_axis(t->layout, m.rank, axis);
    return (qns_channels){qns_shape_span(&m, 0, at), (size_t)m.dim[at],
                          qns_shape_span(&m, at + 1, m.rank)};
}

void qns_strides_of(int64_t step[QNS_MAX_RANK], const qns_tensor *t)
{
    const qns_shape m = qns_tensor_memory_shape(t);
    for (int32_t a = 0; a < m.rank; a++) {
        const int32_t at = qns_memory_axis(t->layout, m.rank, a);
        step[a] = (int64_t)qns_shape_span(&m, at + 1, m.rank);
    }
}

/* Sorts the axes by falling destination step, so that the inner loop writes neighbours. */
static void order_axes(qns_block_copy *b)
{
    const int32_t r = b->shape.rank;
    for (int32_t i = 1; i < r; i++)
        for (int32_t k = i; k > 0 && b->dst_step[k] > b->dst_step[k - 1]; k--) {
            const int64_t d = b->shape.dim[k], x = b->dst_step[k], y = b->src_step[k];
            b->shape.dim[k] = b->shape.dim[k - 1];
            b->dst_step[k] = b->dst_step[k - 1];
            b->src_step[k] = b->src_step[k - 1];
            b->shape.dim[k - 1] = d;
            b->dst_step[k - 1] = x;
            b->src_step[k - 1] = y;
        }
}

/* Joins neighbouring axes that both sides walk evenly and drops those of size 1. */
static void merge_axes(qns_block_copy *b)
{
    int32_t r = 0;
    for (int32_t i = 0; i < b->shape.rank; i++) {
        const int64_t n = b->shape.dim[i], ds = b->dst_step[i], ss = b->src_step[i];
        if (n == 1)
            continue;
        if (r > 0 && b->dst_step[r - 1] == ds * n && b->src_step[r - 1] == ss * n) {
            b->shape.dim[r - 1] *= n;
        } else {
            b->shape.dim[r] = n;
            r++;
        }
        b->dst_step[r - 1] = ds;
        b->src_step[r - 1] = ss;
    }
    b->shape.rank = r;
}

static void copy_row(char *dst, const char *src, const qns_block_copy *b, int32_t a)
{
    const int64_t n = b->shape.dim[a], ds = b->dst_step[a], ss = b->src_step[a];
    const int64_t size = (int64_t)b->size;
    if (ds == 1 && ss == 1) {
        memcpy(dst, src, (size_t)(n * size));
        return;
    }
    switch (size) {
    case 1:
        for (int64_t i = 0; i < n; i++)
            dst[i * ds] = src[i * ss];
        break;
    case 4:
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + i * ds * 4, src + i * ss * 4, 4);
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            memcpy(dst + i * ds * size, src + i * ss * size, b->size);
    }
}

static void copy_axis(char *dst, const char *src, const qns_block_copy *b, int32_t a)
{
    if (a == b->shape.rank - 1) {
        copy_row(dst, src, b, a);
        return;
    }
    const int64_t size = (int64_t)b->size;
    for (int64_t i = 0; i < b->shape.dim[a]; i++)
        copy_axis(dst + i * b->dst_step[a] * size, src + i * b->src_step[a] * size, b, a + 1);
}

void qns_copy_block(void *dst, const void *src, const qns_block_copy *b)
{
    qns_block_copy s = *b;
    if (qns_shape_count(&s.shape) == 0)
        return;
    order_axes(&s);
    merge_axes(&s);
    if (s.shape.rank == 0) {
        memcpy(dst, src, s.size);
        return;
    }
    copy_axis(dst, src, &s, 0);
}
