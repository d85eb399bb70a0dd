/* SPDX-License-Identifier: MIT */
/* Verdicts of a case, and reading its numbers and arrays. */
#include "golden_case.h"

#include "core/base/mem.h"
#include "core/model/npy_header.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- verdicts ---- */

static void complain(gd *c, const char *fmt, va_list args)
{
    c->failures++;
    if (c->failures > 8) /* the first ones tell enough */
        return;
    printf("FAILED %s case %zu (%s): ", c->file, c->index, c->kind);
    vprintf(fmt, args);
    printf("\n");
}

void gd_fail(gd *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    complain(c, fmt, args);
    va_end(args);
}

void gd_stop(gd *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    complain(c, fmt, args);
    va_end(args);
    longjmp(c->stop, 1);
}

void gd_skip(gd *c, const char *fmt, ...)
{
    va_list args;
    if (c->skipped[0])
        return;
    va_start(args, fmt);
    vsnprintf(c->skipped, sizeof c->skipped, fmt, args);
    va_end(args);
}

void gd_ok(gd *c, qns_status st, const qns_err *err, const char *what)
{
    if (st != QNS_OK)
        gd_stop(c, "%s: %s%s%s", what, err->text, err->trail[0] ? ": " : "", err->trail);
}

void gd_defer(gd *c, void (*release)(void *p), void *p)
{
    if (c->n_defer == GD_MAX_DEFER) {
        release(p);
        gd_stop(c, "too many things to free");
    }
    c->defer[c->n_defer].free = release;
    c->defer[c->n_defer++].p = p;
}

void *gd_mem(gd *c, size_t n, size_t size)
{
    void *p = qns_arena_get(c->arena, n ? n : 1, size);
    if (!p)
        gd_stop(c, "out of memory");
    return p;
}

const char *gd_name(gd *c, const char *fmt, ...)
{
    char *s = gd_mem(c, 256, 1);
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(s, 256, fmt, args);
    va_end(args);
    if (n >= 256)
        gd_stop(c, "the name '%s...' is too long", s);
    return s;
}

const char *gd_field(gd *c, const char *prefix, size_t i)
{
    return gd_name(c, "%s%zu", prefix, i);
}

/* ---- numbers ---- */

static bool number_of(double *out, const json_t *v)
{
    if (json_is_boolean(v))
        *out = json_boolean_value(v);
    else if (json_is_number(v))
        *out = json_number_value(v);
    else
        return false;
    return true;
}

double gd_num_or(gd *c, const char *key, double def)
{
    const json_t *v = json_object_get(c->json, key);
    double x = def;
    if (v && !json_is_null(v) && !number_of(&x, v))
        gd_stop(c, "'%s' is no number", key);
    return x;
}

double gd_num(gd *c, const char *key)
{
    const json_t *v = json_object_get(c->json, key);
    double x;
    if (!v || !number_of(&x, v))
        gd_stop(c, "no number '%s'", key);
    return x;
}

static int64_t whole(gd *c, const char *key, double x)
{
    if (!(fabs(x) < 0x1p53) || x != floor(x))
        gd_stop(c, "'%s' is no integer", key);
    return (int64_t)x;
}

int64_t gd_int(gd *c, const char *key)
{
    return whole(c, key, gd_num(c, key));
}

int64_t gd_int_or(gd *c, const char *key, int64_t def)
{
    return whole(c, key, gd_num_or(c, key, (double)def));
}

const char *gd_text(gd *c, const char *key)
{
    return json_string_value(json_object_get(c->json, key));
}

double gd_num_at(gd *c, const char *key, size_t i)
{
    double x;
    const json_t *v = json_array_get(json_object_get(c->json, key), i);
    if (!v || !number_of(&x, v))
        gd_stop(c, "no number %zu in list '%s'", i, key);
    return x;
}

void gd_ints(int64_t *out, gd *c, const char *key, size_t n, int64_t def)
{
    const json_t *v = json_object_get(c->json, key);
    const bool list = json_is_array(v);
    if (list && json_array_size(v) != n)
        gd_stop(c, "'%s' has %zu numbers instead of %zu", key, json_array_size(v), n);
    for (size_t i = 0; i < n; i++)
        out[i] = list ? whole(c, key, gd_num_at(c, key, i)) : gd_int_or(c, key, def);
}

/* ---- arrays ---- */

bool gd_has(gd *c, const char *field)
{
    return json_string_value(json_object_get(json_object_get(c->json, "arrays"), field)) != NULL;
}

