/* SPDX-License-Identifier: MIT */
/* Window arithmetic. Sizes come from files: everything is bounded when it is read, so that no later
 * product can overflow. */
#include "core/ops/window.h"

#include <stdio.h>
#include <string.h>

enum { SIZE_LIMIT = 1 << 30 };

/* Entries [from, from + rank) of an attribute with `want` entries; def when the attribute is
 * absent. */
static qns_status read_ints(int64_t *out, qns_attrs *a, const char *name, int32_t rank,
                            int32_t part, int32_t parts, int64_t def, qns_err *err)
{
    const int64_t *v;
    size_t n;

    QNS_TRY(qns_attrs_ints(&v, &n, a, name, err));
    if (v && n != (size_t)rank * (size_t)parts)
        QNS_FAIL(err, FORMAT, "attribute '%s' has %zu entries, must have %d", name, n,
                 rank * parts);
    for (int32_t i = 0; i < rank; i++) {
        out[i] = v ? v[part * rank + i] : def;
        if (out[i] > SIZE_LIMIT)
            QNS_FAIL(err, FORMAT, "attribute '%s' has the entry %lld, must be at most %d", name,
                     (long long)out[i], SIZE_LIMIT);
        if (def == 0 && out[i] < 0)
            QNS_FAIL(err, UNSUPPORTED, "attribute '%s' is negative (%lld)", name,
                     (long long)out[i]);
        if (def != 0 && out[i] < 1)
            QNS_FAIL(err, FORMAT, "attribute '%s' has the entry %lld, must be positive", name,
                     (long long)out[i]);
    }
    return QNS_OK;
}

