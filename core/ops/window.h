/* SPDX-License-Identifier: MIT */
/* A window that slides over the spatial axes: what convolution and pooling have in common.
 *
 * A qns_window is what the model says and is part of an operator's attributes. A qns_geom is the
 * window laid over one input shape: padding resolved, always three spatial axes (missing ones lead
 * with size 1), positions and pixels numbered in channels-last memory order. */
#ifndef QNS_WINDOW_H
#define QNS_WINDOW_H

#include "core/graph/attrs.h"

enum { QNS_SPATIAL = 3 };

typedef enum qns_auto_pad {
    QNS_PAD_EXPLICIT,
    QNS_PAD_SAME_UPPER, /* out = ceil(in / stride); an odd padding pixel goes to the end */
    QNS_PAD_SAME_LOWER, /* ... to the beginning */
    QNS_PAD_VALID
} qns_auto_pad;

/* All members are 64 bits wide: attributes are hashed as bytes. Only the first `rank` entries of
 * the arrays are used; the rest is 0. */
typedef struct qns_window {
    int64_t rank; /* spatial axes, 1..3 */
    int64_t auto_pad;
    int64_t ceil_mode;    /* pooling: a last window that hangs over the end counts */
    int64_t column_major; /* max pool: indices number the pixels with the first axis innermost */
    int64_t kernel[QNS_SPATIAL], stride[QNS_SPATIAL], dilation[QNS_SPATIAL];
    int64_t pad_lo[QNS_SPATIAL], pad_hi[QNS_SPATIAL];
} qns_window;

/* Reads kernel_shape, strides, pads, dilations, auto_pad and ceil_mode. kernel is what the weight
 * says (rank entries), and kernel_shape must agree; NULL: kernel_shape must be there. Fails with
 * FORMAT on sizes that are not positive or arrays of another length, UNSUPPORTED on negative
 * padding. */
qns_status qns_window_read(qns_window *w, qns_attrs *a, int32_t rank, const int64_t *kernel,
                           qns_err *err);
/* Adds kernel_shape, strides, pads (resolved for the input shape) and, when they say something,
 * dilations and ceil_mode. */
qns_status qns_window_write(qns_attrs *a, const qns_window *w, const qns_shape *in, qns_err *err);
/* "kernel 3x3 stride 2 pad 1", without what is a default. */
void qns_window_describe(char *out, size_t size, const qns_window *w);

typedef struct qns_geom {
    int64_t in[QNS_SPATIAL], out[QNS_SPATIAL];
    int64_t kernel[QNS_SPATIAL], stride[QNS_SPATIAL], dilation[QNS_SPATIAL];
    int64_t pad_lo[QNS_SPATIAL], pad_hi[QNS_SPATIAL];
    int64_t up[QNS_SPATIAL]; /* the pixels stand that far apart, with padding between (transposed
                                convolution); else 1 */
    size_t in_pixels, out_pixels, taps; /* of one image; of one window */
} qns_geom;

/* Fails with SHAPE when the window does not fit into the padded input. in is N, C, spatial... */
qns_status qns_window_lay(qns_geom *g, const qns_window *w, const qns_shape *in, qns_err *err);
/* Sets the spatial axes of out (N, C, spatial...) from g. */
void qns_geom_out_shape(qns_shape *out, const qns_geom *g, int32_t rank);

/* Pixel number of every tap of output position `at` (0 .. out_pixels - 1), in kernel order; -1
 * where the tap is padding. pixel has g->taps entries. Returns how many are not padding. */
size_t qns_geom_taps(int64_t *pixel, const qns_geom *g, size_t at);

/* Copies windows into the rows of a matrix: row i is the window of position first + i (counted over
 * all images), tap by tap, n_ch channels from channel ch of each. Channels-last input of `channels`
 * channels with elements of `size` bytes. Rows are ld bytes apart. pad: n_ch elements that stand
 * for padding. */
typedef struct qns_patch {
    const qns_geom *g;
    const void *in;
    size_t channels, ch, n_ch, size;
    const void *pad;
} qns_patch;
void qns_patch_rows(void *rows, size_t ld, const qns_patch *p, size_t first, size_t n);
/* The same without a copy: rows[t * ld + i] is where channel ch of tap t of position first + i
 * lies, or pad. */
void qns_patch_taps(const void **rows, size_t ld, const qns_patch *p, size_t first, size_t n);

#endif
