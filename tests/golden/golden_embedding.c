/* SPDX-License-Identifier: MIT */
/* embedding: tables of 8 and 4 bits, and their bags. */
#include "core/base/half.h"
#include "core/model/elem.h"
#include "core/ops/embedding.h"
#include "golden_case.h"

static const int64_t *indices(gd *c, const char *field, size_t *n)
{
    const gd_array a = gd_get(c, field);
    if (a.elem != QNS_ELEM_I64)
        gd_stop(c, "array '%s' is not int64", field);
    *n = a.n;
    return a.data;
}

static void check_codes(gd *c, const qns_embedding *e, const uint8_t *codes, const qns_shape *s)
{
    const size_t n = e->bits == 8 ? e->dim : e->dim / 2;
    const size_t size = qns_embedding_row_size(e->bits, e->dim);
    uint8_t *packed = gd_mem(c, e->rows, n);
    for (size_t i = 0; i < e->rows; i++)
        memcpy(packed + i * n, e->table + i * size, n);
    const qns_shape ps = {2, {(int64_t)e->rows, (int64_t)n}};
    gd_same(c, e->bits == 8 ? "q8" : "q4_unpacked", codes, QNS_ELEM_U8, s);
    gd_same(c, e->bits == 8 ? "q8" : "q4_packed", packed, QNS_ELEM_U8, &ps);
}

static void check_rows(gd *c, const qns_embedding *e, const float *scale, const float *zero)
{
    float *bias = gd_mem(c, e->rows, sizeof *bias);
    uint16_t *half = gd_mem(c, 2 * e->rows, sizeof *half);
    const qns_shape s = {1, {(int64_t)e->rows}};
    for (size_t i = 0; i < e->rows; i++) {
        float stored;
        qns_embedding_row(&stored, &bias[i], e, i);
        half[i] = qns_float_to_half(stored);
        half[e->rows + i] = qns_float_to_half(bias[i]);
    }
    if (e->bits == 8) {
        gd_same(c, "scale8", scale, QNS_ELEM_F32, &s);
        gd_same(c, "zp8", zero, QNS_ELEM_F32, &s);
        gd_same(c, "bias8", bias, QNS_ELEM_F32, &s);
    } else {
        gd_same(c, "scale4_f16", half, QNS_ELEM_U16, &s);
        gd_same(c, "bias4_f16", half + e->rows, QNS_ELEM_U16, &s);
    }
}

static void check_bits(gd *c, int bits)
{
    const qns_shape ws = gd_get(c, "w").shape;
    if (ws.rank != 2 || ws.dim[1] < 1 || (bits == 4 && ws.dim[1] % 2))
        gd_stop(c, "the table has shape %s", qns_shape_str(&ws).s);
    const size_t rows = (size_t)ws.dim[0], dim = (size_t)ws.dim[1];
    uint8_t *codes = gd_mem(c, rows, dim);
    uint8_t *table = gd_mem(c, rows, qns_embedding_row_size(bits, dim));
    float *scale = gd_mem(c, rows, sizeof *scale), *zero = gd_mem(c, rows, sizeof *zero);
    const qns_embedding e = {bits, rows, dim, table};
    qns_bags b = {.with_last = gd_num_or(c, "include_last_offset", 1) != 0};
    qns_err err = {0};
    size_t n;
    gd_ok(
        c,
        qns_embedding_quantize(codes, scale, zero, bits, gd_floats(c, "w", NULL), rows, dim, &err),
        &err, "quantize");
    gd_ok(c, qns_embedding_pack(table, bits, codes, scale, zero, rows, dim, &err), &err, "pack");
    check_codes(c, &e, codes, &ws);
    check_rows(c, &e, scale, zero);
    b.index = indices(c, "indices", &b.n_index);
    b.offset = indices(c, "offsets_with_last", &n);
    b.n = n - b.with_last;
    if (n < 1)
        gd_stop(c, "there are no offsets");
    if (gd_has(c, "per_sample_weights")) {
        b.weight = gd_floats(c, "per_sample_weights", &n);
        if (n != b.n_index)
            gd_stop(c, "%zu weights for %zu indices", n, b.n_index);
    }
    float *out = gd_mem(c, b.n * dim, sizeof *out);
    gd_ok(c, qns_embedding_sum(out, &e, &b, &err), &err, "sum");
    gd_same_floats(c, bits == 8 ? "y8" : "y4", out, b.n * dim);
}

static void bag(gd *c)
{
    check_bits(c, 8);
    check_bits(c, 4);
}

const gd_kind gd_embedding_kinds[] = {{"embedding", "embedding_bag", bag}, {NULL, NULL, NULL}};
