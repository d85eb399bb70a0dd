/* SPDX-License-Identifier: MIT */
/* A copy of the input with the padding written out. Convolutions over few channels (the first layer
 * of a network): a tap of 3 channels is no multiple of 4 codes and too short for a kernel, but the
 * taps of one kernel row lie side by side in channels-last memory, so that a whole kernel row is
 * one tap. The other use is qns_lines_make_even(). */
#ifndef QNS_LINES_H
#define QNS_LINES_H

#include "core/ops/tiles.h"

typedef struct qns_lines {
    qns_geom from;       /* the convolution as it is */
    qns_geom to;         /* ... over the copy: no padding */
    size_t n_images, ch; /* channels of a pixel */
    size_t tap_k; /* codes of a tap, a multiple of 4; last ones beyond a kernel row have weight 0 */
} qns_lines;

/* False when the convolution of the tiles is not of that kind. */
bool qns_lines_make(qns_lines *l, const qns_tiles *t);

/* The other use of such a copy: with the padding written out, the codes of positions that follow
 * each other lie at equal distances, also from line to line if the positions over the padding
 * between two lines are computed, too. A kernel that reads so many rows at once
 * (qk_table, conv_u8s8_even) then need not copy each window. Only for stride 1, and where no thread
 * gets more blocks of rows than without. */
bool qns_lines_make_even(qns_lines *l, const qns_tiles *t, size_t rows);
/* The lines that positions first..end - 1 need, end > first. */
void qns_lines_copy_for(uint8_t *to, const qns_lines *l, const uint8_t *in, uint8_t pad,
                        size_t first, size_t end);
/* rows[t * n + i]: tap t of position first + i. */
void qns_lines_rows(const void **rows, const qns_lines *l, const uint8_t *copy, size_t first,
                    size_t n);

/* The tiles of the convolution over the copy. */
void qns_lines_tiles(qns_tiles *t, const qns_lines *l);
/* n rows of weights [taps][channels] become rows of the copy's. */
void qns_lines_weights(int8_t *to, const qns_lines *l, const int8_t *w, size_t n);

size_t qns_lines_size(const qns_lines *l);   /* bytes of the copy */
size_t qns_lines_number(const qns_lines *l); /* lines along the innermost axis */
void qns_lines_copy(uint8_t *to, const qns_lines *l, const uint8_t *in, uint8_t pad, size_t line);

#endif
