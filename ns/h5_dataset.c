/* SPDX-License-Identifier: MIT */
#include "ns/h5_dataset.h"

#include "core/base/mem.h"
#include "core/graph/qparams.h"

#include <stdio.h>
#include <string.h>

enum { LZ4_FILTER = 32004 }; /* as registered with the HDF Group */

hid_t qns_h5_file_type(qns_dtype t)
{
    switch (t) {
    case QNS_U8:
    case QNS_BOOL:
        return H5T_STD_U8LE;
    case QNS_I8:
        return H5T_STD_I8LE;
    case QNS_I16:
        return H5T_STD_I16LE;
    case QNS_U16:
        return H5T_STD_U16LE;
    case QNS_I32:
        return H5T_STD_I32LE;
    case QNS_U32:
        return H5T_STD_U32LE;
    case QNS_I64:
        return H5T_STD_I64LE;
    case QNS_U64:
        return H5T_STD_U64LE;
    default:
        return H5T_IEEE_F32LE;
    }
}

hid_t qns_h5_mem_type(qns_dtype t)
{
    switch (t) {
    case QNS_U8:
    case QNS_BOOL:
        return H5T_NATIVE_UINT8;
    case QNS_I8:
        return H5T_NATIVE_INT8;
    case QNS_I16:
        return H5T_NATIVE_INT16;
    case QNS_U16:
        return H5T_NATIVE_UINT16;
    case QNS_I32:
        return H5T_NATIVE_INT32;
    case QNS_U32:
        return H5T_NATIVE_UINT32;
    case QNS_I64:
        return H5T_NATIVE_INT64;
    case QNS_U64:
        return H5T_NATIVE_UINT64;
    default:
        return H5T_NATIVE_FLOAT;
    }
}

bool qns_h5_storable(qns_dtype t)
{
    return t != QNS_F16 && t < QNS_DTYPE_COUNT;
}

qns_status qns_h5_check_compress(qns_compress c, qns_err *err)
{
    if (c == QNS_COMPRESS_DEFLATE && H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0)
        QNS_FAIL(err, UNSUPPORTED, "this HDF5 library cannot deflate; use compression 'none'");
    if (c == QNS_COMPRESS_LZ4 && H5Zfilter_avail(LZ4_FILTER) <= 0)
        QNS_FAIL(err, UNSUPPORTED,
                 "compression 'lz4' needs the HDF5 plugin for filter %d, which is not installed; "
                 "install it or use 'deflate' or 'none'",
                 LZ4_FILTER);
    return QNS_OK;
}

/* The batch axis of size 1 gives way to the axis of samples. */
static bool drops_batch(const qns_shape *s)
{
    return s->rank > 0 && s->dim[0] == 1;
}

static qns_status plan_dims(qns_h5_dims *out, const qns_cap_desc *d, const qns_h5_how *how,
                            qns_err *err)
{
    const bool grows = qns_group_by_sample(d->group);
    const int32_t from = grows && drops_batch(&d->shape) ? 1 : 0;
    *out = (qns_h5_dims){0};
    if (!qns_h5_storable(d->dtype))
        QNS_FAIL(err, UNSUPPORTED, "values of type %s cannot be captured",
                 qns_dtype_name(d->dtype));
    if (grows)
        out->dim[out->rank++] = 0;
    for (int32_t i = from; i < d->shape.rank; i++)
        out->dim[out->rank++] = (hsize_t)d->shape.dim[i];
    out->row_bytes = qns_shape_count(&d->shape) * qns_dtype_size(d->dtype);
    if (out->row_bytes == 0)
        QNS_FAIL(err, UNSUPPORTED, "a tensor without elements cannot be captured");
    if (grows && out->row_bytes > UINT32_MAX)
        QNS_FAIL(err, UNSUPPORTED, "a sample of %zu bytes is larger than HDF5's chunks can be",
                 out->row_bytes);
    out->chunk_rows = out->row_bytes < QNS_CHUNK_BYTES ? QNS_CHUNK_BYTES / out->row_bytes : 1;
    if (how->samples > 0) {
        /* As few chunks, but of one length: the last one takes its whole room in the file. */
        const size_t n = (size_t)how->samples;
        const size_t chunks = (n + out->chunk_rows - 1) / out->chunk_rows;
        out->chunk_rows = (n + chunks - 1) / chunks;
    }
    return QNS_OK;
}

