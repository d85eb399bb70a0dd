/* SPDX-License-Identifier: MIT */
/* Reading parts of datasets as floats. A flat range of a sample is at most a few boxes for HDF5:
 * whole slices in the middle, parts of slices at both ends. */
#include "ns/h5_read.h"

#include "kernels/kernels.h"
#include "ns/h5_read_internal.h"

#include <assert.h>
#include <string.h>

typedef struct reader {
    const qns_cap_entry *e;
    hid_t space, type;
    size_t size; /* of type */
    char *out;   /* where the next element goes */
    hsize_t start[QNS_MAX_RANK + 1];
} reader;

/* One box: at `start`, n whole slices of axis `axis`. */
static bool read_box(reader *r, int32_t axis, hsize_t n)
{
    hsize_t count[QNS_MAX_RANK + 1], all = n;
    const int32_t rank = r->e->rank;
    for (int32_t i = 0; i < axis; i++)
        count[i] = 1;
    if (axis < rank)
        count[axis] = n;
    for (int32_t i = axis + 1; i < rank; i++) {
        count[i] = r->e->dim[i];
        r->start[i] = 0;
        all *= count[i];
    }
    /* Of the same rank as the selection: HDF5 walks other shapes element by element. */
    hid_t mem = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, count, NULL);
    const bool ok = mem >= 0 &&
                    (rank == 0 || H5Sselect_hyperslab(r->space, H5S_SELECT_SET, r->start, NULL,
                                                      count, NULL) >= 0) &&
                    H5Dread(r->e->dset, r->type, mem, r->space, H5P_DEFAULT, r->out) >= 0;
    qns_h5_shut(&mem);
    r->out += all * r->size;
    return ok;
}

/* Elements first ... first + n - 1 of the slice at start[0 ... axis - 1]. */
static bool read_range(reader *r, int32_t axis, size_t first, size_t n)
{
    const int32_t rank = r->e->rank;
    if (n == 0)
        return true;
    if (axis >= rank)
        return read_box(r, axis, 1);
    size_t span = 1;
    for (int32_t i = axis + 1; i < rank; i++)
        span *= (size_t)r->e->dim[i];
    const size_t head = first % span == 0 ? 0 : span - first % span < n ? span - first % span : n;
    if (head > 0) {
        r->start[axis] = first / span;
        if (!read_range(r, axis + 1, first % span, head))
            return false;
        first += head;
        n -= head;
    }
    if (n / span > 0) {
        r->start[axis] = first / span;
        if (!read_box(r, axis, n / span))
            return false;
        first += n / span * span;
        n %= span;
    }
    r->start[axis] = first / span;
    return read_range(r, axis + 1, 0, n);
}

static qns_status read_raw(void *out, qns_capture *c, const qns_cap_part *p, hid_t type,
                           size_t size, qns_err *err)
{
    qns_cap_entry *e = &c->entry.at[p->data];
    const bool rows = qns_group_by_sample(e->d.group);
    QNS_TRY(qns_cap_dataset(c, e, err));
    reader r = {.e = e, .type = type, .size = size, .out = out};
    bool ok;
    r.space = H5Dget_space(e->dset);
    r.start[0] = (hsize_t)p->row;
    if (r.space < 0)
        ok = false;
    else if (!rows)
        ok = read_range(&r, 0, p->first, p->n);
    else if (p->n == e->d.count)
        ok = read_box(&r, 0, (hsize_t)p->n_rows);
    else
        ok = read_range(&r, 1, p->first, p->n);
    qns_h5_shut(&r.space);
    if (!ok)
        QNS_H5_FAIL(err, FORMAT, "'%s': cannot read '%s'", c->info.path, e->d.path);
    return QNS_OK;
}

/* ---- dequantizing (spec section 1) ---- */

enum { SMALL = 1 << 20 };

static float by_tensor(const qns_cap_data *d, int32_t q)
{
    return (float)d->scale[0] * (float)(int32_t)((uint32_t)q - (uint32_t)d->zero[0]);
}

static float by_channel(const qns_cap_data *d, int32_t q, size_t c)
{
    return (float)((double)((float)q - (float)d->zero[c]) * d->scale[c]);
}

/* The channel of an element is (index / inner) % channels. */
typedef struct walk {
    size_t inner, channels, left, c; /* left: elements until the next channel */
} walk;

static walk walk_from(const qns_cap_data *d, size_t first)
{
    walk w = {.inner = 1, .channels = d->n_scale};
    for (int32_t i = d->axis + 1; i < d->shape.rank; i++)
        w.inner *= (size_t)d->shape.dim[i];
    w.c = first / w.inner % w.channels;
    w.left = w.inner - first % w.inner;
    return w;
}

static void step(walk *w)
{
    if (--w->left > 0)
        return;
    w->left = w->inner;
    w->c = w->c + 1 < w->channels ? w->c + 1 : 0;
}

/* Kernels subtract without wrapping; a file may say anything. */
static bool is_small(const qns_cap_data *d)
{
    for (uint32_t i = 0; i < d->n_scale; i++)
        if (d->zero[i] < -SMALL || d->zero[i] > SMALL)
            return false;
    return true;
}

