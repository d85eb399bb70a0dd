/* SPDX-License-Identifier: MIT */
#include "ns/h5_util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *qns_group_name(qns_group g)
{
    static const char *const names[] = {QNS_G_ACTIVATIONS, QNS_G_INPUTS, QNS_G_WEIGHTS,
                                        QNS_G_BIASES, QNS_G_STATISTICS};
    return names[g];
}

static herr_t keep_innermost(unsigned n, const H5E_error2_t *e, void *ctx)
{
    char *text = ctx;
    if (n == 0 && e->desc)
        snprintf(text, 256, "%s", e->desc);
    return 0;
}

qns_status qns_h5_fail(qns_err *err, qns_status code, const char *file, int line, const char *fmt,
                       ...)
{
    char what[256], why[256] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, why);
    H5Eclear2(H5E_DEFAULT);
    return qns_err_set(err, code, file, line, "%s%s%s", what, *why ? ": hdf5: " : "", why);
}

bool qns_h5_without_times(hid_t create)
{
    return H5Pset_obj_track_times(create, false) >= 0;
}

void qns_h5_shut(hid_t *id)
{
    if (*id <= 0)
        return;
    switch (H5Iget_type(*id)) {
    case H5I_FILE:
        H5Fclose(*id);
        break;
    case H5I_GROUP:
        H5Gclose(*id);
        break;
    case H5I_DATASET:
        H5Dclose(*id);
        break;
    case H5I_DATASPACE:
        H5Sclose(*id);
        break;
    case H5I_DATATYPE:
        H5Tclose(*id);
        break;
    case H5I_ATTR:
        H5Aclose(*id);
        break;
    case H5I_GENPROP_LST:
        H5Pclose(*id);
        break;
    default:
        break;
    }
    *id = 0;
}

/* ---- setters ---- */

static qns_status set_attr(hid_t obj, const char *name, hid_t file_type, hid_t mem_type,
                           hid_t space, const void *v, qns_err *err)
{
    qns_status st = QNS_OK;
    hid_t attr = 0;
    if (H5Aexists(obj, name) > 0)
        attr = H5Aopen(obj, name, H5P_DEFAULT);
    else
        attr = H5Acreate2(obj, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attr < 0 || H5Awrite(attr, mem_type, v) < 0)
        QNS_H5_FAIL_DONE(err, IO, "cannot write attribute '%s'", name);
done:
    qns_h5_shut(&attr);
    return st;
}

static qns_status set_scalar(hid_t obj, const char *name, hid_t file_type, hid_t mem_type,
                             const void *v, qns_err *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    if (space < 0)
        QNS_H5_FAIL(err, NOMEM, "cannot write attribute '%s'", name);
    const qns_status st = set_attr(obj, name, file_type, mem_type, space, v, err);
    qns_h5_shut(&space);
    return st;
}

qns_status qns_h5_set_int(hid_t obj, const char *name, int64_t v, qns_err *err)
{
    return set_scalar(obj, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &v, err);
}

qns_status qns_h5_set_u64(hid_t obj, const char *name, uint64_t v, qns_err *err)
{
    return set_scalar(obj, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &v, err);
}

qns_status qns_h5_set_double(hid_t obj, const char *name, double v, qns_err *err)
{
    return set_scalar(obj, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &v, err);
}

/* Variable-length UTF-8, which every reader shows as a string. */
static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0)
        return type;
    if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)
        qns_h5_shut(&type);
    return type > 0 ? type : -1;
}

qns_status qns_h5_set_text(hid_t obj, const char *name, const char *v, qns_err *err)
{
    hid_t type = text_type();
    if (type < 0)
        QNS_H5_FAIL(err, NOMEM, "cannot write attribute '%s'", name);
    const qns_status st = set_scalar(obj, name, type, type, &v, err);
    qns_h5_shut(&type);
    return st;
}

