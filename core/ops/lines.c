/* SPDX-License-Identifier: MIT */
#include "core/ops/lines.h"

#include <string.h>

/* Kernels read a row of codes up to a multiple of 4 and leave alone what they find there. */
enum { SLACK = 64 };

bool qns_lines_make(qns_lines *l, const qns_tiles *t)
{
    const qns_geom *g = &t->g;

    if (t->groups != 1 || t->cg % 4 == 0 || t->g.taps == 1 || g->dilation[2] != 1)
        return false;
    for (int i = 0; i < QNS_SPATIAL; i++)
        if (g->up[i] != 1)
            return false;
    *l = (qns_lines){.from = *g, .to = *g, .ch = t->in_ch};
    l->n_images = t->m / g->out_pixels;
    l->tap_k = ((size_t)g->kernel[2] * t->cg + 3) / 4 * 4;
    l->to.in_pixels = 1;
    for (int i = 0; i < QNS_SPATIAL; i++) {
        /* What the windows cover, which is not always all of the padded input. */
        l->to.in[i] = (g->out[i] - 1) * g->stride[i] + (g->kernel[i] - 1) * g->dilation[i] + 1;
        l->to.pad_lo[i] = l->to.pad_hi[i] = 0;
        l->to.in_pixels *= (size_t)l->to.in[i];
    }
    l->to.kernel[2] = 1;
    l->to.taps = g->taps / (size_t)g->kernel[2];
    return true;
}

void qns_lines_tiles(qns_tiles *t, const qns_lines *l)
{
    t->g = l->to;
    t->cg = l->tap_k;
    t->k = l->to.taps * l->tap_k;
    qns_tiles_by_taps(t);
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
    return l->n_images * l->to.in_pixels * l->ch + SLACK;
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