static void run_of_bytes(float *out, const qk_table *k, const uint8_t *in, const qns_cap_entry *e,
                         size_t c, size_t n)
{
    const int8_t *s = (const int8_t *)in;
    const double scale = e->d.scale[c];
    const int32_t zero = e->d.zero[c];
    if (e->d.n_scale == 1 && e->is_signed)
        k->dequantize_s8(out, s, n, (float)scale, zero);
    else if (e->d.n_scale == 1)
        k->dequantize_u8(out, in, n, (float)scale, zero);
    else if (e->is_signed)
        k->dequantize_wide_s8(out, s, n, scale, (float)zero);
    else
        k->dequantize_wide_u8(out, in, n, scale, (float)zero);
}

/* The bytes lie at the end of out: a step of w elements from i on writes up to byte 4 (i + w), and
 * the next byte to be read is 3 n + i + w, which is not before that as long as i + w <= n. */
static void from_bytes(float *out, const qns_cap_entry *e, size_t first, size_t n)
{
    const uint8_t *in = (const uint8_t *)out + 3 * n;
    walk w = walk_from(&e->d, first);
    qk_table k;
    if (is_small(&e->d)) {
        qk_table_init(&k, ~0u);
        if (e->d.n_scale == 1)
            w.left = n;
        for (size_t i = 0, m; i < n; i += m) {
            m = w.left < n - i ? w.left : n - i;
            run_of_bytes(out + i, &k, in + i, e, w.c, m);
            w.left = w.inner;
            w.c = w.c + 1 < w.channels ? w.c + 1 : 0;
        }
        return;
    }
    for (size_t i = 0; i < n; i++, step(&w)) {
        const int32_t q = e->is_signed ? (int8_t)in[i] : in[i];
        const float v = e->d.n_scale == 1 ? by_tensor(&e->d, q) : by_channel(&e->d, q, w.c);
        memcpy(&out[i], &v, sizeof v);
    }
}

static void from_ints(float *out, const qns_cap_entry *e, size_t first, size_t n)
{
    walk w = e->d.n_scale > 1 ? walk_from(&e->d, first) : (walk){0};
    for (size_t i = 0; i < n; i++) {
        int32_t q;
        memcpy(&q, &out[i], sizeof q);
        out[i] = e->d.n_scale > 1 ? by_channel(&e->d, q, w.c) : by_tensor(&e->d, q);
        if (e->d.n_scale > 1)
            step(&w);
    }
}

/* Elements in memory: as bytes, as int32, else as floats. */
typedef enum form { FLOATS, BYTES, INTS } form;

static form form_of(const qns_cap_entry *e)
{
    return e->d.n_scale == 0 ? FLOATS : e->by_bytes ? BYTES : INTS;
}

static qns_status read_file(void *to, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    const qns_cap_entry *e = &c->entry.at[p->data];
    const form f = form_of(e);
    if (e->direct.size > 0)
        return qns_cap_read_direct(to, c, p, err);
    qns_h5_lock();
    const hid_t type = f == BYTES  ? (e->is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8)
                       : f == INTS ? H5T_NATIVE_INT32
                                   : H5T_NATIVE_FLOAT;
    const qns_status st = read_raw(to, c, p, type, f == BYTES ? 1 : 4, err);
    qns_h5_unlock();
    return st;
}

static qns_status read_form(void *to, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    const qns_cap_entry *e = &c->entry.at[p->data];
    assert(p->data < c->entry.n && p->first + p->n <= e->d.count && p->row >= 0 && p->n_rows >= 1);
    assert(p->n_rows == 1 || p->n == e->d.count);
    assert(!qns_group_by_sample(e->d.group) || p->row + p->n_rows <= (int64_t)e->dim[0]);
    assert(!e->memory || !qns_group_by_sample(e->d.group));
    if (!e->memory)
        return read_file(to, c, p, err);
    qns_cap_from_memory(to, e, p->first, p->n, form_of(e) != FLOATS);
    return QNS_OK;
}

qns_status qns_capture_read(float *out, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    const qns_cap_entry *e = &c->entry.at[p->data];
    const size_t n = p->n * (size_t)p->n_rows;
    const form f = form_of(e);
    QNS_TRY(read_form(f == BYTES ? (char *)out + 3 * n : (char *)out, c, p, err));
    if (f == BYTES)
        from_bytes(out, e, p->first, n);
    else if (f == INTS)
        from_ints(out, e, p->first, n);
    return QNS_OK;
}

bool qns_capture_has_codes(const qns_capture *c, uint32_t i)
{
    const qns_cap_entry *e = &c->entry.at[i];
    return form_of(e) == BYTES && is_small(&e->d);
}

qns_status qns_capture_read_codes(uint8_t *out, qns_capture *c, const qns_cap_part *p, qns_err *err)
{
    assert(form_of(&c->entry.at[p->data]) == BYTES);
    return read_form(out, c, p, err);
}
