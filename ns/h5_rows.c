/* SPDX-License-Identifier: MIT */
#include "ns/h5_rows.h"

#include "core/base/mem.h"

#include <omp.h>
#include <stdatomic.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory is written as it is");

enum {
    ROW_BUFFER = 64 * 1024, /* small rows are written this many bytes at a time */
    PIECE = 512 * 1024,     /* in the second-level cache, with what it is made from */
    LINE = 64,
    TEAM = 2 /* one turns a piece while the other writes: a file takes one write at a time */
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

void qns_h5_column_init(qns_h5_column *c, qns_compress compress)
{
    const size_t few = ROW_BUFFER / c->dims.row_bytes;
    c->compressed = compress != QNS_COMPRESS_NONE;
    c->buf_rows = c->compressed ? c->dims.chunk_rows : few > 1 ? few : 1;
}

/* ---- where rows lie ---- */

static bool extend(qns_h5_column *c, hsize_t rows)
{
    const hsize_t chunk = c->dims.chunk_rows;
    if (rows <= c->extent)
        return true;
    const hsize_t extent = (rows + chunk - 1) / chunk * chunk;
    if (!qns_h5_set_rows(c->dset, c->dims.dim, extent))
        return false;
    c->extent = extent;
    return true;
}

/* Of the next row. *left: rows from there to the end of the chunk. */
static bool next_place(haddr_t *at, size_t *left, qns_h5_column *c, qns_h5_disk *disk)
{
    const size_t row = c->rows % c->dims.chunk_rows;
    const hsize_t first[QNS_H5_MAX_RANK] = {c->rows};
    if (!extend(c, c->rows + 1))
        return false;
    if (row == 0 && !qns_h5_driver_place(&c->chunk, disk, c->dset, first,
                                         c->dims.chunk_rows * c->dims.row_bytes))
        return false;
    *at = c->chunk + row * c->dims.row_bytes;
    *left = c->dims.chunk_rows - row;
    return true;
}

static bool push_compressed(qns_h5_column *c)
{
    if (!extend(c, c->rows + c->n_buf) ||
        !qns_h5_write_rows(c->dset, c->type, c->dims.dim, c->dims.rank, c->rows, c->n_buf, c->buf))
        return false;
    c->rows += c->n_buf;
    c->n_buf = 0;
    return true;
}

bool qns_h5_column_push(qns_h5_column *c, qns_h5_disk *disk)
{
    if (c->n_buf == 0)
        return true;
    if (c->compressed)
        return push_compressed(c);
    const char *from = c->buf;
    for (size_t n, left; c->n_buf > 0; c->n_buf -= n) {
        haddr_t at;
        if (!next_place(&at, &left, c, disk))
            return false;
        n = left < c->n_buf ? left : c->n_buf;
        if (!qns_h5_disk_write(disk, at, from, n * c->dims.row_bytes))
            return false;
        from += n * c->dims.row_bytes;
        c->rows += n;
    }
    return true;
}

/* ---- one large row ---- */

typedef struct pieces {
    const qns_tensor *t;
    haddr_t at;
    size_t channels, span;  /* span: bytes of a channel */
    size_t each, per_image; /* channels of a piece; pieces of an image */
    size_t n;
} pieces;

/* Whole lines of channels, so that no line is read for two pieces. */
static pieces cut(const qns_tensor *t, haddr_t at)
{
    const size_t size = qns_dtype_size(t->dtype), line = LINE / size;
    pieces p = {.t = t, .at = at, .channels = (size_t)t->shape.dim[1]};
    p.span = qns_shape_span(&t->shape, 2, t->shape.rank) * size;
    const size_t lines = PIECE / (line * p.span);
    p.each = line * (lines > 1 ? lines : 1);
    p.each = p.each < p.channels ? p.each : p.channels;
    p.per_image = (p.channels + p.each - 1) / p.each;
    p.n = (size_t)t->shape.dim[0] * p.per_image;
    return p;
}

static bool write_piece(qns_h5_disk *disk, const pieces *p, size_t k, char *buf)
{
    const size_t image = k / p->per_image, first = k % p->per_image * p->each;
    const size_t n = p->each < p->channels - first ? p->each : p->channels - first;
    qns_tensor_channels(buf, p->t, image, first, n);
    return qns_h5_disk_write(disk, p->at + (image * p->channels + first) * p->span, buf,
                             n * p->span);
}

static bool is_straight(const qns_tensor *t)
{
    return t->layout == QNS_ROW || qns_layout_trivial(&t->shape);
}

static bool is_buffered(const qns_h5_column *c)
{
    return c->compressed || c->buf_rows > 1;
}

bool qns_h5_column_reserve(qns_h5_column *c, qns_h5_team *team, const qns_tensor *t)
{
    if (is_buffered(c))
        return c->buf || (c->buf = qns_malloc64(c->buf_rows * c->dims.row_bytes));
    if (is_straight(t))
        return true;
    const pieces p = cut(t, 0);
    const size_t size = (p.each * p.span + LINE - 1) / LINE * LINE;
    if (team->piece_size >= size)
        return true;
    qns_free(team->piece);
    team->piece = qns_malloc64(TEAM * size);
    team->piece_size = team->piece ? size : 0;
    return team->piece != NULL;
}

static bool write_channels(qns_h5_team *team, const qns_tensor *t, haddr_t at)
{
    const pieces p = cut(t, at);
    atomic_size_t next = 0;
    atomic_bool failed = false;
    /* As many threads as the run has: a team of another size would have to be made anew. */
#pragma omp parallel num_threads(team->threads) if (team->threads > 1)
    {
        const size_t me = (size_t)omp_get_thread_num();
        for (size_t k; me < TEAM && !failed && (k = next++) < p.n;)
            if (!write_piece(team->disk, &p, k, team->piece + me * team->piece_size))
                failed = true;
    }
    return !failed;
}

static bool append_large(qns_h5_column *c, qns_h5_team *team, const qns_tensor *t)
{
    haddr_t at = 0;
    size_t left;
    qns_h5_lock();
    bool ok = next_place(&at, &left, c, team->disk);
    qns_h5_unlock();
    if (!ok)
        return false;
    if (is_straight(t))
        ok = qns_h5_disk_write(team->disk, at, t->data, c->dims.row_bytes);
    else
        ok = write_channels(team, t, at);
    c->rows += ok;
    return ok;
}

bool qns_h5_column_append(qns_h5_column *c, qns_h5_team *team, const qns_tensor *t)
{
    if (!is_buffered(c))
        return append_large(c, team, t);
    qns_tensor_relayout(c->buf + c->n_buf * c->dims.row_bytes, QNS_ROW, t);
    if (++c->n_buf < c->buf_rows)
        return true;
    qns_h5_lock();
    const bool ok = qns_h5_column_push(c, team->disk);
    qns_h5_unlock();
    return ok;
}
