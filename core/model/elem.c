/* SPDX-License-Identifier: MIT */
#include "core/model/elem.h"

#include "core/graph/element.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Blocks on the way through double, which holds every type but the 64-bit integers exactly. */
enum { BLOCK = 512 };

static const struct {
    const char *name;
    uint8_t size;
} row[QNS_ELEM_COUNT] = {
    [QNS_ELEM_BOOL] = {"bool", 1},   [QNS_ELEM_I8] = {"int8", 1},
    [QNS_ELEM_U8] = {"uint8", 1},    [QNS_ELEM_I16] = {"int16", 2},
    [QNS_ELEM_U16] = {"uint16", 2},  [QNS_ELEM_I32] = {"int32", 4},
    [QNS_ELEM_U32] = {"uint32", 4},  [QNS_ELEM_I64] = {"int64", 8},
    [QNS_ELEM_U64] = {"uint64", 8},  [QNS_ELEM_F16] = {"float16", 2},
    [QNS_ELEM_F32] = {"float32", 4}, [QNS_ELEM_F64] = {"float64", 8},
};

size_t qns_elem_size(qns_elem e)
{
    assert(e < QNS_ELEM_COUNT);
    return row[e].size;
}

const char *qns_elem_name(qns_elem e)
{
    assert(e < QNS_ELEM_COUNT);
    return row[e].name;
}

bool qns_elem_is_float(qns_elem e)
{
    return e >= QNS_ELEM_F16;
}

qns_elem qns_elem_find(const char *name)
{
    qns_elem e = 0;
    while (e < QNS_ELEM_COUNT && strcmp(row[e].name, name) != 0)
        e++;
    return e;
}

qns_elem qns_elem_of(qns_dtype t)
{
    static const qns_elem of[QNS_DTYPE_COUNT] = {
        [QNS_F32] = QNS_ELEM_F32,   [QNS_F16] = QNS_ELEM_F16, [QNS_U8] = QNS_ELEM_U8,
        [QNS_I8] = QNS_ELEM_I8,     [QNS_I32] = QNS_ELEM_I32, [QNS_I64] = QNS_ELEM_I64,
        [QNS_BOOL] = QNS_ELEM_BOOL, [QNS_I16] = QNS_ELEM_I16, [QNS_U16] = QNS_ELEM_U16,
        [QNS_U32] = QNS_ELEM_U32,   [QNS_U64] = QNS_ELEM_U64,
    };
    assert(t < QNS_DTYPE_COUNT);
    return of[t];
}

#define LOAD(T)                                                                                    \
    do {                                                                                           \
        const T *p = in;                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (double)p[i];                                                                 \
    } while (0)

static void load_doubles(double *out, const void *in, qns_elem from, size_t n)
{
    switch (from) {
    case QNS_ELEM_BOOL:
        for (size_t i = 0; i < n; i++)
            out[i] = ((const uint8_t *)in)[i] != 0;
        break;
    case QNS_ELEM_I8:
        LOAD(int8_t);
        break;
    case QNS_ELEM_U8:
        LOAD(uint8_t);
        break;
    case QNS_ELEM_I16:
        LOAD(int16_t);
        break;
    case QNS_ELEM_U16:
        LOAD(uint16_t);
        break;
    case QNS_ELEM_I32:
        LOAD(int32_t);
        break;
    case QNS_ELEM_U32:
        LOAD(uint32_t);
        break;
    case QNS_ELEM_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = (double)qns_half_to_float(((const uint16_t *)in)[i]);
        break;
    case QNS_ELEM_F32:
        LOAD(float);
        break;
    default:
        assert(from == QNS_ELEM_F64);
        LOAD(double);
    }
}

typedef enum reason { NOT_FINITE, NOT_WHOLE, TOO_LARGE } reason;

static bool refuse(qns_misfit *bad, size_t at, reason r, qns_dtype to)
{
    bad->at = at;
    if (r == NOT_FINITE)
        snprintf(bad->why, sizeof bad->why, "is not a finite number");
    else if (r == NOT_WHOLE)
        snprintf(bad->why, sizeof bad->why, "is not a whole number, as %s needs",
                 qns_dtype_name(to));
    else
        snprintf(bad->why, sizeof bad->why, "does not fit %s", qns_dtype_name(to));
    return false;
}

static bool refuse_double(qns_misfit *bad, size_t at, double v, reason r, qns_dtype to)
{
    if (isnan(v))
        snprintf(bad->value, sizeof bad->value, "nan");
    else
        snprintf(bad->value, sizeof bad->value, "%.9g", v);
    return refuse(bad, at, r, to);
}

