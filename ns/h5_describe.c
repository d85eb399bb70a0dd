/* SPDX-License-Identifier: MIT */
/* One dataset of a capture: is it an array of numbers we can read, and what do its attributes say?
 */
#include "core/base/mem.h"
#include "ns/h5_read_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CHUNK = 1 << 30 }; /* bytes that decompressing one chunk may take */

static const char *type_name(H5T_class_t class, size_t size, bool is_signed)
{
    if (class == H5T_FLOAT)
        return size == 2 ? "float16" : size == 4 ? "float32" : "float64";
    switch (size) {
    case 1:
        return is_signed ? "int8" : "uint8";
    case 2:
        return is_signed ? "int16" : "uint16";
    case 4:
        return is_signed ? "int32" : "uint32";
    default:
        return is_signed ? "int64" : "uint64";
    }
}

static const char *read_type(qns_cap_entry *e, hid_t dset)
{
    hid_t type = H5Dget_type(dset);
    const char *why = NULL;
    if (type < 0)
        return "its type is damaged";
    const H5T_class_t class = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    if (class != H5T_FLOAT && class != H5T_INTEGER) {
        why = "it does not hold numbers";
    } else if (size == 0 || size > 16) {
        why = "its number type is unknown";
    } else {
        e->is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
        e->d.dtype = type_name(class, size, e->is_signed);
        e->by_bytes = class == H5T_INTEGER && size == 1;
        e->d.code_min = size == 1 ? (e->is_signed ? INT8_MIN : 0) : INT32_MIN;
        e->d.code_max = size == 1 ? (e->is_signed ? INT8_MAX : UINT8_MAX) : INT32_MAX;
    }
    qns_h5_shut(&type);
    return why;
}

static const char *read_dims(qns_cap_entry *e, hid_t dset)
{
    hsize_t dim[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dset);
    const bool grows = qns_group_by_sample(e->d.group);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    const bool ok = rank >= 0 && rank <= QNS_MAX_RANK + 1 &&
                    H5Sget_simple_extent_type(space) != H5S_NULL &&
                    H5Sget_simple_extent_dims(space, dim, NULL) == rank;
    qns_h5_shut(&space);
    if (!ok)
        return "it has no shape that makes sense";
    if (grows && rank == 0)
        return "it has no axis of samples";
    e->rank = rank;
    e->d.shape.rank = grows ? rank - 1 : rank;
    if (e->d.shape.rank > QNS_MAX_RANK)
        return "it has too many axes";
    for (int i = 0; i < rank; i++) {
        if (dim[i] > (hsize_t)1 << 40)
            return "its shape is too large";
        e->dim[i] = dim[i];
        if (!grows || i > 0)
            e->d.shape.dim[grows ? i - 1 : i] = (int64_t)dim[i];
    }
    if (qns_shape_check(&e->d.shape, NULL) != QNS_OK)
        return "its shape is too large";
    e->d.count = qns_shape_count(&e->d.shape);
    return e->d.count == 0 ? "it is empty" : NULL;
}

/* A few bytes of header can promise terabytes. What is not stored cannot be read: without filters
 * the file must hold all of it; deflate shrinks by a factor of 1,032 at most. */
static const char *check_storage(qns_cap_entry *e, hid_t dset)
{
    hid_t plist = H5Dget_create_plist(dset), type = H5Dget_type(dset);
    const char *why = NULL;
    /* Neither may a capture make us read other files. */
    if (plist >= 0 && (H5Pget_external_count(plist) > 0 || H5Pget_layout(plist) == H5D_VIRTUAL))
        why = "its values lie in another file";
    const int filters = plist < 0 ? -1 : H5Pget_nfilters(plist);
    e->filtered = filters > 0;
    const double rows = qns_group_by_sample(e->d.group) ? (double)e->dim[0] : 1;
    const double want = rows * (double)e->d.count * (double)H5Tget_size(type);
    const double have = (double)H5Dget_storage_size(dset);
    if (!why && filters < 0)
        why = "its properties are damaged";
    else if (!why && want > (filters > 0 ? have * 1100 : have))
        why = "it holds fewer values than its shape says";
    if (!why && H5Pget_layout(plist) == H5D_CHUNKED && filters > 0) {
        hsize_t chunk[H5S_MAX_RANK];
        double bytes = (double)H5Tget_size(type);
        const int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
        for (int i = 0; i < rank; i++)
            bytes *= (double)chunk[i];
        if (bytes > MAX_CHUNK)
            why = "its chunks are larger than 1 GiB";
    }
    for (int i = 0; !why && i < filters; i++) {
        unsigned flags, config;
        size_t n = 0;
        const H5Z_filter_t f =
            H5Pget_filter2(plist, (unsigned)i, &flags, &n, NULL, 0, NULL, &config);
        if (f < 0 || H5Zfilter_avail(f) <= 0)
            why = "it is compressed with a filter that is not installed";
    }
    qns_h5_shut(&plist);
    qns_h5_shut(&type);
    return why;
}