gd_array gd_get(gd *c, const char *field)
{
    const char *key = json_string_value(json_object_get(json_object_get(c->json, "arrays"), field));
    gd_array a = {.field = field};
    qns_npy_header h;
    qns_err err = {0};
    void *raw = NULL;
    size_t size, start, length;

    if (!key)
        gd_stop(c, "no array '%s'", field);
    gd_ok(c, qns_npz_unpack(&raw, &size, c->npz, key, &err), &err, field);
    char *bytes = gd_mem(c, size + 1, 1);
    memcpy(bytes, raw, size);
    qns_free(raw);
    gd_ok(c, qns_npy_prefix(&start, &length, (unsigned char *)bytes, size, &err), &err, key);
    if (start > size || length > size - start)
        gd_stop(c, "array '%s' is cut off", key);
    char *text = gd_mem(c, length + 1, 1);
    memcpy(text, bytes + start, length);
    gd_ok(c, qns_npy_parse_header(&h, text, length, &err), &err, key);
    a.elem = h.elem;
    a.shape = h.shape;
    a.n = qns_shape_count(&h.shape);
    if (h.fortran && h.shape.rank > 1)
        gd_stop(c, "array '%s' is in Fortran order", key);
    if ((size - start - length) / qns_elem_size(h.elem) < a.n)
        gd_stop(c, "array '%s' is cut off", key);
    a.data = gd_mem(c, a.n, qns_elem_size(h.elem));
    memcpy(a.data, bytes + start + length, a.n * qns_elem_size(h.elem));
    return a;
}

static double element(const gd_array *a, size_t i)
{
    switch (a->elem) {
    case QNS_ELEM_BOOL:
    case QNS_ELEM_U8:
        return ((const uint8_t *)a->data)[i];
    case QNS_ELEM_I8:
        return ((const int8_t *)a->data)[i];
    case QNS_ELEM_U16:
        return ((const uint16_t *)a->data)[i];
    case QNS_ELEM_I16:
        return ((const int16_t *)a->data)[i];
    case QNS_ELEM_I32:
        return ((const int32_t *)a->data)[i];
    case QNS_ELEM_I64:
        return (double)((const int64_t *)a->data)[i];
    case QNS_ELEM_F32:
        return (double)((const float *)a->data)[i];
    case QNS_ELEM_F64:
        return ((const double *)a->data)[i];
    default:
        return NAN;
    }
}

const float *gd_floats(gd *c, const char *field, size_t *n)
{
    const gd_array a = gd_get(c, field);
    if (!qns_elem_is_float((qns_elem)a.elem) || a.elem == QNS_ELEM_F16)
        gd_stop(c, "array '%s' is %s", field, qns_elem_name((qns_elem)a.elem));
    if (n)
        *n = a.n;
    if (a.elem == QNS_ELEM_F32)
        return a.data;
    float *x = gd_mem(c, a.n, sizeof *x);
    for (size_t i = 0; i < a.n; i++)
        x[i] = (float)element(&a, i);
    return x;
}

const double *gd_doubles(gd *c, const char *field, size_t n)
{
    const gd_array a = gd_get(c, field);
    double *x = gd_mem(c, a.n, sizeof *x);
    if (n && a.n != n)
        gd_stop(c, "array '%s' has %zu elements instead of %zu", field, a.n, n);
    for (size_t i = 0; i < a.n; i++)
        x[i] = element(&a, i);
    return x;
}

qns_tensor gd_tensor(gd *c, const char *field)
{
    const gd_array a = gd_get(c, field);
    qns_tensor t = {.dtype = QNS_DTYPE_COUNT, .shape = a.shape, .data = a.data};
    for (int i = 0; i < QNS_DTYPE_COUNT; i++)
        if (qns_elem_of((qns_dtype)i) == (qns_elem)a.elem)
            t.dtype = (qns_dtype)i;
    if (t.dtype == QNS_DTYPE_COUNT)
        gd_stop(c, "array '%s' is %s", field, qns_elem_name((qns_elem)a.elem));
    return t;
}

/* ---- quantization parameters ---- */

const qns_qparams *gd_qp(gd *c, qns_dtype type, double scale, int64_t zero)
{
    const int32_t z = (int32_t)zero;
    const qns_qparams *qp;
    qns_err err = {0};
    gd_ok(c, qns_qparams_new(&qp, c->arena, type, -1, 1, &scale, &z, &err), &err, "qparams");
    return qp;
}

const qns_qparams *gd_qp_keys(gd *c, qns_dtype type, const char *scale, const char *zero)
{
    return gd_qp(c, type, gd_num(c, scale), gd_int(c, zero));
}

const qns_qparams *gd_qp_arrays(gd *c, qns_dtype type, int32_t axis, const char *scales,
                                const char *zeros)
{
    const gd_array s = gd_get(c, scales);
    const double *scale = gd_doubles(c, scales, 0);
    const double *from = zeros && gd_has(c, zeros) ? gd_doubles(c, zeros, s.n) : NULL;
    int32_t *zero = gd_mem(c, s.n, sizeof *zero);
    const qns_qparams *qp;
    qns_err err = {0};
    if (s.n == 0 || s.n > INT32_MAX || (axis < 0 && s.n != 1))
        gd_stop(c, "%zu scales in '%s'", s.n, scales);
    for (size_t i = 0; from && i < s.n; i++)
        zero[i] = (int32_t)whole(c, zeros, from[i]);
    gd_ok(c, qns_qparams_new(&qp, c->arena, type, axis, (int32_t)s.n, scale, zero, &err), &err,
          scales);
    return qp;
}

qns_tensor gd_codes(gd *c, const char *field, const qns_qparams *qp)
{
    qns_tensor t = gd_tensor(c, field);
    if (t.dtype != qp->dtype)
        gd_stop(c, "array '%s' is %s instead of %s", field, qns_dtype_name(t.dtype),
                qns_dtype_name(qp->dtype));
    t.qp = qp;
    return t;
}