static bool store_floats(void *out, qns_dtype to, const double *in, size_t n, bool finite,
                         qns_misfit *bad)
{
    for (size_t i = 0; i < n; i++) {
        const bool in_finite = isfinite(in[i]);
        if (!in_finite && finite)
            return refuse_double(bad, i, in[i], NOT_FINITE, to);
        const float f = (float)in[i];
        const uint16_t h = to == QNS_F16 ? qns_float_to_half(f) : 0;
        if (in_finite && (!isfinite(f) || (h & 0x7c00) == 0x7c00))
            return refuse_double(bad, i, in[i], TOO_LARGE, to);
        if (to == QNS_F16)
            ((uint16_t *)out)[i] = h;
        else
            ((float *)out)[i] = f;
    }
    return true;
}

/* True when v is whole and one of the type's values. */
static bool check_integer(qns_misfit *bad, qns_dtype to, size_t i, double v)
{
    if (!isfinite(v))
        return refuse_double(bad, i, v, NOT_FINITE, to);
    if (v != nearbyint(v))
        return refuse_double(bad, i, v, NOT_WHOLE, to);
    /* The limits of the 64-bit types are no doubles: what is next above them does not fit. */
    const double top = to == QNS_I64 ? 0x1p63 : to == QNS_U64 ? 0x1p64 : qns_int_max(to) + 1.0;
    if (v < qns_int_real(to, qns_int_min(to)) || v >= top)
        return refuse_double(bad, i, v, TOO_LARGE, to);
    return true;
}

static bool store_integers(void *out, qns_dtype to, const double *in, size_t n, qns_misfit *bad)
{
    const qns_tensor t = {.dtype = to, .data = out};
    for (size_t i = 0; i < n; i++) {
        if (!check_integer(bad, to, i, in[i]))
            return false;
        qns_int_put(&t, i, qns_int_of_real(to, in[i]));
    }
    return true;
}

/* An int64, or a uint64 by its bits, to an integer type. */
static bool fits_integer(qns_dtype to, int64_t v, bool is_signed)
{
    const bool beyond = !is_signed && v < 0; /* 2^63 and more */
    if (to == QNS_U64)
        return !is_signed || v >= 0;
    return !beyond && v >= qns_int_min(to) && v <= qns_int_max(to);
}

/* int64 and uint64, which double does not hold. */
static bool convert_wide(void *out, qns_dtype to, const void *in, qns_elem from, size_t n,
                         qns_misfit *bad)
{
    const bool is_signed = from == QNS_ELEM_I64;
    const qns_tensor t = {.dtype = to, .data = out};
    for (size_t i = 0; i < n; i++) {
        uint64_t u;
        memcpy(&u, (const char *)in + 8 * i, 8);
        const int64_t s = (int64_t)u;
        const float f = is_signed ? (float)s : (float)u;
        bool fits = true;
        if (to == QNS_F32) {
            ((float *)out)[i] = f;
        } else if (to == QNS_F16) {
            const uint16_t h = qns_float_to_half(f);
            fits = (h & 0x7c00) != 0x7c00;
            ((uint16_t *)out)[i] = h;
        } else {
            fits = fits_integer(to, s, is_signed);
            qns_int_put(&t, i, s);
        }
        if (!fits) {
            if (is_signed)
                snprintf(bad->value, sizeof bad->value, "%" PRId64, s);
            else
                snprintf(bad->value, sizeof bad->value, "%" PRIu64, u);
            return refuse(bad, i, TOO_LARGE, to);
        }
    }
    return true;
}

bool qns_elem_convert(void *out, qns_dtype to, const void *in, qns_elem from, size_t n, bool finite,
                      qns_misfit *bad)
{
    if (from == QNS_ELEM_I64 || from == QNS_ELEM_U64)
        return convert_wide(out, to, in, from, n, bad);
    for (size_t at = 0; at < n; at += BLOCK) {
        double buf[BLOCK];
        const size_t m = n - at < BLOCK ? n - at : BLOCK;
        char *dst = (char *)out + at * qns_dtype_size(to);
        load_doubles(buf, (const char *)in + at * qns_elem_size(from), from, m);
        const bool fits = to == QNS_F32 || to == QNS_F16
                              ? store_floats(dst, to, buf, m, finite, bad)
                              : store_integers(dst, to, buf, m, bad);
        if (!fits) {
            bad->at += at;
            return false;
        }
    }
    return true;
}
