/* SPDX-License-Identifier: MIT */
#include "core/graph/tensor.h"

#include "core/base/half.h"
#include "core/graph/element.h"
#include "core/graph/qparams.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <string.h>

size_t qns_tensor_count(const qns_tensor *t)
{
    return qns_shape_count(&t->shape);
}

size_t qns_tensor_bytes(const qns_tensor *t)
{
    return qns_tensor_count(t) * qns_dtype_size(t->dtype);
}

const float *qns_cf32(const qns_tensor *t)
{
    assert(t->dtype == QNS_F32);
    return t->data;
}

float *qns_f32(qns_tensor *t)
{
    assert(t->dtype == QNS_F32);
    return t->data;
}

qns_shape qns_tensor_memory_shape(const qns_tensor *t)
{
    qns_shape m = t->shape;
    if (t->layout == QNS_CHLAST && m.rank >= 3) {
        for (int32_t i = 1; i + 1 < m.rank; i++)
            m.dim[i] = t->shape.dim[i + 1];
        m.dim[m.rank - 1] = t->shape.dim[1];
    }
    return m;
}

int32_t qns_memory_axis(qns_layout layout, int32_t rank, int32_t axis)
{
    if (layout == QNS_ROW || rank < 3 || axis == 0)
        return axis;
    return axis == 1 ? rank - 1 : axis - 1;
}

bool qns_layout_trivial(const qns_shape *s)
{
    return s->rank < 3 || s->dim[1] <= 1 || qns_shape_span(s, 2, s->rank) <= 1;
}

/* dst[j][i] = src[i][j] for elements of one size; the inner block keeps both sides in cache. */
#define TRANSPOSE(name, T)                                                                         \
    static void name(T *dst, const T *src, size_t rows, size_t cols, size_t src_step)              \
    {                                                                                              \
        enum { B = 16 };                                                                           \
        for (size_t i0 = 0; i0 < rows; i0 += B)                                                    \
            for (size_t j0 = 0; j0 < cols; j0 += B)                                                \
                for (size_t i = i0; i < rows && i < i0 + B; i++)                                   \
                    for (size_t j = j0; j < cols && j < j0 + B; j++)                               \
                        dst[j * rows + i] = src[i * src_step + j];                                 \
    }
TRANSPOSE(transpose2, uint16_t)
TRANSPOSE(transpose8, uint64_t)

static void transpose(void *dst, const void *src, size_t size, size_t rows, size_t cols,
                      size_t src_step)
{
    qk_table k;
    if (size == 2) {
        transpose2(dst, src, rows, cols, src_step);
        return;
    }
    if (size == 8) {
        transpose8(dst, src, rows, cols, src_step);
        return;
    }
    assert(size == 1 || size == 4);
    qk_table_init(&k, ~0u);
    if (size == 1)
        k.transpose_b1(dst, src, rows, cols, src_step);
    else
        k.transpose_b4(dst, src, rows, cols, src_step);
}

enum {
    BAND = 64,           /* columns that stay together */
    LEAST = 1 << 14,     /* bytes that one thread turns at least */
    COPY_LEAST = 1 << 17 /* ... or copies */
};

/* Matrices that become their transposes. */
typedef struct turn {
    char *dst;
    const char *src;
    size_t size, rows, cols, bands;
} turn;

/* Bands, counted through all matrices; those of one matrix at once. */
static void turn_bands(const void *ctx, size_t first, size_t end)
{
    const turn *t = ctx;
    while (first < end) {
        const size_t band = first % t->bands, col = band * BAND;
        const size_t n = end - first < t->bands - band ? end - first : t->bands - band;
        const size_t cols = n * BAND < t->cols - col ? n * BAND : t->cols - col;
        const size_t at = first / t->bands * t->rows * t->cols;
        transpose(t->dst + (at + col * t->rows) * t->size, t->src + (at + col) * t->size, t->size,
                  t->rows, cols, t->cols);
        first += n;
    }
}

static void copy_bytes(const void *ctx, size_t first, size_t end)
{
    const turn *t = ctx;
    memcpy(t->dst + first, t->src + first, end - first);
}

/* False where the bytes stay as they are; their number is t->size then. */
static bool lay_turn(turn *t, void *dst, qns_layout dst_layout, const qns_tensor *src)
{
    const size_t size = qns_dtype_size(src->dtype);
    *t = (turn){.dst = dst, .src = src->data, .size = size};
    if (dst_layout == src->layout || qns_layout_trivial(&src->shape)) {
        t->size *= qns_tensor_count(src);
        return false;
    }
    const size_t c = (size_t)src->shape.dim[1], p = qns_shape_span(&src->shape, 2, src->shape.rank);
    t->rows = dst_layout == QNS_CHLAST ? c : p;
    t->cols = dst_layout == QNS_CHLAST ? p : c;
    t->bands = (t->cols + BAND - 1) / BAND;
    return true;
}