static qns_status read_auto_pad(int64_t *out, qns_attrs *a, qns_err *err)
{
    static const char *const name[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *text;

    QNS_TRY(qns_attrs_text(&text, a, "auto_pad", "NOTSET", err));
    for (size_t i = 0; i < QNS_ARRAY_LEN(name); i++) {
        if (!strcmp(text, name[i])) {
            *out = (int64_t)i;
            return QNS_OK;
        }
    }
    if (!*text) {
        *out = QNS_PAD_EXPLICIT;
        return QNS_OK;
    }
    QNS_FAIL(err, FORMAT,
             "attribute 'auto_pad' is '%s', must be NOTSET, SAME_UPPER, SAME_LOWER or VALID", text);
}

static qns_status read_kernel(qns_window *w, qns_attrs *a, int32_t rank, const int64_t *kernel,
                              qns_err *err)
{
    const int64_t *v;
    size_t n;

    QNS_TRY(qns_attrs_ints(&v, &n, a, "kernel_shape", err));
    if (!v && !kernel)
        QNS_FAIL(err, FORMAT, "attribute 'kernel_shape' is missing");
    if (v && n != (size_t)rank)
        QNS_FAIL(err, FORMAT, "attribute 'kernel_shape' has %zu entries, must have %d", n, rank);
    for (int32_t i = 0; i < rank; i++) {
        w->kernel[i] = v ? v[i] : kernel[i];
        if (kernel && w->kernel[i] != kernel[i])
            QNS_FAIL(err, SHAPE, "attribute 'kernel_shape' says %lld on axis %d, the weight %lld",
                     (long long)w->kernel[i], i, (long long)kernel[i]);
        if (w->kernel[i] < 1 || w->kernel[i] > SIZE_LIMIT)
            QNS_FAIL(err, FORMAT, "the kernel has size %lld on axis %d, must be positive",
                     (long long)w->kernel[i], i);
    }
    return QNS_OK;
}

qns_status qns_window_read(qns_window *w, qns_attrs *a, int32_t rank, const int64_t *kernel,
                           qns_err *err)
{
    memset(w, 0, sizeof *w);
    if (rank < 1 || rank > QNS_SPATIAL)
        QNS_FAIL(err, UNSUPPORTED, "%d spatial axes; 1 to 3 are supported", rank);
    w->rank = rank;
    QNS_TRY(read_kernel(w, a, rank, kernel, err));
    QNS_TRY(read_auto_pad(&w->auto_pad, a, err));
    QNS_TRY(read_ints(w->stride, a, "strides", rank, 0, 1, 1, err));
    QNS_TRY(read_ints(w->dilation, a, "dilations", rank, 0, 1, 1, err));
    QNS_TRY(read_ints(w->pad_lo, a, "pads", rank, 0, 2, 0, err));
    QNS_TRY(read_ints(w->pad_hi, a, "pads", rank, 1, 2, 0, err));
    QNS_TRY(qns_attrs_int(&w->ceil_mode, a, "ceil_mode", 0, err));
    w->ceil_mode = w->ceil_mode != 0;
    return QNS_OK;
}

qns_status qns_window_write(qns_attrs *a, const qns_window *w, const qns_shape *in, qns_err *err)
{
    const size_t rank = (size_t)w->rank, lead = QNS_SPATIAL - rank;
    int64_t pads[2 * QNS_SPATIAL];
    bool dilated = false;
    qns_geom g;

    QNS_TRY(qns_window_lay(&g, w, in, err));
    for (size_t i = 0; i < rank; i++) {
        pads[i] = g.pad_lo[lead + i];
        pads[rank + i] = g.pad_hi[lead + i];
        dilated |= w->dilation[i] != 1;
    }
    QNS_TRY(qns_attrs_add_ints(a, "kernel_shape", w->kernel, rank, err));
    QNS_TRY(qns_attrs_add_ints(a, "strides", w->stride, rank, err));
    QNS_TRY(qns_attrs_add_ints(a, "pads", pads, 2 * rank, err));
    if (dilated)
        QNS_TRY(qns_attrs_add_ints(a, "dilations", w->dilation, rank, err));
    if (w->ceil_mode)
        QNS_TRY(qns_attrs_add_int(a, "ceil_mode", 1, err));
    return QNS_OK;
}

/* " stride 2" or " stride 2x1"; nothing when every entry is def. */
static size_t describe_part(char *out, size_t size, size_t len, const char *name, const int64_t *v,
                            int64_t n, int64_t def)
{
    bool same = true;

    for (int64_t i = 1; i < n; i++)
        same &= v[i] == v[0];
    if (len >= size || (same && v[0] == def))
        return len;
    len += (size_t)snprintf(out + len, size - len, "%s%s ", len ? " " : "", name);
    if (same && strcmp(name, "kernel"))
        n = 1;
    for (int64_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, i ? "x%lld" : "%lld", (long long)v[i]);
    return len;
}

void qns_window_describe(char *out, size_t size, const qns_window *w)
{
    static const char *const same[] = {"", "pad same", "pad same-lower", ""};
    size_t len = 0;

    if (size)
        out[0] = 0;
    len = describe_part(out, size, len, "kernel", w->kernel, w->rank, -1);
    len = describe_part(out, size, len, "stride", w->stride, w->rank, 1);
    len = describe_part(out, size, len, "dilation", w->dilation, w->rank, 1);
    if (w->auto_pad == QNS_PAD_EXPLICIT) {
        const bool even = !memcmp(w->pad_lo, w->pad_hi, sizeof w->pad_lo);

        len = describe_part(out, size, len, even ? "pad" : "pad-begin", w->pad_lo, w->rank, 0);
        if (!even)
            describe_part(out, size, len, "pad-end", w->pad_hi, w->rank, 0);
    } else if (*same[w->auto_pad] && len < size) {
        snprintf(out + len, size - len, " %s", same[w->auto_pad]);
    }
}

/* One axis: resolves the padding and computes the output size. */
static qns_status lay_axis(qns_geom *g, int32_t j, const qns_window *w, qns_err *err)
{
    const int64_t in = g->in[j], stride = g->stride[j];
    const int64_t span = (g->kernel[j] - 1) * g->dilation[j] + 1;
    int64_t room;

    if (w->auto_pad == QNS_PAD_SAME_UPPER || w->auto_pad == QNS_PAD_SAME_LOWER) {
        const int64_t out = (in + stride - 1) / stride;
        int64_t total = (out - 1) * stride + span - in;

        total = total > 0 ? total : 0;
        g->pad_lo[j] = w->auto_pad == QNS_PAD_SAME_UPPER ? total / 2 : total - total / 2;
        g->pad_hi[j] = total - g->pad_lo[j];
    } else if (w->auto_pad == QNS_PAD_VALID) {
        g->pad_lo[j] = g->pad_hi[j] = 0;
    }
    room = in + g->pad_lo[j] + g->pad_hi[j] - span;
    if (in < 1 || room < 0)
        QNS_FAIL(err, SHAPE, "the window spans %lld, the padded input has only %lld",
                 (long long)span, (long long)(room + span));
    g->out[j] = room / stride + 1;
    if (w->ceil_mode && room % stride) {
        /* A window that would begin behind the input and its leading padding is dropped. */
        if (g->out[j] * stride < in + g->pad_lo[j])
            g->out[j]++;
    }
    return QNS_OK;
}

qns_status qns_window_lay(qns_geom *g, const qns_window *w, const qns_shape *in, qns_err *err)
{
    const int32_t lead = QNS_SPATIAL - (int32_t)w->rank;

    if (in->rank != w->rank + 2)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have %lld", in->rank,
                 (long long)w->rank + 2);
    memset(g, 0, sizeof *g);
    g->in_pixels = g->out_pixels = g->taps = 1;
    for (int32_t j = 0; j < QNS_SPATIAL; j++) {
        const int32_t i = j - lead;

        g->in[j] = i < 0 ? 1 : in->dim[i + 2];
        g->kernel[j] = i < 0 ? 1 : w->kernel[i];
        g->stride[j] = i < 0 ? 1 : w->stride[i];
        g->dilation[j] = i < 0 ? 1 : w->dilation[i];
        g->pad_lo[j] = i < 0 ? 0 : w->pad_lo[i];
        g->pad_hi[j] = i < 0 ? 0 : w->pad_hi[i];
        g->up[j] = 1;
        if (i < 0)
            g->out[j] = 1;
        else
            QNS_TRY(lay_axis(g, j, w, err));
        g->in_pixels *= (size_t)g->in[j];
        g->out_pixels *= (size_t)g->out[j];
        g->taps *= (size_t)g->kernel[j];
        if (g->taps > SIZE_LIMIT)
            QNS_FAIL(err, UNSUPPORTED, "the window has more than %d taps", SIZE_LIMIT);
    }
    return QNS_OK;
}

