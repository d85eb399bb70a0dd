/* SPDX-License-Identifier: MIT */
#include "core/ops/embedding.h"

#include "core/base/half.h"
#include "core/ops/op_help.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static size_t code_size(int bits, size_t dim)
{
    return bits == 8 ? dim : dim / 2;
}

size_t qns_embedding_row_size(int bits, size_t dim)
{
    return code_size(bits, dim) + (bits == 8 ? 2 * sizeof(float) : 2 * sizeof(uint16_t));
}

static qns_status check_size(int bits, size_t dim, qns_err *err)
{
    if (bits != 8 && bits != 4)
        QNS_FAIL(err, SHAPE, "embeddings of %d bits; 8 and 4 are supported", bits);
    if (dim == 0 || dim > INT32_MAX || (bits == 4 && dim % 2))
        QNS_FAIL(err, SHAPE, "rows of %zu numbers%s", dim,
                 dim % 2 ? "; with 4 bits it must be even" : "");
    return QNS_OK;
}

qns_status qns_embedding_check(const qns_embedding *e, size_t table_size, qns_err *err)
{
    QNS_TRY(check_size(e->bits, e->dim, err));
    const size_t row = qns_embedding_row_size(e->bits, e->dim);
    if (table_size / row != e->rows || table_size % row)
        QNS_FAIL(err, SHAPE, "a table of %zu bytes; %zu rows of %zu are needed", table_size,
                 e->rows, row);
    return QNS_OK;
}

void qns_embedding_row(float *scale, float *bias, const qns_embedding *e, size_t row)
{
    const uint8_t *p =
        e->table + row * qns_embedding_row_size(e->bits, e->dim) + code_size(e->bits, e->dim);
    uint16_t half[2];

    if (e->bits == 8) {
        memcpy(scale, p, sizeof *scale);
        memcpy(bias, p + sizeof *scale, sizeof *bias);
        return;
    }
    memcpy(half, p, sizeof half);
    *scale = qns_half_to_float(half[0]);
    *bias = qns_half_to_float(half[1]);
}

static uint8_t code_in(const uint8_t *row, int bits, size_t column)
{
    return bits == 8 ? row[column] : row[column / 2] >> (column % 2 * 4) & 15;
}

uint8_t qns_embedding_at(const qns_embedding *e, size_t row, size_t column)
{
    return code_in(e->table + row * qns_embedding_row_size(e->bits, e->dim), e->bits, column);
}

static qns_status check_index(const qns_bags *b, size_t rows, qns_err *err)
{
    for (size_t i = 0; i < b->n_index; i++)
        if (b->index[i] < 0 || (uint64_t)b->index[i] >= rows)
            QNS_FAIL(err, DATA, "index %" PRId64 " at %zu; the table has %zu rows", b->index[i], i,
                     rows);
    return QNS_OK;
}

static qns_status check_offsets(const qns_bags *b, qns_err *err)
{
    const size_t n = b->n + (b->with_last ? 1 : 0);

    if (!b->offset) {
        if (b->n != b->n_index)
            QNS_FAIL(err, DATA, "%zu indices for %zu bags of one", b->n_index, b->n);
        return QNS_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (i ? b->offset[i] < b->offset[i - 1] : b->offset[i] != 0)
            QNS_FAIL(err, DATA, "offset %" PRId64 " at %zu; offsets start at 0 and never fall",
                     b->offset[i], i);
    if (n && (uint64_t)b->offset[n - 1] > b->n_index)
        QNS_FAIL(err, DATA, "offset %" PRId64 "; there are %zu indices", b->offset[n - 1],
                 b->n_index);
    return QNS_OK;
}

/* out += weight * row, as one multiply-add behind another. */
static void add_row(float *out, const qns_embedding *e, size_t row, float weight)
{
    const uint8_t *codes = e->table + row * qns_embedding_row_size(e->bits, e->dim);
    float scale, bias;

    qns_embedding_row(&scale, &bias, e, row);
    const float by = weight * scale, plus = weight * bias;
    for (size_t j = 0; j < e->dim; j++)
        out[j] = fmaf(by, (float)code_in(codes, e->bits, j), out[j] + plus);
}

static size_t end_of(const qns_bags *b, size_t i)
{
    if (!b->offset)
        return i + 1;
    return i + 1 < b->n || b->with_last ? (size_t)b->offset[i + 1] : b->n_index;
}

qns_status qns_embedding_sum(float *out, const qns_embedding *e, const qns_bags *b, qns_err *err)
{
    QNS_TRY(check_index(b, e->rows, err));
    QNS_TRY(check_offsets(b, err));
#pragma omp parallel for schedule(static) if (b->n_index * e->dim > QNS_PAR_MIN)
    for (size_t i = 0; i < b->n; i++) {
        float *y = out + i * e->dim;

        memset(y, 0, e->dim * sizeof *y);
        for (size_t k = b->offset ? (size_t)b->offset[i] : i; k < end_of(b, i); k++)
            add_row(y, e, (size_t)b->index[k], b->weight ? b->weight[k] : 1.0f);
    }
    return QNS_OK;
}

/* ---- making tables ---- */

static qns_status range_of(float *lo, float *hi, const float *x, size_t n, size_t row, qns_err *err)
{
    *lo = *hi = x[0];
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            QNS_FAIL(err, DATA, "row %zu holds %g", row, (double)x[i]);
        *lo = x[i] < *lo ? x[i] : *lo;
        *hi = x[i] > *hi ? x[i] : *hi;
    }
    if (!isfinite(*hi - *lo))
        QNS_FAIL(err, DATA, "row %zu reaches from %g to %g, too far for a float", row, (double)*lo,
                 (double)*hi);
    return QNS_OK;
}

