/* SPDX-License-Identifier: MIT */
#include "core/ops/lines.h"

#include <string.h>

/* Kernels read a row of codes up to a multiple of 4 and leave alone what they find there. */
enum { SLACK = 64 };

enum { EVEN_CH = 64 }; /* codes of a tap that a kernel reads at once, where rows are even */

/* The copy, with the padding, of what the windows cover; which is not always all of the input. */
static bool lay(qns_lines *l, const qns_tiles *t)
{
    const qns_geom *g = &t->g;

    if (!t->m || t->groups != 1 || t->g.taps == 1)
        return false;
    *l = (qns_lines){.from = *g, .to = *g, .ch = t->in_ch, .tap_k = t->cg};
    l->n_images = t->m / g->out_pixels;
    l->to.in_pixels = 1;
    for (int i = 0; i < QNS_SPATIAL; i++) {
        if (g->up[i] != 1)
            return false;
        l->to.in[i] = (g->out[i] - 1) * g->stride[i] + (g->kernel[i] - 1) * g->dilation[i] + 1;
        l->to.pad_lo[i] = l->to.pad_hi[i] = 0;
        l->to.in_pixels *= (size_t)l->to.in[i];
    }
    return true;
}

bool qns_lines_make(qns_lines *l, const qns_tiles *t)
{
    const qns_geom *g = &t->g;

    if (t->cg % 4 == 0 || g->dilation[2] != 1 || !lay(l, t))
        return false;
    l->tap_k = ((size_t)g->kernel[2] * t->cg + 3) / 4 * 4;
    l->to.kernel[2] = 1;
    l->to.taps = g->taps / (size_t)g->kernel[2];
    return true;
}

/* Of `rows` positions, for the busiest thread. */
static size_t blocks(size_t positions, int threads, size_t rows)
{
    const size_t n = (size_t)threads;

    return ((positions + n - 1) / n + rows - 1) / rows;
}

bool qns_lines_make_even(qns_lines *l, const qns_tiles *t, size_t rows)
{
    const qns_geom *g = &t->g;

    if (rows == 1 || t->cg % EVEN_CH || !lay(l, t))
        return false;
    for (int i = 0; i < QNS_SPATIAL; i++)
        if (g->stride[i] != 1)
            return false;
    l->to.out[2] = l->to.in[2];
    l->to.out_pixels = (size_t)(g->out[0] * g->out[1] * l->to.out[2]);
    return blocks(l->n_images * l->to.out_pixels, t->threads, rows) <=
           blocks(t->m, t->threads, rows);
}

void qns_lines_tiles(qns_tiles *t, const qns_lines *l)
{
    t->g = l->to;
    t->m = l->n_images * l->to.out_pixels;
    t->cg = l->tap_k;
    t->k = l->to.taps * l->tap_k;
    qns_tiles_by_taps(t);
}

/* Of the copy: the line where the window of a position begins. */
static size_t line_of(const qns_lines *l, size_t position)
{
    const qns_geom *g = &l->to;
    const size_t line = position / (size_t)g->out[2], height = (size_t)g->out[1];
    const size_t plane = line / height, depth = (size_t)g->out[0];

    return (plane / depth * (size_t)g->in[0] + plane % depth) * (size_t)g->in[1] + line % height;
}

void qns_lines_copy_for(uint8_t *to, const qns_lines *l, const uint8_t *in, uint8_t pad,
                        size_t first, size_t end)
{
    const qns_geom *g = &l->to;
    const int64_t deep = (g->kernel[0] - 1) * g->dilation[0] * g->in[1];
    const int64_t high = (g->kernel[1] - 1) * g->dilation[1];
    const size_t last = line_of(l, end - 1) + (size_t)(deep + high);

    for (size_t line = line_of(l, first); line <= last; line++)
        qns_lines_copy(to, l, in, pad, line);
}

void qns_lines_rows(const void **rows, const qns_lines *l, const uint8_t *copy, size_t first,
                    size_t n)
{
    const qns_geom *g = &l->to;
    const size_t width = (size_t)g->out[2];

    for (size_t i = 0; i < n; i++) {
        const size_t pixel = line_of(l, first + i) * width + (first + i) % width;
        const uint8_t *at = copy + pixel * l->ch;
        size_t tap = 0;

        for (int64_t z = 0; z < g->kernel[0]; z++)
            for (int64_t y = 0; y < g->kernel[1]; y++)
                for (int64_t x = 0; x < g->kernel[2]; x++, tap++) {
                    const int64_t line = z * g->dilation[0] * g->in[1] + y * g->dilation[1];

                    rows[tap * n + i] = at + (size_t)(line * g->in[2] + x * g->dilation[2]) * l->ch;
                }
    }
}

void qns_lines_weights(int8_t *to, const qns_lines *l, const int8_t *w, size_t n)
{
    const size_t row = (size_t)l->from.kernel[2] * l->ch;

    memset(to, 0, n * l->to.taps * l->tap_k);
    for (size_t i = 0; i < n * l->to.taps; i++)
        memcpy(to + i * l->tap_k, w + i * row, row);
}

size_t qns_lines_size(const qns_lines *l)
{
    /* Positions beyond the end of the last line read on. */
    const size_t beyond = (size_t)((l->from.kernel[2] - 1) * l->from.dilation[2]) * l->ch;

    return l->n_images * l->to.in_pixels * l->ch + (beyond > SLACK ? beyond : SLACK);
}

size_t qns_lines_number(const qns_lines *l)
{
    return l->n_images * (size_t)(l->to.in[0] * l->to.in[1]);
}

void qns_lines_copy(uint8_t *to, const qns_lines *l, const uint8_t *in, uint8_t pad, size_t line)
{
    const qns_geom *g = &l->from;
    const int64_t height = l->to.in[1], depth = l->to.in[0], width = l->to.in[2];
    const int64_t y = (int64_t)line % height - g->pad_lo[1];
    const int64_t z = (int64_t)line / height % depth - g->pad_lo[0];
    const int64_t image = (int64_t)line / height / depth;
    const int64_t left = g->pad_lo[2] < width ? g->pad_lo[2] : width;
    const int64_t all = g->in[2] < width - left ? g->in[2] : width - left;
    const int64_t n = y < 0 || y >= g->in[1] || z < 0 || z >= g->in[0] ? 0 : all;
    uint8_t *row = to + line * (size_t)width * l->ch;

    memset(row, pad, (size_t)left * l->ch);
    if (n > 0)
        memcpy(row + (size_t)left * l->ch,
               in + (size_t)((image * g->in[0] + z) * g->in[1] + y) * (size_t)g->in[2] * l->ch,
               (size_t)n * l->ch);
    memset(row + (size_t)(left + n) * l->ch, pad, (size_t)(width - left - n) * l->ch);
    /* Weights of 0 take the codes behind a line out of the sums, whatever they are; but kernels
     * choose a way by them, which should not differ from run to run. */
    if (line + 1 == qns_lines_number(l))
        memset(row + (size_t)width * l->ch, pad, SLACK);
}