static hid_t make_space(const qns_h5_dims *dims, bool grows)
{
    hsize_t max[QNS_H5_MAX_RANK];
    memcpy(max, dims->dim, sizeof max);
    if (grows)
        max[0] = H5S_UNLIMITED;
    return dims->rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(dims->rank, dims->dim, max);
}

static bool set_chunk(hid_t plist, const qns_h5_dims *dims, qns_compress compress, size_t size)
{
    hsize_t chunk[QNS_H5_MAX_RANK];
    memcpy(chunk, dims->dim, sizeof chunk);
    chunk[0] = dims->chunk_rows;
    bool ok = H5Pset_chunk(plist, dims->rank, chunk) >= 0;
    if (compress != QNS_COMPRESS_NONE && size > 1)
        ok &= H5Pset_shuffle(plist) >= 0;
    if (compress == QNS_COMPRESS_DEFLATE)
        ok &= H5Pset_deflate(plist, 1) >= 0;
    if (compress == QNS_COMPRESS_LZ4)
        ok &= H5Pset_filter(plist, LZ4_FILTER, H5Z_FLAG_MANDATORY, 0, NULL) >= 0;
    return ok;
}

/* '/' -> '.', none in front; never empty. */
static void file_name(char *out, size_t size, const char *name)
{
    size_t n = 0;
    while (*name == '/' || *name == '.')
        name++;
    for (; *name && n + 1 < size; name++)
        out[n++] = (char)(*name == '/' ? '.' : *name);
    out[n] = '\0';
    if (n == 0)
        snprintf(out, size, "_");
}

static qns_status free_name(char *out, size_t size, hid_t group, const char *name, qns_err *err)
{
    char base[1024];
    file_name(base, sizeof base, name);
    snprintf(out, size, "%s", base);
    for (unsigned k = 2; H5Lexists(group, out, H5P_DEFAULT) > 0; k++) {
        if (k > QNS_MAX_DATASETS)
            QNS_FAIL(err, UNSUPPORTED, "too many values called '%s'", base);
        snprintf(out, size, "%s~%u", base, k);
    }
    return QNS_OK;
}

static qns_status set_texts(hid_t dset, const qns_cap_desc *d, qns_err *err)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"name", d->name},
                 {"node", d->node},
                 {"op", d->op},
                 {"impl", d->impl},
                 {"value_origin", d->value_origin},
                 {"activation", d->activation}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        if (texts[i].text)
            QNS_TRY(qns_h5_set_text(dset, texts[i].name, texts[i].text, err));
    QNS_TRY(qns_h5_set_texts(dset, "origin", d->origin, d->n_origin, err));
    return qns_h5_set_texts(dset, "inputs", d->inputs, d->n_inputs, err);
}

static qns_status set_qparams(hid_t dset, const qns_cap_desc *d, qns_err *err)
{
    const qns_qparams *qp = d->qp;
    if (!qp)
        return QNS_OK;
    /* Axis of the dataset: samples stand in front when no batch axis gave way to them. */
    int32_t axis = qp->n > 1 ? qp->axis : -1;
    if (axis >= 0 && qns_group_by_sample(d->group) && !drops_batch(&d->shape))
        axis++;
    QNS_TRY(qns_h5_set_array(dset, "scale", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, qp->scale,
                             (size_t)qp->n, err));
    QNS_TRY(qns_h5_set_array(dset, "zero_point", H5T_STD_I32LE, H5T_NATIVE_INT32, qp->zero,
                             (size_t)qp->n, err));
    return qns_h5_set_int(dset, "axis", axis, err);
}

