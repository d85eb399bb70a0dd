/* SPDX-License-Identifier: MIT */
/* Convolutions over few channels (the first layer of a network). A tap of 3 channels is no multiple
 * of 4 codes and too short for a kernel, but the taps of one kernel row lie side by side in
 * channels-last memory. Where the padding is written out, too, a whole kernel row is one tap. */
#ifndef QNS_LINES_H
#define QNS_LINES_H

#include "core/ops/tiles.h"

typedef struct qns_lines {
    qns_geom from;       /* the convolution as it is */
    qns_geom to;         /* ... over the copy: no padding, kernel rows are single taps */
    size_t n_images, ch; /* channels of a pixel */
    size_t tap_k;        /* codes of a kernel row, a multiple of 4; the last ones have weight 0 */
} qns_lines;

/* False when the convolution of the tiles is not of that kind. */
bool qns_lines_make(qns_lines *l, const qns_tiles *t);
/* The tiles of the convolution over the copy. */
void qns_lines_tiles(qns_tiles *t, const qns_lines *l);
/* n rows of weights [taps][channels] become rows of the copy's. */
void qns_lines_weights(int8_t *to, const qns_lines *l, const int8_t *w, size_t n);

size_t qns_lines_size(const qns_lines *l);   /* bytes of the copy */
size_t qns_lines_number(const qns_lines *l); /* lines along the innermost axis */
void qns_lines_copy(uint8_t *to, const qns_lines *l, const uint8_t *in, uint8_t pad, size_t line);

#endif
