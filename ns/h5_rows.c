/* SPDX-License-Identifier: MIT */
#include "ns/h5_rows.h"

#include "core/base/mem.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory is written as it is");

enum {
    PIECE = 512 * 1024,      /* in the second-level cache, with what it is made from */
    LARGEST_PIECE = 2 << 20, /* unless one channel is larger */
    LINE = 64
};

bool qns_h5_set_rows(hid_t dset, const hsize_t *row_dim, hsize_t n)
{
    hsize_t dim[QNS_H5_MAX_RANK];
    memcpy(dim, row_dim, sizeof dim);
    dim[0] = n;
    return H5Dset_extent(dset, dim) >= 0;
}

bool qns_h5_write_rows(hid_t dset, hid_t type, const hsize_t *row_dim, int rank, hsize_t first,
                       hsize_t n, const void *data)
{
    hsize_t start[QNS_H5_MAX_RANK] = {first}, count[QNS_H5_MAX_RANK] = {n};
    bool ok = false;
    for (int i = 1; i < rank; i++)
        count[i] = row_dim[i];
    hid_t file_space = H5Dget_space(dset), mem_space = H5Screate_simple(rank, count, NULL);
    if (file_space >= 0 && mem_space >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        ok = H5Dwrite(dset, type, mem_space, file_space, H5P_DEFAULT, data) >= 0;
    qns_h5_shut(&file_space);
    qns_h5_shut(&mem_space);
    return ok;
}

/* ---- where rows lie ---- */

static bool extend(qns_h5_column *c, hsize_t rows)
{
    const hsize_t chunk = c->dims.chunk_rows;
    if (rows <= c->extent)
        return true;
    hsize_t extent = (rows + chunk - 1) / chunk * chunk;
    /* Cutting through a chunk at the end would make HDF5 read and write it. */
    if (rows <= c->most && extent > c->most)
        extent = c->most;
    if (!qns_h5_set_rows(c->dset, c->dims.dim, extent))
        return false;
    c->extent = extent;
    return true;
}

bool qns_h5_column_place(uint64_t *at, qns_h5_column *c, qns_h5_disk *disk)
{
    const size_t row = c->rows % c->dims.chunk_rows;
    const hsize_t first[QNS_H5_MAX_RANK] = {c->rows};
    if (!extend(c, c->rows + 1))
        return false;
    if (row == 0 && !qns_h5_driver_place(&c->chunk, disk, c->dset, first,
                                         c->dims.chunk_rows * c->dims.row_bytes))
        return false;
    *at = c->chunk + row * c->dims.row_bytes;
    c->rows++;
    return true;
}

/* ---- compressed ---- */

static bool write_compressed(qns_h5_column *c, size_t n, const void *rows)
{
    if (!extend(c, c->rows + n) ||
        !qns_h5_write_rows(c->dset, c->type, c->dims.dim, c->dims.rank, c->rows, n, rows))
        return false;
    c->rows += n;
    return true;
}

bool qns_h5_column_push(qns_h5_column *c)
{
    const size_t n = c->n_buf;
    c->n_buf = 0;
    return n == 0 || write_compressed(c, n, c->buf);
}

/* A chunk is compressed and written once, when it is full. */
bool qns_h5_column_add(qns_h5_column *c, const char *row)
{
    if (c->dims.chunk_rows == 1)
        return write_compressed(c, 1, row);
    memcpy(c->buf + c->n_buf * c->dims.row_bytes, row, c->dims.row_bytes);
    return ++c->n_buf < c->dims.chunk_rows || qns_h5_column_push(c);
}

/* ---- one row ---- */

typedef struct pieces {
    size_t channels, span;  /* span: bytes of a channel */
    size_t each, per_image; /* channels of a piece; pieces of an image */
    size_t n;
} pieces;

/* Whole lines of channels, so that no line is read for two pieces, unless that gets too large. */
static pieces cut(const qns_shape *shape, qns_dtype type)
{
    const size_t size = qns_dtype_size(type), line = LINE / size;
    pieces p = {.channels = (size_t)shape->dim[1]};
    p.span = qns_shape_span(shape, 2, shape->rank) * size;
    const size_t lines = PIECE / (line * p.span), most = LARGEST_PIECE / p.span;
    p.each = line * (lines > 1 ? lines : 1);
    p.each = p.each < most ? p.each : most > 1 ? most : 1;
    p.each = p.each < p.channels ? p.each : p.channels;
    p.per_image = (p.channels + p.each - 1) / p.each;
    p.n = (size_t)shape->dim[0] * p.per_image;
    return p;
}

static bool write_turned(qns_h5_lane *l, qns_h5_out *out, uint64_t at, const qns_tensor *t)
{
    const pieces p = cut(&t->shape, t->dtype);
    bool ok = true;
    for (size_t k = 0; k < p.n && ok; k++) {
        const size_t image = k / p.per_image, first = k % p.per_image * p.each;
        const size_t n = p.each < p.channels - first ? p.each : p.channels - first;
        qns_h5_piece *piece = qns_h5_out_take(out, &l->box);
        qns_tensor_channels(piece->data, t, image, first, n);
        piece->at = at + (image * p.channels + first) * p.span;
        piece->size = n * p.span;
        ok = qns_h5_out_put(out, piece);
    }
    return ok;
}

static bool write_straight(qns_h5_lane *l, qns_h5_out *out, uint64_t at, const char *from,
                           size_t size)
{
    bool done, ok = qns_h5_out_try(&done, out, at, from, size);
    for (size_t i = 0; i < size && !done && ok; i += PIECE) {
        qns_h5_piece *piece = qns_h5_out_take(out, &l->box);
        piece->at = at + i;
        piece->size = PIECE < size - i ? PIECE : size - i;
        memcpy(piece->data, from + i, piece->size);
        ok = qns_h5_out_put(out, piece);
    }
    return ok;
}

bool qns_h5_lane_write(qns_h5_lane *l, const qns_h5_column *c, uint32_t column, qns_h5_out *out,
                       const qns_tensor *t)
{
    const uint64_t at = l->place[column];
    if (c->compressed) {
        qns_tensor_relayout(l->rows + at, QNS_ROW, t);
        return true;
    }
    if (t->layout == QNS_ROW || qns_layout_trivial(&t->shape))
        return write_straight(l, out, at, t->data, c->dims.row_bytes);
    return write_turned(l, out, at, t);
}

/* ---- columns and lanes ---- */

qns_status qns_h5_column_init(qns_h5_column *c, const qns_cap_desc *d, const qns_h5_how *how,
                              qns_err *err)
{
    c->most = how->samples > 0 ? (hsize_t)how->samples : 0;
    c->compressed = how->compress != QNS_COMPRESS_NONE;
    c->piece = PIECE;
    if (d->shape.rank >= 3) {
        const pieces p = cut(&d->shape, d->dtype);
        c->piece = p.each * p.span > PIECE ? p.each * p.span : PIECE;
    }
    if (c->compressed && c->dims.chunk_rows > 1 &&
        !(c->buf = qns_malloc64(c->dims.chunk_rows * c->dims.row_bytes)))
        QNS_FAIL(err, NOMEM, "cannot get memory for a chunk of '%s'", d->name);
    return QNS_OK;
}

qns_status qns_h5_lane_init(qns_h5_lane *l, const qns_h5_column *c, size_t n, qns_err *err)
{
    size_t size = 0, piece = PIECE;
    QNS_TRY(qns_new((void **)&l->place, n, sizeof *l->place, err));
    for (size_t i = 0; i < n; i++) {
        piece = c[i].piece > piece ? c[i].piece : piece;
        if (!c[i].compressed)
            continue;
        l->place[i] = size;
        size += (c[i].dims.row_bytes + LINE - 1) / LINE * LINE;
    }
    if (size > 0 && !(l->rows = qns_malloc64(size)))
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes for a sample", size);
    return qns_h5_box_init(&l->box, piece > LARGEST_PIECE ? 1 : QNS_H5_PIECES, piece, err);
}

void qns_h5_lane_fini(qns_h5_lane *l)
{
    qns_free(l->place);
    qns_free(l->rows);
    qns_h5_box_fini(&l->box);
}
