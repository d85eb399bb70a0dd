/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_data.h"

#include "core/base/file.h"
#include "core/base/half.h"
#include "core/base/mem.h"
#include "core/graph/element.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TYPE(x)      ONNX__TENSOR_PROTO__DATA_TYPE__##x
#define MAX_EXTERNAL ((size_t)2 << 30)

/* What a type is called, how wide it is in the file, and what it becomes. */
static const struct {
    const char *name;
    uint8_t size;
    qns_dtype dtype;
} types[] = {
    [TYPE(UNDEFINED)] = {"undefined", 0, QNS_DTYPE_COUNT},
    [TYPE(FLOAT)] = {"float32", 4, QNS_F32},
    [TYPE(UINT8)] = {"uint8", 1, QNS_U8},
    [TYPE(INT8)] = {"int8", 1, QNS_I8},
    [TYPE(UINT16)] = {"uint16", 2, QNS_U16},
    [TYPE(INT16)] = {"int16", 2, QNS_I16},
    [TYPE(INT32)] = {"int32", 4, QNS_I32},
    [TYPE(INT64)] = {"int64", 8, QNS_I64},
    [TYPE(STRING)] = {"string", 0, QNS_DTYPE_COUNT},
    [TYPE(BOOL)] = {"bool", 1, QNS_BOOL},
    [TYPE(FLOAT16)] = {"float16", 2, QNS_F32},
    [TYPE(DOUBLE)] = {"double", 8, QNS_F32},
    [TYPE(UINT32)] = {"uint32", 4, QNS_U32},
    [TYPE(UINT64)] = {"uint64", 8, QNS_U64},
    [TYPE(COMPLEX64)] = {"complex64", 8, QNS_DTYPE_COUNT},
    [TYPE(COMPLEX128)] = {"complex128", 16, QNS_DTYPE_COUNT},
    [TYPE(BFLOAT16)] = {"bfloat16", 2, QNS_F32},
};

qns_dtype qns_onnx_dtype(int32_t t)
{
    return t >= 0 && t < (int32_t)QNS_ARRAY_LEN(types) ? types[t].dtype : QNS_DTYPE_COUNT;
}

const char *qns_onnx_dtype_name(int32_t t)
{
    return t >= 0 && t < (int32_t)QNS_ARRAY_LEN(types) ? types[t].name : "unknown";
}

int32_t qns_onnx_data_type(qns_dtype dtype)
{
    static const int32_t of[] = {
        [QNS_F32] = TYPE(FLOAT),  [QNS_F16] = TYPE(FLOAT16), [QNS_U8] = TYPE(UINT8),
        [QNS_I8] = TYPE(INT8),    [QNS_I32] = TYPE(INT32),   [QNS_I64] = TYPE(INT64),
        [QNS_BOOL] = TYPE(BOOL),  [QNS_I16] = TYPE(INT16),   [QNS_U16] = TYPE(UINT16),
        [QNS_U32] = TYPE(UINT32), [QNS_U64] = TYPE(UINT64),
    };
    return of[dtype];
}