static qns_status read_scale(qns_cap_entry *e, const char **why, qns_capture *c, hid_t dset,
                             qns_err *err)
{
    qns_cap_data *d = &e->d;
    const double *scale = NULL, *zero = NULL;
    uint32_t n = 0, n_zero = 0;
    int64_t axis = -1;
    int32_t *z = NULL;
    QNS_TRY(qns_h5_get_doubles(&scale, &n, dset, "scale", QNS_MAX_CHANNELS, c->arena, err));
    QNS_TRY(
        qns_h5_get_doubles(&zero, &n_zero, dset, "zero_point", QNS_MAX_CHANNELS, c->arena, err));
    QNS_TRY(qns_h5_get_int(&axis, dset, "axis", err));
    if (n == 0 || d->dtype[0] == 'f') /* a float dataset that tells its scale is plain numbers */
        return QNS_OK;
    if (n > 1) {
        axis = axis < 0 ? axis + e->rank : axis;
        axis -= qns_group_by_sample(d->group) ? 1 : 0;
        if (axis < 0 || axis >= d->shape.rank || d->shape.dim[axis] != n) {
            *why = "its scale does not fit the axis it names";
            return QNS_OK;
        }
    }
    if (n_zero > 1 && n_zero != n) {
        *why = "it has another number of zero points than of scales";
        return QNS_OK;
    }
    QNS_TRY(qns_arena_new((void **)&z, c->arena, n, sizeof *z, err));
    for (uint32_t i = 0; i < n; i++) {
        const double at = n_zero == 0 ? 0 : zero[n_zero == 1 ? 0 : i];
        if (!(scale[i] > 0) || !isfinite(scale[i]))
            *why = "a scale is not a positive number";
        else if (!(at >= INT32_MIN && at <= INT32_MAX) || at != floor(at))
            *why = "a zero point is not an integer";
        if (*why)
            return QNS_OK;
        z[i] = (int32_t)at;
    }
    d->scale = scale;
    d->zero = z;
    d->n_scale = n;
    d->axis = n > 1 ? (int32_t)axis : -1;
    return QNS_OK;
}

static qns_status read_facts(qns_cap_data *d, qns_arena *a, hid_t dset, qns_err *err)
{
    int64_t macs = 0, conversion = 0;
    const struct {
        const char *name;
        const char **out;
    } texts[] = {{"name", &d->name},
                 {"node", &d->node},
                 {"op", &d->op},
                 {"impl", &d->impl},
                 {"value_origin", &d->value_origin},
                 {"activation", &d->activation}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        QNS_TRY(qns_h5_get_text(texts[i].out, dset, texts[i].name, a, err));
    QNS_TRY(qns_h5_get_texts(&d->origin, &d->n_origin, dset, "origin", a, err));
    QNS_TRY(qns_h5_get_texts(&d->inputs, &d->n_inputs, dset, "inputs", a, err));
    QNS_TRY(qns_h5_get_int(&d->index, dset, "index", err));
    QNS_TRY(qns_h5_get_int(&d->output, dset, "output", err));
    QNS_TRY(qns_h5_get_int(&conversion, dset, "conversion", err));
    QNS_TRY(qns_h5_get_int(&macs, dset, "macs", err));
    d->conversion = conversion != 0;
    d->macs = macs > 0 ? (uint64_t)macs : 0;
    return QNS_OK;
}

static qns_status read_real(double *out, qns_arena *a, hid_t dset, const char *name, qns_err *err)
{
    const double *v = NULL;
    uint32_t n = 0;
    QNS_TRY(qns_h5_get_doubles(&v, &n, dset, name, 1, a, err));
    *out = n > 0 ? v[0] : NAN;
    return QNS_OK;
}

/* 53 bits of a count are enough. */
static qns_status read_count(uint64_t *out, qns_arena *a, hid_t dset, const char *name,
                             qns_err *err)
{
    double v;
    QNS_TRY(read_real(&v, a, dset, name, err));
    *out = v >= 0 && v < 0x1p63 ? (uint64_t)v : 0;
    return QNS_OK;
}

static qns_status read_stats(qns_cap_entry *e, const char **why, qns_arena *a, hid_t dset,
                             qns_err *err)
{
    qns_stats *s = NULL;
    double std;
    if (e->rank != 1 || e->d.count > QNS_STATS_BINS) {
        *why = "its statistics make no sense";
        return QNS_OK;
    }
    QNS_TRY(qns_arena_new((void **)&s, a, 1, sizeof *s, err));
    QNS_TRY(read_count(&s->n, a, dset, "count", err));
    QNS_TRY(read_count(&s->nan, a, dset, "nan", err));
    QNS_TRY(read_count(&s->inf, a, dset, "inf", err));
    QNS_TRY(read_real(&s->lo, a, dset, "lo", err));
    QNS_TRY(read_real(&s->width, a, dset, "width", err));
    QNS_TRY(read_real(&s->min, a, dset, "min", err));
    QNS_TRY(read_real(&s->max, a, dset, "max", err));
    QNS_TRY(read_real(&s->mean, a, dset, "mean", err));
    QNS_TRY(read_real(&std, a, dset, "std", err));
    s->m2 = std * std * (double)s->n;
    s->n_bins = (uint32_t)e->d.count;
    if (H5Dread(dset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, s->bin) < 0)
        QNS_H5_FAIL(err, FORMAT, "cannot read its values");
    e->d.stats = s;
    return QNS_OK;
}

qns_status qns_cap_describe(qns_cap_entry *e, const char **why, qns_capture *c, hid_t dset,
                            qns_group group, const char *path, qns_err *err)
{
    *e = (qns_cap_entry){.d = {.group = group, .axis = -1, .index = -1, .output = -1}};
    qns_cap_data *d = &e->d;
    d->node = d->op = d->impl = d->value_origin = d->activation = "";
    d->path = qns_arena_strdup(c->arena, path);
    if (!d->path)
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    d->name = d->path + strlen(qns_group_name(group)) + 1;
    if ((*why = read_type(e, dset)) || (*why = read_dims(e, dset)) ||
        (*why = check_storage(e, dset)))
        return QNS_OK;
    QNS_TRY(read_facts(d, c->arena, dset, err));
    if (group == QNS_GROUP_STATISTICS)
        return read_stats(e, why, c->arena, dset, err);
    return read_scale(e, why, c, dset, err);
}