void qns_geom_out_shape(qns_shape *out, const qns_geom *g, int32_t rank)
{
    for (int32_t i = 2; i < rank; i++)
        out->dim[i] = g->out[QNS_SPATIAL - (rank - 2) + (i - 2)];
}

/* First input coordinate of each axis for an output position; may be negative. */
static void corner(int64_t c[QNS_SPATIAL], const qns_geom *g, size_t at)
{
    for (int32_t j = QNS_SPATIAL; j-- > 0;) {
        c[j] = (int64_t)(at % (size_t)g->out[j]) * g->stride[j] - g->pad_lo[j];
        at /= (size_t)g->out[j];
    }
}

/* The pixel at a coordinate of axis j; -1 when there is padding. */
static int64_t pixel_at(const qns_geom *g, int j, int64_t x)
{
    if (g->up[j] != 1) {
        if (x < 0 || x % g->up[j])
            return -1;
        x /= g->up[j];
    }
    return x >= 0 && x < g->in[j] ? x : -1;
}

/* The window at corner c touches no padding. */
static bool is_inside(const qns_geom *g, const int64_t *c)
{
    bool in = true;
    for (int a = 0; a < QNS_SPATIAL; a++)
        in &= c[a] >= 0 && c[a] + (g->kernel[a] - 1) * g->dilation[a] < g->in[a] && g->up[a] == 1;
    return in;
}

/* Most windows are inside, where a tap is a step away from the one before. */
static size_t inside_taps(int64_t *pixel, const qns_geom *g, const int64_t *c)
{
    for (int64_t z = 0; z < g->kernel[0]; z++)
        for (int64_t y = 0; y < g->kernel[1]; y++) {
            const int64_t line =
                ((c[0] + z * g->dilation[0]) * g->in[1] + c[1] + y * g->dilation[1]) * g->in[2] +
                c[2];
            for (int64_t x = 0; x < g->kernel[2]; x++)
                *pixel++ = line + x * g->dilation[2];
        }
    return g->taps;
}

size_t qns_geom_taps(int64_t *pixel, const qns_geom *g, size_t at)
{
    int64_t c[QNS_SPATIAL];
    size_t n = 0;

    corner(c, g, at);
    if (is_inside(g, c))
        return inside_taps(pixel, g, c);
    for (int64_t z = 0; z < g->kernel[0]; z++) {
        const int64_t iz = pixel_at(g, 0, c[0] + z * g->dilation[0]);

        for (int64_t y = 0; y < g->kernel[1]; y++) {
            const int64_t iy = pixel_at(g, 1, c[1] + y * g->dilation[1]);

            for (int64_t x = 0; x < g->kernel[2]; x++) {
                const int64_t ix = pixel_at(g, 2, c[2] + x * g->dilation[2]);
                const bool in = iz >= 0 && iy >= 0 && ix >= 0;

                *pixel++ = in ? (iz * g->in[1] + iy) * g->in[2] + ix : -1;
                n += in;
            }
        }
    }
    return n;
}

/* One row of taps along the innermost axis; returns the end of what was written. */
static char *patch_line(char *to, const qns_patch *p, const char *line, int64_t x0)
{
    const qns_geom *g = p->g;
    const size_t pixel = p->channels * p->size, bytes = p->n_ch * p->size;
    const int64_t last = x0 + (g->kernel[2] - 1) * g->dilation[2];

    if (line && p->n_ch == p->channels && g->dilation[2] == 1 && g->up[2] == 1 && x0 >= 0 &&
        last < g->in[2]) {
        memcpy(to, line + (size_t)x0 * pixel, bytes * (size_t)g->kernel[2]);
        return to + bytes * (size_t)g->kernel[2];
    }
    for (int64_t x = 0; x < g->kernel[2]; x++, to += bytes) {
        const int64_t ix = pixel_at(g, 2, x0 + x * g->dilation[2]);

        if (line && ix >= 0)
            memcpy(to, line + (size_t)ix * pixel + p->ch * p->size, bytes);
        else
            memcpy(to, p->pad, bytes);
    }
    return to;
}