static uint8_t to_code(float t, int bits)
{
    const float top = bits == 8 ? 255.0f : 15.0f, r = rintf(t);

    return (uint8_t)(r > 0.0f ? (r < top ? r : top) : 0.0f);
}

uint8_t qns_embedding_code(float x, float scale, float zero, int bits)
{
    const float inv = scale == 0.0f ? 1.0f : 1.0f / scale, t = x * inv;

    return to_code(t + zero, bits);
}

qns_status qns_embedding_quantize(uint8_t *codes, float *scale, float *zero, int bits,
                                  const float *w, size_t rows, size_t dim, qns_err *err)
{
    QNS_TRY(check_size(bits, dim, err));
    for (size_t i = 0; i < rows; i++) {
        const float *x = w + i * dim;
        float lo, hi;

        QNS_TRY(range_of(&lo, &hi, x, dim, i, err));
        scale[i] = (hi - lo) / (bits == 8 ? 255.0f : 15.0f);
        if (!(scale[i] > 0x1p-23f))
            scale[i] = 1.0f;
        zero[i] = -lo / scale[i];
        for (size_t j = 0; j < dim; j++)
            codes[i * dim + j] = qns_embedding_code(x[j], scale[i], zero[i], bits);
    }
    return QNS_OK;
}

/* Writes codes and the two numbers of a row. */
static qns_status put_row(uint8_t *out, int bits, const uint8_t *codes, size_t dim, float scale,
                          float bias, size_t row, qns_err *err)
{
    const uint16_t half[2] = {qns_float_to_half(scale), qns_float_to_half(bias)};

    if (bits == 8) {
        memcpy(out, codes, dim);
        memcpy(out + dim, &scale, sizeof scale);
        memcpy(out + dim + sizeof scale, &bias, sizeof bias);
        return QNS_OK;
    }
    if (!isfinite(qns_half_to_float(half[0])) || !isfinite(qns_half_to_float(half[1])))
        QNS_FAIL(err, DATA, "row %zu: scale %g and bias %g do not fit float16", row, (double)scale,
                 (double)bias);
    for (size_t j = 0; j < dim; j += 2)
        out[j / 2] = (uint8_t)(codes[j] | codes[j + 1] << 4);
    memcpy(out + dim / 2, half, sizeof half);
    return QNS_OK;
}

qns_status qns_embedding_pack(uint8_t *table, int bits, const uint8_t *codes, const float *scale,
                              const float *zero, size_t rows, size_t dim, qns_err *err)
{
    QNS_TRY(check_size(bits, dim, err));
    const size_t size = qns_embedding_row_size(bits, dim);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; bits == 4 && j < dim; j++)
            if (codes[i * dim + j] > 15)
                QNS_FAIL(err, DATA, "code %d in row %zu; 4 bits reach to 15", codes[i * dim + j],
                         i);
        QNS_TRY(put_row(table + i * size, bits, codes + i * dim, dim, scale[i],
                        (zero[i] * scale[i]) * -1.0f, i, err));
    }
    return QNS_OK;
}

/* Each step is f32; the small number keeps 255 / range finite. */
static void direct_8(uint8_t *row, const float *x, size_t dim, float lo, float hi)
{
    const float range = hi - lo, scale = range / 255.0f, by = 255.0f / (range + 1e-8f);

    for (size_t j = 0; j < dim; j++)
        row[j] = to_code((x[j] - lo) * by, 8);
    memcpy(row + dim, &scale, sizeof scale);
    memcpy(row + dim + sizeof scale, &lo, sizeof lo);
}

static qns_status direct_4(uint8_t *row, const float *x, size_t dim, float lo, float hi, size_t i,
                           qns_err *err)
{
    const float low = qns_half_to_float(qns_float_to_half(lo)), range = hi - low;
    float scale = qns_half_to_float(qns_float_to_half(range == 0.0f ? 1.0f : range / 15.0f));

    if (!isfinite(low) || !isfinite(scale))
        QNS_FAIL(err, DATA, "row %zu reaches from %g to %g, too far for float16", i, (double)lo,
                 (double)hi);
    if (scale == 0.0f || isinf(1.0f / scale))
        scale = 1.0f;
    const float by = 1.0f / scale;
    const uint16_t half[2] = {qns_float_to_half(scale), qns_float_to_half(low)};
    for (size_t j = 0; j < dim; j += 2)
        row[j / 2] =
            (uint8_t)(to_code((x[j] - low) * by, 4) | to_code((x[j + 1] - low) * by, 4) << 4);
    memcpy(row + dim / 2, half, sizeof half);
    return QNS_OK;
}

qns_status qns_embedding_pack_direct(uint8_t *table, int bits, const float *w, size_t rows,
                                     size_t dim, qns_err *err)
{
    QNS_TRY(check_size(bits, dim, err));
    const size_t size = qns_embedding_row_size(bits, dim);
    for (size_t i = 0; i < rows; i++) {
        float lo, hi;

        QNS_TRY(range_of(&lo, &hi, w + i * dim, dim, i, err));
        if (bits == 8)
            direct_8(table + i * size, w + i * dim, dim, lo, hi);
        else
            QNS_TRY(direct_4(table + i * size, w + i * dim, dim, lo, hi, i, err));
    }
    return QNS_OK;
}
