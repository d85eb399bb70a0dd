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

enum { MAX_CHUNKS = 1 << 24 };

/* Chunks of whole samples. *rows: of each. */
static bool has_row_chunks(hsize_t *rows, const qns_cap_entry *e, hid_t plist)
{
    hsize_t chunk[H5S_MAX_RANK];
    if (!qns_group_by_sample(e->d.group) || e->filtered ||
        H5Pget_chunk(plist, H5S_MAX_RANK, chunk) != e->rank || chunk[0] == 0)
        return false;
    for (int32_t i = 1; i < e->rank; i++)
        if (chunk[i] != e->dim[i])
            return false;
    *rows = chunk[0];
    return (e->dim[0] + chunk[0] - 1) / chunk[0] <= MAX_CHUNKS;
}

static qns_status find_chunks(qns_cap_direct *out, const qns_cap_entry *e, qns_capture *c,
                              hid_t dset, qns_err *err)
{
    const hsize_t rows = out->chunk_rows, n = (e->dim[0] + rows - 1) / rows;
    haddr_t *at = NULL;
    QNS_TRY(qns_arena_new((void **)&at, c->arena, (size_t)n, sizeof *at, err));
    for (hsize_t i = 0; i < n; i++) {
        const hsize_t first[H5S_MAX_RANK] = {i * rows};
        size_t size = 0;
        if (!qns_h5_driver_find(&at[i], &size, &c->disk, dset, first) ||
            size != rows * e->d.count * out->size)
            at[i] = HADDR_UNDEF;
    }
    out->at = at;
    return QNS_OK;
}

static qns_status find_piece(qns_cap_direct *out, const qns_cap_entry *e, qns_capture *c,
                             hid_t dset, qns_err *err)
{
    const haddr_t at = H5Dget_offset(dset);
    if (at == HADDR_UNDEF)
        return QNS_OK;
    out->chunk_rows = qns_group_by_sample(e->d.group) ? e->dim[0] : 1;
    out->at = qns_arena_dup(c->arena, &at, sizeof at);
    if (!out->at)
        QNS_FAIL(err, NOMEM, "cannot keep an address");
    return QNS_OK;
}

qns_status qns_cap_find_direct(qns_cap_entry *e, qns_capture *c, hid_t dset, qns_err *err)
{
    hid_t plist = H5Dget_create_plist(dset), type = H5Dget_type(dset);
    qns_status st = QNS_OK;
    qns_cap_direct d = {0};
    if (plist >= 0 && type >= 0 && is_as_wanted(e, type)) {
        const H5D_layout_t layout = H5Pget_layout(plist);
        d.size = H5Tget_size(type);
        if (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) == 0)
            st = find_piece(&d, e, c, dset, err);
        else if (layout == H5D_CHUNKED && has_row_chunks(&d.chunk_rows, e, plist))
            st = find_chunks(&d, e, c, dset, err);
    }
    if (d.at)
        e->direct = d;
    H5Eclear2(H5E_DEFAULT);
    qns_h5_shut(&plist);
    qns_h5_shut(&type);
    return st;
}

/* Where row `row` begins. *left: rows from there on that follow it. */
static bool find_row(haddr_t *at, hsize_t *left, const qns_cap_entry *e, hsize_t row)
{
    const qns_cap_direct *d = &e->direct;
    const haddr_t chunk = d->at[row / d->chunk_rows];
    const hsize_t before = row % d->chunk_rows;
    *at = chunk + before * e->d.count * d->size;
    *left = d->chunk_rows - before;
    return chunk != HADDR_UNDEF;
}

const void *qns_capture_view(qns_view *v, qns_capture *c, const qns_cap_part *p)
{
    const qns_cap_entry *e = &c->entry.at[p->data];
    const size_t size = e->direct.size;
    haddr_t at = 0;
    hsize_t left = 0;
    if (size == 0 || !find_row(&at, &left, e, (hsize_t)p->row) || left < (hsize_t)p->n_rows)
        return NULL;
    at += p->first * size;
    if (at % size != 0)
        return NULL;
    return qns_view_get(v, c->fd, at, (size_t)p->n_rows * p->n * size,
                        (left * e->d.count - p->first) * size);
}

qns_status qns_cap_read_direct(void *out, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    const qns_cap_entry *e = &c->entry.at[p->data];
    const size_t size = e->direct.size;
    char *to = out;
    hsize_t n = 0;
    for (hsize_t i = 0; i < (hsize_t)p->n_rows; i += n) {
        haddr_t at = 0;
        hsize_t left = 0;
        if (!find_row(&at, &left, e, (hsize_t)p->row + i))
            QNS_FAIL(err, FORMAT, "'%s': cannot read '%s': sample %lld is not there", c->info.path,
                     e->d.path, (long long)p->row + (long long)i);
        n = (hsize_t)p->n_rows - i < left ? (hsize_t)p->n_rows - i : left;
        const size_t bytes = (size_t)n * p->n * size;
        if (!qns_h5_read_at(c->fd, at + p->first * size, to, bytes))
            QNS_FAIL(err, FORMAT, "'%s': cannot read '%s': the file ends before its values",
                     c->info.path, e->d.path);
        to += bytes;
    }
    return QNS_OK;
}