/* Every half is a float; nothing is rounded. */
static float from_half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 0x3ff;
    uint32_t bits = sign;
    float f;
    if (exp == 31) {
        bits |= 0x7f800000 | frac << 13;
    } else if (exp) {
        bits |= (exp + 112) << 23 | frac << 13;
    } else {
        f = (float)frac * 0x1p-24F;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

static bool is_short_float(int32_t type)
{
    return type == TYPE(FLOAT16) || type == TYPE(BFLOAT16);
}

static float from_short(int32_t type, uint16_t h)
{
    return type == TYPE(FLOAT16) ? from_half(h) : qns_bfloat_to_float(h);
}

/* Bytes as they stand in a file, n elements of the type, to the elements of the dtype. */
static void convert_raw(void *out, int32_t type, const void *raw, size_t n)
{
    const uint8_t *p = raw;
    for (size_t i = 0; i < n && is_short_float(type); i++)
        ((float *)out)[i] = from_short(type, (uint16_t)(p[2 * i] | p[2 * i + 1] << 8));
    for (size_t i = 0; i < n && type == TYPE(DOUBLE); i++) {
        double v;
        memcpy(&v, p + 8 * i, sizeof v);
        ((float *)out)[i] = (float)v;
    }
    for (size_t i = 0; i < n && type == TYPE(BOOL); i++)
        ((uint8_t *)out)[i] = p[i] != 0;
    if (n && !is_short_float(type) && type != TYPE(DOUBLE) && type != TYPE(BOOL))
        memcpy(out, p, n * types[type].size);
}

static qns_status expect(size_t got, size_t want, const char *what, qns_err *err)
{
    if (got != want)
        QNS_FAIL(err, FORMAT, "has %zu %s; its shape needs %zu", got, what, want);
    return QNS_OK;
}

/* int32_data holds all the small types; every number must fit. */
static qns_status convert_int32(const qns_tensor *out, const Onnx__TensorProto *t, size_t n,
                                qns_err *err)
{
    const int32_t type = t->data_type;
    const bool is_short = is_short_float(type);
    const int64_t lo = is_short ? 0 : qns_int_min(out->dtype);
    const int64_t hi = is_short ? UINT16_MAX : qns_int_max(out->dtype);
    QNS_TRY(expect(t->n_int32_data, n, "numbers in int32_data", err));
    for (size_t i = 0; i < n; i++) {
        const int32_t v = t->int32_data[i];
        if (v < lo || v > hi)
            QNS_FAIL(err, FORMAT, "number %zu is %" PRId32 ", which is no %s", i, v,
                     types[type].name);
        if (is_short)
            ((float *)out->data)[i] = from_short(type, (uint16_t)v);
        else
            qns_int_put(out, i, v);
    }
    return QNS_OK;
}

static qns_status convert_uint64(const qns_tensor *out, const Onnx__TensorProto *t, size_t n,
                                 qns_err *err)
{
    QNS_TRY(expect(t->n_uint64_data, n, "numbers in uint64_data", err));
    for (size_t i = 0; i < n; i++) {
        const uint64_t v = t->uint64_data[i];
        if (out->dtype == QNS_U32 && v > UINT32_MAX)
            QNS_FAIL(err, FORMAT, "number %zu is %" PRIu64 ", which is no uint32", i, v);
        qns_int_put(out, i, (int64_t)v);
    }
    return QNS_OK;
}

static qns_status convert_typed(const qns_tensor *to, const Onnx__TensorProto *t, size_t n,
                                qns_err *err)
{
    void *out = to->data;
    switch (t->data_type) {
    case TYPE(FLOAT):
        QNS_TRY(expect(t->n_float_data, n, "numbers in float_data", err));
        if (n)
            memcpy(out, t->float_data, n * sizeof *t->float_data);
        return QNS_OK;
    case TYPE(INT64):
        QNS_TRY(expect(t->n_int64_data, n, "numbers in int64_data", err));
        if (n)
            memcpy(out, t->int64_data, n * sizeof *t->int64_data);
        return QNS_OK;
    case TYPE(DOUBLE):
        QNS_TRY(expect(t->n_double_data, n, "numbers in double_data", err));
        for (size_t i = 0; i < n; i++)
            ((float *)out)[i] = (float)t->double_data[i];
        return QNS_OK;
    case TYPE(UINT32):
    case TYPE(UINT64):
        return convert_uint64(to, t, n, err);
    default:
        return convert_int32(to, t, n, err);
    }
}

typedef struct external {
    const char *location;
    uint64_t offset, length;
    bool has_length;
} external;

static qns_status read_number(uint64_t *out, const char *key, const char *text, qns_err *err)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || v > INT64_MAX)
        QNS_FAIL(err, FORMAT, "external data has %s '%.40s', which is no size", key, text);
    *out = v;
    return QNS_OK;
}

/* Only below the model's own folder: a model from elsewhere must not read other files. */
static bool leaves_folder(const char *location)
{
    if (location[0] == '/' || !location[0])
        return true;
    for (const char *p = location; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
            return true;
    return false;
}

static qns_status read_external(external *x, const Onnx__TensorProto *t, qns_err *err)
{
    *x = (external){0};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
        if (!key || !value)
            continue;
        if (strcmp(key, "location") == 0)
            x->location = value;
        if (strcmp(key, "offset") == 0)
            QNS_TRY(read_number(&x->offset, key, value, err));
        if (strcmp(key, "length") == 0) {
            QNS_TRY(read_number(&x->length, key, value, err));
            x->has_length = true;
        }
    }
    if (!x->location)
        QNS_FAIL(err, FORMAT, "external data names no file");
    if (leaves_folder(x->location))
        QNS_FAIL(err, FORMAT,
                 "external data in '%.200s'; it must lie in the folder of the model or below",
                 x->location);
    return QNS_OK;
}