static qns_status set_stats(hid_t dset, const qns_stats *s, qns_err *err)
{
    const struct {
        const char *name;
        double v;
    } reals[] = {{"lo", s->lo},   {"width", s->width}, {"min", s->min},
                 {"max", s->max}, {"mean", s->mean},   {"std", qns_stats_std(s)}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(reals); i++)
        QNS_TRY(qns_h5_set_double(dset, reals[i].name, reals[i].v, err));
    QNS_TRY(qns_h5_set_u64(dset, "count", s->n, err));
    QNS_TRY(qns_h5_set_u64(dset, "nan", s->nan, err));
    return qns_h5_set_u64(dset, "inf", s->inf, err);
}

static qns_status set_attributes(hid_t dset, const qns_cap_desc *d, qns_err *err)
{
    QNS_TRY(set_texts(dset, d, err));
    QNS_TRY(set_qparams(dset, d, err));
    if (d->stats)
        QNS_TRY(set_stats(dset, d->stats, err));
    if (d->index >= 0)
        QNS_TRY(qns_h5_set_int(dset, "index", d->index, err));
    if (d->output >= 0)
        QNS_TRY(qns_h5_set_int(dset, "output", d->output, err));
    if (d->conversion)
        QNS_TRY(qns_h5_set_int(dset, "conversion", 1, err));
    if (d->macs > 0)
        QNS_TRY(qns_h5_set_u64(dset, "macs", d->macs, err));
    return QNS_OK;
}

/* Attributes stay in the header while they are few; without fill values a chunk is written once. */
static hid_t make_plist(void)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist < 0)
        return plist;
    if (H5Pset_attr_phase_change(plist, 32, 16) < 0 || !qns_h5_without_times(plist) ||
        H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER) < 0)
        qns_h5_shut(&plist);
    return plist > 0 ? plist : -1;
}

/* We write whole rows, or whole chunks when compressing: a cache would only copy. */
static hid_t make_access(void)
{
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    if (access >= 0)
        H5Pset_chunk_cache(access, 0, 0, 1.0);
    return access;
}

qns_status qns_h5_make_dataset(hid_t *dset, qns_h5_dims *dims, hid_t group, const qns_cap_desc *d,
                               const qns_h5_how *how, qns_err *err)
{
    qns_status st = QNS_OK;
    char name[1100];
    hid_t space = 0, plist = 0, access = 0, made = 0;
    const bool grows = qns_group_by_sample(d->group);
    QNS_TRY_DONE(plan_dims(dims, d, how, err));
    QNS_TRY_DONE(
        free_name(name, sizeof name, group, d->value_origin ? d->value_origin : d->name, err));
    space = make_space(dims, grows);
    plist = make_plist();
    access = make_access();
    if (space < 0 || plist < 0 || access < 0 ||
        (grows && !set_chunk(plist, dims, how->compress, qns_dtype_size(d->dtype))) ||
        (made = H5Dcreate2(group, name, qns_h5_file_type(d->dtype), space, H5P_DEFAULT, plist,
                           access)) < 0)
        QNS_H5_FAIL_DONE(err, IO, "cannot create dataset '%s/%s'", qns_group_name(d->group), name);
    QNS_TRY_DONE(set_attributes(made, d, err));
    *dset = made;
    made = 0;
done:
    if (st != QNS_OK)
        qns_err_note(err, "'%s'", d->name);
    qns_h5_shut(&made);
    qns_h5_shut(&space);
    qns_h5_shut(&plist);
    qns_h5_shut(&access);
    return st;
}

qns_status qns_h5_make_list(hid_t *dset, hid_t file, const char *name, hid_t type, hsize_t width,
                            qns_err *err)
{
    qns_status st = QNS_OK;
    qns_h5_dims dims = {
        .rank = width > 1 ? 2 : 1, .dim = {0, width}, .chunk_rows = QNS_H5_LIST_ROWS};
    hid_t space = make_space(&dims, true), plist = make_plist();
    if (space < 0 || plist < 0 || !set_chunk(plist, &dims, QNS_COMPRESS_NONE, 1) ||
        (*dset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT)) < 0) {
        *dset = 0;
        QNS_H5_FAIL_DONE(err, IO, "cannot create dataset '%s'", name);
    }
done:
    qns_h5_shut(&space);
    qns_h5_shut(&plist);
    return st;
}
