/* SPDX-License-Identifier: MIT */
/* Reading what lies in the file as it is wanted. HDF5 says where, and gives no bytes: it would cost
 * as much as they do, and only one thread may be in it. */
#include "ns/h5_read_internal.h"

static bool is_as_wanted(const qns_cap_entry *e, hid_t type)
{
    if (e->by_bytes)
        return e->d.n_scale > 0 &&
               (H5Tequal(type, H5T_NATIVE_UINT8) > 0 || H5Tequal(type, H5T_NATIVE_INT8) > 0);
    return e->d.n_scale == 0 && H5Tequal(type, H5T_NATIVE_FLOAT) > 0;
}

/* Chunks of whole samples. */
static bool find_chunks(qns_cap_direct *out, const qns_cap_entry *e, hid_t plist)
{
    hsize_t chunk[H5S_MAX_RANK];
    if (!qns_group_by_sample(e->d.group) || e->filtered ||
        H5Pget_chunk(plist, H5S_MAX_RANK, chunk) != e->rank || chunk[0] == 0)
        return false;
    for (int32_t i = 1; i < e->rank; i++)
        if (chunk[i] != e->dim[i])
            return false;
    out->chunk_rows = chunk[0];
    out->at = HADDR_UNDEF;
    return true;
}

void qns_cap_find_direct(qns_cap_entry *e)
{
    hid_t plist = H5Dget_create_plist(e->dset), type = H5Dget_type(e->dset);
    qns_cap_direct d = {0};
    bool ok = plist >= 0 && type >= 0 && is_as_wanted(e, type);
    if (ok) {
        d.size = H5Tget_size(type);
        const H5D_layout_t layout = H5Pget_layout(plist);
        if (layout == H5D_CONTIGUOUS)
            ok =
                H5Pget_external_count(plist) == 0 && (d.at = H5Dget_offset(e->dset)) != HADDR_UNDEF;
        else
            ok = layout == H5D_CHUNKED && find_chunks(&d, e, plist);
    }
    if (ok)
        e->direct = d;
    H5Eclear2(H5E_DEFAULT);
    qns_h5_shut(&plist);
    qns_h5_shut(&type);
}

/* Where row `row` begins. *left: rows from there on that follow it. */
static bool find_row(haddr_t *at, hsize_t *left, qns_capture *c, qns_cap_entry *e, hsize_t row)
{
    qns_cap_direct *d = &e->direct;
    const size_t row_size = e->d.count * d->size;
    if (d->chunk_rows == 0) {
        *left = (qns_group_by_sample(e->d.group) ? e->dim[0] : 1) - row;
        *at = d->at + row * row_size;
        return true;
    }
    const hsize_t chunk = row / d->chunk_rows, first[H5S_MAX_RANK] = {chunk * d->chunk_rows};
    bool ok = true;
    qns_h5_lock();
    if (d->at == HADDR_UNDEF || d->chunk != chunk) {
        size_t size = 0;
        d->chunk = chunk;
        ok = qns_h5_driver_find(&d->at, &size, &c->disk, e->dset, first) &&
             size == d->chunk_rows * row_size;
        if (!ok)
            d->at = HADDR_UNDEF;
    }
    *at = d->at + (row - first[0]) * row_size;
    qns_h5_unlock();
    *left = first[0] + d->chunk_rows - row;
    return ok;
}

const void *qns_capture_view(qns_view *v, qns_capture *c, const qns_cap_part *p)
{
    qns_cap_entry *e = &c->entry.at[p->data];
    const size_t size = e->direct.size;
    haddr_t at = 0;
    hsize_t left = 0;
    if (size == 0 || c->disk.fd < 0 || !find_row(&at, &left, c, e, (hsize_t)p->row) ||
        left < (hsize_t)p->n_rows)
        return NULL;
    at += p->first * size;
    if (at % size != 0)
        return NULL;
    return qns_view_get(v, c->disk.fd, at, (size_t)p->n_rows * p->n * size,
                        (left * e->d.count - p->first) * size);
}

qns_status qns_cap_read_direct(void *out, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    qns_cap_entry *e = &c->entry.at[p->data];
    const size_t size = e->direct.size;
    char *to = out;
    hsize_t n = 0;
    for (hsize_t i = 0; i < (hsize_t)p->n_rows; i += n) {
        haddr_t at = 0;
        hsize_t left = 0;
        if (!find_row(&at, &left, c, e, (hsize_t)p->row + i))
            QNS_FAIL(err, FORMAT, "'%s': cannot read '%s': sample %lld is not there", c->info.path,
                     e->d.path, (long long)p->row + (long long)i);
        n = (hsize_t)p->n_rows - i < left ? (hsize_t)p->n_rows - i : left;
        const size_t bytes = (size_t)n * p->n * size;
        if (!qns_h5_disk_read(&c->disk, at + p->first * size, to, bytes))
            QNS_FAIL(err, FORMAT, "'%s': cannot read '%s': the file ends before its values",
                     c->info.path, e->d.path);
        to += bytes;
    }
    return QNS_OK;
}