void qns_tensor_relayout(void *dst, qns_layout dst_layout, const qns_tensor *src)
{
    turn t;
    if (lay_turn(&t, dst, dst_layout, src))
        turn_bands(&t, 0, (size_t)src->shape.dim[0] * t.bands);
    else
        copy_bytes(&t, 0, t.size);
}

void qns_tensor_relayout_on(qns_team *team, void *dst, qns_layout dst_layout, const qns_tensor *src)
{
    turn t;
    if (lay_turn(&t, dst, dst_layout, src)) {
        const size_t n = (size_t)src->shape.dim[0] * t.bands, each = BAND * t.rows * t.size;
        qns_parallel_ranges(team, n, (LEAST + each - 1) / each, turn_bands, &t);
    } else {
        qns_parallel_ranges(team, t.size, COPY_LEAST, copy_bytes, &t);
    }
}

void qns_tensor_channels(void *dst, const qns_tensor *src, size_t image, size_t first, size_t n)
{
    const size_t size = qns_dtype_size(src->dtype), c = (size_t)src->shape.dim[1];
    const size_t p = qns_shape_span(&src->shape, 2, src->shape.rank);
    assert(src->layout == QNS_CHLAST && first + n <= c);
    transpose(dst, (const char *)src->data + (image * p * c + first) * size, size, p, n, c);
}

/* One element of n, `step` apart; codes have all the same scale. Per tensor in f32 on the wrapped
 * int32 difference; per channel in f64, rounded once (spec section 1). */
#define TO_FLOAT(name, T)                                                                          \
    static void name(float *dst, const T *src, size_t step, size_t n, const qns_qparams *qp,       \
                     size_t channel)                                                               \
    {                                                                                              \
        const double scale = qp->scale[channel];                                                   \
        const int32_t zero = qp->zero[channel];                                                    \
        if (qp->n == 1 && qp->axis < 0)                                                            \
            for (size_t i = 0; i < n; i++)                                                         \
                dst[i] = (float)scale *                                                            \
                         (float)(int32_t)((uint32_t)(int32_t)src[i * step] - (uint32_t)zero);      \
        else                                                                                       \
            for (size_t i = 0; i < n; i++)                                                         \
                dst[i] = (float)((double)((float)src[i * step] - (float)zero) * scale);            \
    }
TO_FLOAT(u8_to_float, uint8_t)
TO_FLOAT(s8_to_float, int8_t)
TO_FLOAT(s32_to_float, int32_t)

/* n elements from number `from` on, `step` apart; codes of one channel. */
static void run_to_float(float *dst, const qns_tensor *src, size_t from, size_t step, size_t n,
                         size_t channel)
{
    if (src->qp && src->dtype == QNS_U8)
        u8_to_float(dst, (const uint8_t *)src->data + from, step, n, src->qp, channel);
    else if (src->qp && src->dtype == QNS_I8)
        s8_to_float(dst, (const int8_t *)src->data + from, step, n, src->qp, channel);
    else if (src->qp)
        s32_to_float(dst, (const int32_t *)src->data + from, step, n, src->qp, channel);
    else
        for (size_t i = 0; i < n; i++) {
            const size_t at = from + i * step;
            dst[i] = src->dtype == QNS_F16 ? qns_half_to_float(((const uint16_t *)src->data)[at])
                                           : qns_int_float(src->dtype, qns_int_at(src, at));
        }
}

void qns_tensor_to_float(float *dst, const qns_tensor *src)
{
    const size_t count = qns_tensor_count(src);
    const bool moves = src->layout == QNS_CHLAST && !qns_layout_trivial(&src->shape);
    if (src->dtype == QNS_F32) {
        qns_tensor_relayout(dst, QNS_ROW, src);
        return;
    }
    /* The destination in order, in runs that are a line in the source and have one scale. */
    const size_t c = moves ? (size_t)src->shape.dim[1] : 1;
    const size_t p = moves ? qns_shape_span(&src->shape, 2, src->shape.rank) : count;
    const int32_t axis = src->qp && src->qp->n > 1 ? src->qp->axis : -1;
    const size_t inner = axis >= 0 ? qns_shape_span(&src->shape, axis + 1, src->shape.rank) : p;
    const size_t channels = axis >= 0 ? (size_t)src->shape.dim[axis] : 1;
    const size_t run = inner < p ? inner : p;
    for (size_t i = 0; run && i < count; i += run) {
        const size_t plane = i / p, from = moves ? (plane / c * p + i % p) * c + plane % c : i;
        run_to_float(dst + i, src, from, c, run, i / inner % channels);
    }
}