qns_status qns_h5_set_texts(hid_t obj, const char *name, const char *const *v, size_t n,
                            qns_err *err)
{
    qns_status st = QNS_OK;
    const hsize_t dim = n;
    hid_t space = 0, type = 0;
    if (n == 0)
        return QNS_OK;
    space = H5Screate_simple(1, &dim, NULL);
    type = text_type();
    if (space < 0 || type < 0)
        QNS_H5_FAIL_DONE(err, NOMEM, "cannot write attribute '%s'", name);
    st = set_attr(obj, name, type, type, space, v, err);
done:
    qns_h5_shut(&space);
    qns_h5_shut(&type);
    return st;
}

qns_status qns_h5_set_array(hid_t obj, const char *name, hid_t file_type, hid_t mem_type,
                            const void *v, size_t n, qns_err *err)
{
    const hsize_t dim = n;
    hid_t space = H5Screate_simple(1, &dim, NULL);
    if (space < 0)
        QNS_H5_FAIL(err, NOMEM, "cannot write attribute '%s'", name);
    const qns_status st = set_attr(obj, name, file_type, mem_type, space, v, err);
    qns_h5_shut(&space);
    return st;
}

/* ---- getters ---- */

enum { MAX_TEXTS = 64 * 1024, MAX_TEXT_READ = 1 << 20 };

typedef struct opened {
    hid_t attr, type, space;
    hssize_t n;
} opened;

static void shut(opened *o)
{
    qns_h5_shut(&o->attr);
    qns_h5_shut(&o->type);
    qns_h5_shut(&o->space);
}

/* o->attr stays 0 when there is no such attribute. */
static qns_status look(opened *o, hid_t obj, const char *name, hssize_t max, qns_err *err)
{
    *o = (opened){0};
    const htri_t there = H5Aexists(obj, name);
    if (there == 0)
        return QNS_OK;
    if (there < 0 || (o->attr = H5Aopen(obj, name, H5P_DEFAULT)) < 0 ||
        (o->type = H5Aget_type(o->attr)) < 0 || (o->space = H5Aget_space(o->attr)) < 0 ||
        (o->n = H5Sget_simple_extent_npoints(o->space)) < 0) {
        shut(o);
        QNS_H5_FAIL(err, FORMAT, "attribute '%s' is damaged", name);
    }
    if (o->n > max) {
        const long long n = (long long)o->n;
        shut(o);
        QNS_FAIL(err, FORMAT, "attribute '%s' has %lld elements, at most %lld make sense", name, n,
                 (long long)max);
    }
    return QNS_OK;
}

qns_status qns_h5_get_int(int64_t *out, hid_t obj, const char *name, qns_err *err)
{
    qns_status st = QNS_OK;
    opened o;
    int64_t v = 0;
    QNS_TRY(look(&o, obj, name, 1, err));
    if (!o.attr)
        return QNS_OK;
    if (o.n != 1 || H5Tget_class(o.type) != H5T_INTEGER)
        QNS_FAIL_DONE(err, FORMAT, "attribute '%s' is not one integer", name);
    if (H5Aread(o.attr, H5T_NATIVE_INT64, &v) < 0)
        QNS_H5_FAIL_DONE(err, FORMAT, "cannot read attribute '%s'", name);
    *out = v;
done:
    shut(&o);
    return st;
}

qns_status qns_h5_get_doubles(const double **out, uint32_t *n, hid_t obj, const char *name,
                              uint32_t max, qns_arena *a, qns_err *err)
{
    qns_status st = QNS_OK;
    opened o;
    QNS_TRY(look(&o, obj, name, max, err));
    if (!o.attr)
        return QNS_OK;
    const H5T_class_t class = H5Tget_class(o.type);
    void *v = NULL;
    if (class != H5T_FLOAT && class != H5T_INTEGER)
        QNS_FAIL_DONE(err, FORMAT, "attribute '%s' does not hold numbers", name);
    QNS_TRY_DONE(qns_arena_new(&v, a, (size_t)o.n, sizeof(double), err));
    if (o.n > 0 && H5Aread(o.attr, H5T_NATIVE_DOUBLE, v) < 0)
        QNS_H5_FAIL_DONE(err, FORMAT, "cannot read attribute '%s'", name);
    *out = v;
    *n = (uint32_t)o.n;
done:
    shut(&o);
    return st;
}