void qns_patch_rows(void *rows, size_t ld, const qns_patch *p, size_t first, size_t n)
{
    const qns_geom *g = p->g;
    const size_t pixel = p->channels * p->size;

    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i, image = at / g->out_pixels;
        const char *in = (const char *)p->in + image * g->in_pixels * pixel;
        char *to = (char *)rows + i * ld;
        int64_t c[QNS_SPATIAL];

        corner(c, g, at % g->out_pixels);
        for (int64_t z = 0; z < g->kernel[0]; z++) {
            const int64_t iz = pixel_at(g, 0, c[0] + z * g->dilation[0]);

            for (int64_t y = 0; y < g->kernel[1]; y++) {
                const int64_t iy = pixel_at(g, 1, c[1] + y * g->dilation[1]);
                const bool in_row = iz >= 0 && iy >= 0;
                const size_t line = in_row ? (size_t)((iz * g->in[1] + iy) * g->in[2]) : 0;

                to = patch_line(to, p, in_row ? in + line * pixel : NULL, c[2]);
            }
        }
    }
}

/* ceil(x / stride); most strides are 1, and a division takes as long as ten pointers. */
static int64_t steps_to(int64_t x, int64_t stride)
{
    return stride == 1 ? x : (x + stride - 1) / stride;
}

/* One tap of n positions side by side; x0: coordinate of the first. line: NULL in padding. */
static void tap_run(const void **row, size_t n, const qns_patch *p, const char *line, int64_t x0)
{
    const qns_geom *g = p->g;
    const size_t pixel = p->channels * p->size;
    const int64_t stride = g->stride[2];
    int64_t i = 0, end = line ? (int64_t)n : 0;

    if (line && g->up[2] != 1) {
        for (; i < end; i++) {
            const int64_t ix = pixel_at(g, 2, x0 + i * stride);
            row[i] = ix < 0 ? p->pad : line + (size_t)ix * pixel;
        }
        return;
    }
    /* Positions before `inside` hang over the left edge, those from `end` on over the right. */
    int64_t inside = x0 < 0 ? steps_to(-x0, stride) : 0;
    const int64_t over = x0 < g->in[2] ? steps_to(g->in[2] - x0, stride) : 0;

    end = over < end ? over : end;
    inside = inside < end ? inside : end;
    for (; i < inside; i++)
        row[i] = p->pad;
    for (; i < end; i++)
        row[i] = line + (size_t)(x0 + i * stride) * pixel;
    for (; i < (int64_t)n; i++)
        row[i] = p->pad;
}

/* Every window is one pixel, that of its output. */
static bool is_pixelwise(const qns_geom *g)
{
    bool is = true;
    for (int a = 0; a < QNS_SPATIAL; a++)
        is &= g->kernel[a] == 1 && g->stride[a] == 1 && g->up[a] == 1 && g->pad_lo[a] == 0 &&
              g->in[a] == g->out[a];
    return is;
}

void qns_patch_taps(const void **rows, size_t ld, const qns_patch *p, size_t first, size_t n)
{
    const qns_geom *g = p->g;
    const size_t pixel = p->channels * p->size, width = (size_t)g->out[2];

    if (is_pixelwise(g)) {
        const char *in = (const char *)p->in + first * pixel + p->ch * p->size;
        for (size_t i = 0; i < n; i++)
            rows[i] = in + i * pixel;
        return;
    }
    for (size_t i = 0; i < n;) {
        const size_t at = first + i, image = at / g->out_pixels, left = width - at % width;
        const size_t run = n - i < left ? n - i : left;
        const char *in = (const char *)p->in + image * g->in_pixels * pixel + p->ch * p->size;
        const void **row = rows + i;
        int64_t c[QNS_SPATIAL];

        corner(c, g, at % g->out_pixels);
        for (int64_t z = 0; z < g->kernel[0]; z++) {
            const int64_t iz = pixel_at(g, 0, c[0] + z * g->dilation[0]);

            for (int64_t y = 0; y < g->kernel[1]; y++) {
                const int64_t iy = pixel_at(g, 1, c[1] + y * g->dilation[1]);
                const bool in_row = iz >= 0 && iy >= 0;
                const size_t line = in_row ? (size_t)((iz * g->in[1] + iy) * g->in[2]) : 0;

                for (int64_t x = 0; x < g->kernel[2]; x++, row += ld)
                    tap_run(row, run, p, in_row ? in + line * pixel : NULL,
                            c[2] + x * g->dilation[2]);
            }
        }
        i += run;
    }
}