/* Reads `size` bytes at the offset of the file; the caller owns *out. */
static qns_status load_external(char **out, const external *x, const char *path, size_t size,
                                qns_err *err)
{
    qns_status st = QNS_OK;
    struct stat sb;
    char *buf = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        QNS_FAIL(err, IO, "cannot open external data '%s': %s", path, strerror(errno));
    if (fstat(fileno(f), &sb) != 0 || !S_ISREG(sb.st_mode))
        QNS_FAIL_DONE(err, IO, "external data '%s' is not a regular file", path);
    if (x->offset > (uint64_t)sb.st_size || size > (uint64_t)sb.st_size - x->offset)
        QNS_FAIL_DONE(err, FORMAT,
                      "external data '%s' has %lld bytes; %zu are needed from byte %" PRIu64, path,
                      (long long)sb.st_size, size, x->offset);
    if (!(buf = qns_malloc64(size ? size : 1)))
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes for external data '%s'", size, path);
    if (fseeko(f, (off_t)x->offset, SEEK_SET) != 0 || fread(buf, 1, size, f) != size)
        QNS_FAIL_DONE(err, IO, "cannot read external data '%s'", path);
    *out = buf;
    buf = NULL;
done:
    qns_free(buf);
    fclose(f);
    return st;
}

static qns_status convert_external(void *out, qns_onnx_place *place, const Onnx__TensorProto *t,
                                   size_t n, qns_err *err)
{
    external x;
    char *buf = NULL;
    const size_t size = n * types[t->data_type].size;
    QNS_TRY(read_external(&x, t, err));
    if (x.has_length)
        QNS_TRY(expect((size_t)x.length, size, "bytes of external data", err));
    if (size > MAX_EXTERNAL - place->external)
        QNS_FAIL(err, UNSUPPORTED, "more than %zu MiB of external data", MAX_EXTERNAL >> 20);
    place->external += size;
    char *path = qns_path_beside(place->path, x.location);
    if (!path)
        QNS_FAIL(err, NOMEM, "cannot name external data");
    const qns_status st = load_external(&buf, &x, path, size, err);
    if (st == QNS_OK)
        convert_raw(out, t->data_type, buf, n);
    qns_free(buf);
    qns_free(path);
    return st;
}

static qns_status read_shape(qns_shape *s, const Onnx__TensorProto *t, qns_err *err)
{
    if (t->n_dims > QNS_MAX_RANK)
        QNS_FAIL(err, UNSUPPORTED, "has %zu dimensions; %d are supported", t->n_dims, QNS_MAX_RANK);
    *s = (qns_shape){.rank = (int32_t)t->n_dims};
    for (size_t i = 0; i < t->n_dims; i++)
        s->dim[i] = t->dims[i];
    return qns_shape_check(s, err);
}

/* How many numbers stand in the field for the type. */
static size_t count_typed(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case TYPE(FLOAT):
        return t->n_float_data;
    case TYPE(INT64):
        return t->n_int64_data;
    case TYPE(DOUBLE):
        return t->n_double_data;
    case TYPE(UINT32):
    case TYPE(UINT64):
        return t->n_uint64_data;
    default:
        return t->n_int32_data;
    }
}

/* What the file holds must be as large as the shape says before memory is taken for it. */
static qns_status check_size(const Onnx__TensorProto *t, size_t n, bool elsewhere, qns_err *err)
{
    if (elsewhere)
        return QNS_OK; /* the other file is asked when it is open */
    if (t->has_raw_data && (t->raw_data.len || n == 0))
        return expect(t->raw_data.len, n * types[t->data_type].size, "bytes in raw_data", err);
    return expect(count_typed(t), n, "numbers", err);
}

qns_status qns_onnx_data(qns_tensor *out, qns_onnx_place *place, const Onnx__TensorProto *t,
                         qns_arena *a, qns_err *err)
{
    const bool elsewhere =
        t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    *out = (qns_tensor){.dtype = qns_onnx_dtype(t->data_type), .layout = QNS_ROW};
    if (out->dtype == QNS_DTYPE_COUNT)
        QNS_FAIL(err, UNSUPPORTED, "data type %s (%" PRId32 ")", qns_onnx_dtype_name(t->data_type),
                 t->data_type);
    if (t->segment)
        QNS_FAIL(err, UNSUPPORTED, "is only a segment of a tensor");
    QNS_TRY(read_shape(&out->shape, t, err));
    const size_t n = qns_tensor_count(out);
    QNS_TRY(check_size(t, n, elsewhere, err));
    if (elsewhere && n > MAX_EXTERNAL / types[t->data_type].size)
        QNS_FAIL(err, UNSUPPORTED, "more than %zu MiB of external data", MAX_EXTERNAL >> 20);
    QNS_TRY(qns_arena_new(&out->data, a, n, qns_dtype_size(out->dtype), err));
    if (elsewhere)
        return convert_external(out->data, place, t, n, err);
    if (t->has_raw_data && (t->raw_data.len || n == 0)) {
        convert_raw(out->data, t->data_type, t->raw_data.data, n);
        return QNS_OK;
    }
    return convert_typed(out, t, n, err);
}