static qns_status read_variable(const char **v, const opened *o, qns_arena *a, qns_err *err)
{
    bool kept = true;
    char **raw = NULL;
    QNS_TRY(qns_arena_new((void **)&raw, a, (size_t)o->n, sizeof *raw, err));
    /* Its own character set: HDF5 does not convert them. */
    if (H5Aread(o->attr, o->type, raw) < 0)
        QNS_H5_FAIL(err, FORMAT, "cannot read a text");
    for (hssize_t i = 0; i < o->n; i++) {
        v[i] = qns_arena_strdup(a, raw[i] ? raw[i] : "");
        kept &= v[i] != NULL;
        H5free_memory(raw[i]); /* as H5Dvlen_reclaim() would, which walks a selection to it */
    }
    if (!kept)
        QNS_FAIL(err, NOMEM, "cannot keep a text");
    return QNS_OK;
}

static qns_status read_fixed(const char **v, const opened *o, qns_arena *a, qns_err *err)
{
    const size_t size = H5Tget_size(o->type);
    char *raw = NULL;
    if (size == 0 || size > MAX_TEXT_READ || (size_t)o->n > MAX_TEXT_READ / size)
        QNS_FAIL(err, FORMAT, "a text of %zu bytes is too long", size);
    QNS_TRY(qns_arena_new((void **)&raw, a, (size_t)o->n, size, err));
    if (H5Aread(o->attr, o->type, raw) < 0)
        QNS_H5_FAIL(err, FORMAT, "cannot read a text");
    for (hssize_t i = 0; i < o->n; i++) {
        /* Need not be terminated; padding may be spaces. */
        size_t len = 0;
        const char *s = raw + (size_t)i * size;
        while (len < size && s[len] != '\0')
            len++;
        if (H5Tget_strpad(o->type) == H5T_STR_SPACEPAD)
            while (len > 0 && s[len - 1] == ' ')
                len--;
        char *copy = qns_arena_get(a, len + 1, 1);
        if (!copy)
            QNS_FAIL(err, NOMEM, "cannot keep a text");
        memcpy(copy, s, len);
        v[i] = copy;
    }
    return QNS_OK;
}

qns_status qns_h5_get_texts(const char *const **out, uint32_t *n, hid_t obj, const char *name,
                            qns_arena *a, qns_err *err)
{
    qns_status st = QNS_OK;
    opened o;
    const char **v = NULL;
    QNS_TRY(look(&o, obj, name, MAX_TEXTS, err));
    if (!o.attr)
        return QNS_OK;
    if (H5Tget_class(o.type) != H5T_STRING)
        QNS_FAIL_DONE(err, FORMAT, "attribute '%s' is not text", name);
    QNS_TRY_DONE(qns_arena_new((void **)&v, a, (size_t)o.n, sizeof *v, err));
    if (o.n > 0)
        st = H5Tis_variable_str(o.type) > 0 ? read_variable(v, &o, a, err)
                                            : read_fixed(v, &o, a, err);
    if (st != QNS_OK) {
        qns_err_note(err, "attribute '%s'", name);
        goto done;
    }
    *out = v;
    *n = (uint32_t)o.n;
done:
    shut(&o);
    return st;
}

qns_status qns_h5_get_text(const char **out, hid_t obj, const char *name, qns_arena *a,
                           qns_err *err)
{
    const char *const *v = NULL;
    uint32_t n = 0;
    QNS_TRY(qns_h5_get_texts(&v, &n, obj, name, a, err));
    if (n > 0)
        *out = v[0];
    return QNS_OK;
}
