/* SPDX-License-Identifier: MIT */
#include "core/model/npy_header.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data is read as the machine has it");

qns_status qns_npy_prefix(size_t *start, size_t *length, const unsigned char *p, size_t n,
                          qns_err *err)
{
    if (n < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
        QNS_FAIL(err, FORMAT, "not a .npy file: it does not start with the numpy signature");
    if (p[6] == 1) {
        *start = 10;
        *length = (size_t)p[8] | (size_t)p[9] << 8;
    } else if (p[6] == 2 || p[6] == 3) {
        if (n < 12)
            QNS_FAIL(err, FORMAT, "the file ends inside its header");
        *start = 12;
        *length = (size_t)p[8] | (size_t)p[9] << 8 | (size_t)p[10] << 16 | (size_t)p[11] << 24;
    } else {
        QNS_FAIL(err, UNSUPPORTED, ".npy format version %d.%d; 1.0, 2.0 and 3.0 are read", p[6],
                 p[7]);
    }
    if (*length > QNS_NPY_MAX_HEADER)
        QNS_FAIL(err, FORMAT, "the header claims %zu bytes; the most that is read is %d", *length,
                 QNS_NPY_MAX_HEADER);
    return QNS_OK;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static bool take(const char **s, char c)
{
    const char *p = skip_blanks(*s);
    if (*p != c)
        return false;
    *s = p + 1;
    return true;
}

/* A quoted text without escapes. */
static bool take_text(char *out, size_t size, const char **s)
{
    const char *p = skip_blanks(*s);
    if (*p != '\'' && *p != '"')
        return false;
    const char *end = strchr(p + 1, *p);
    if (!end || (size_t)(end - p) > size || memchr(p, '\\', (size_t)(end - p)))
        return false;
    memcpy(out, p + 1, (size_t)(end - p - 1));
    out[end - p - 1] = 0;
    *s = end + 1;
    return true;
}

static qns_status unsupported_type(const char *descr, qns_err *err)
{
    static const struct {
        char kind;
        const char *what, *remedy;
    } known[] = {
        {'O', "Python objects", "convert with a.astype(numpy.float32)"},
        {'c', "complex numbers", "save the real or the imaginary part"},
        {'V', "records or raw bytes", "save each field as an array of its own"},
        {'S', "byte strings", "save numbers"},
        {'U', "text", "save numbers"},
        {'M', "dates", "save numbers"},
        {'m', "time differences", "save numbers"},
        {'a', "byte strings", "save numbers"},
    };
    const char *kind = descr + strspn(descr, "<>|=");
    for (size_t i = 0; i < QNS_ARRAY_LEN(known); i++)
        if (*kind == known[i].kind)
            QNS_FAIL(err, UNSUPPORTED, "element type '%s' (%s) is not read; %s", descr,
                     known[i].what, known[i].remedy);
    QNS_FAIL(err, UNSUPPORTED,
             "element type '%s' is not read; b1, i1 to i8, u1 to u8, f2, f4 and f8 are", descr);
}

static qns_status parse_descr(qns_elem *out, const char *descr, qns_err *err)
{
    static const char *const code[QNS_ELEM_COUNT] = {
        [QNS_ELEM_BOOL] = "b1", [QNS_ELEM_I8] = "i1",  [QNS_ELEM_U8] = "u1",  [QNS_ELEM_I16] = "i2",
        [QNS_ELEM_U16] = "u2",  [QNS_ELEM_I32] = "i4", [QNS_ELEM_U32] = "u4", [QNS_ELEM_I64] = "i8",
        [QNS_ELEM_U64] = "u8",  [QNS_ELEM_F16] = "f2", [QNS_ELEM_F32] = "f4", [QNS_ELEM_F64] = "f8",
    };
    const char *type = descr + (descr[0] && strchr("<>|=", descr[0]) ? 1 : 0);
    for (qns_elem e = 0; e < QNS_ELEM_COUNT; e++) {
        if (strcmp(type, code[e]) != 0)
            continue;
        if (descr[0] == '>' && qns_elem_size(e) > 1)
            QNS_FAIL(err, UNSUPPORTED,
                     "big-endian data ('%s') is not read; convert with "
                     "numpy.save(FILE, a.astype('<%s'))",
                     descr, type);
        *out = e;
        return QNS_OK;
    }
    return unsupported_type(descr, err);
}

/* (), (3,), (3, 4) with an optional L behind each number, as Python 2 wrote it. */
static qns_status parse_shape(qns_shape *out, const char **s, qns_err *err)
{
    qns_shape shape = {0};
    if (!take(s, '('))
        QNS_FAIL(err, FORMAT, "the header's 'shape' is not a tuple of numbers");
    while (!take(s, ')')) {
        const char *p = skip_blanks(*s);
        int64_t v = 0;
        const size_t digits = strspn(p, "0123456789");
        if (!digits)
            QNS_FAIL(err, FORMAT, "the header's 'shape' is not a tuple of numbers of 0 or more");
        for (size_t i = 0; i < digits; i++)
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, p[i] - '0', &v))
                QNS_FAIL(err, FORMAT, "a dimension in the header's 'shape' is too large");
        if (shape.rank == QNS_MAX_RANK)
            QNS_FAIL(err, UNSUPPORTED, "more than %d dimensions", QNS_MAX_RANK);
        shape.dim[shape.rank++] = v;
        *s = p + digits + (p[digits] == 'L');
        if (!take(s, ',') && *skip_blanks(*s) != ')')
            QNS_FAIL(err, FORMAT, "the header's 'shape' is not a tuple of numbers");
    }
    if (qns_shape_check(&shape, NULL) != QNS_OK)
        QNS_FAIL(err, FORMAT, "shape %s in the header has too many elements",
                 qns_shape_str(&shape).s);
    *out = shape;
    return QNS_OK;
}

static qns_status parse_bool(bool *out, const char **s, qns_err *err)
{
    const char *p = skip_blanks(*s);
    *out = strncmp(p, "True", 4) == 0;
    if (!*out && strncmp(p, "False", 5) != 0)
        QNS_FAIL(err, FORMAT, "the header's 'fortran_order' is neither True nor False");
    *s = p + (*out ? 4 : 5);
    return QNS_OK;
}

enum { DESCR = 1, ORDER = 2, SHAPE = 4 };

/* Reads one "'key': value"; *seen collects the keys. */
static qns_status parse_entry(qns_npy_header *h, unsigned *seen, const char **s, qns_err *err)
{
    char text[64];
    unsigned key;
    if (!take_text(text, sizeof text, s) || !take(s, ':'))
        QNS_FAIL(err, FORMAT, "the header is not a dictionary of keys and values");
    if (strcmp(text, "descr") == 0)
        key = DESCR;
    else if (strcmp(text, "fortran_order") == 0)
        key = ORDER;
    else if (strcmp(text, "shape") == 0)
        key = SHAPE;
    else
        QNS_FAIL(err, FORMAT, "the header has an unknown key '%s'", text);
    if (*seen & key)
        QNS_FAIL(err, FORMAT, "the header has the key '%s' twice", text);
    *seen |= key;
    if (key == ORDER)
        return parse_bool(&h->fortran, s, err);
    if (key == SHAPE)
        return parse_shape(&h->shape, s, err);
    if (*skip_blanks(*s) == '[')
        QNS_FAIL(
            err, UNSUPPORTED,
            "a structured array (records) is not read; save each field as an array of its own");
    if (!take_text(text, sizeof text, s))
        QNS_FAIL(err, FORMAT, "the header's 'descr' is not a text");
    return parse_descr(&h->elem, text, err);
}

qns_status qns_npy_parse_header(qns_npy_header *out, const char *text, size_t n, qns_err *err)
{
    qns_npy_header h = {0};
    unsigned seen = 0;
    const char *s = text;
    if (memchr(text, 0, n))
        QNS_FAIL(err, FORMAT, "the header has a zero byte");
    if (!take(&s, '{'))
        QNS_FAIL(err, FORMAT, "the header is not a dictionary");
    while (!take(&s, '}')) {
        QNS_TRY(parse_entry(&h, &seen, &s, err));
        if (!take(&s, ',') && *skip_blanks(s) != '}')
            QNS_FAIL(err, FORMAT, "the header is not a dictionary of keys and values");
    }
    if (*skip_blanks(s))
        QNS_FAIL(err, FORMAT, "the header goes on behind its dictionary");
    if (seen != (DESCR | ORDER | SHAPE))
        QNS_FAIL(err, FORMAT, "the header has no '%s'",
                 !(seen & DESCR)   ? "descr"
                 : !(seen & ORDER) ? "fortran_order"
                                   : "shape");
    *out = h;
    return QNS_OK;
}
