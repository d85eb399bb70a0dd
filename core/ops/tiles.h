/* SPDX-License-Identifier: MIT */
/* A convolution (or linear layer) as a matrix product cut into tiles: the left matrix has one row
 * for each output position, the window of the input there. Threads take tiles of the output; no
 * number depends on how it is cut. */
#ifndef QNS_TILES_H
#define QNS_TILES_H

#include "core/ops/window.h"

typedef struct qns_tiles {
    qns_geom g;
    size_t m; /* output positions of all images: rows */
    size_t in_ch, out_ch, groups;
    size_t cg, og, k;     /* of one group: input and output channels, row length taps * cg */
    size_t size;          /* bytes of an element */
    bool depthwise;       /* every channel has its own window: k = taps, og = 1 */
    bool direct;          /* rows are read where they lie, without a copy */
    bool by_taps;         /* ... and have a pointer for each tap */
    size_t rows, n_tiles; /* rows of a tile */
    size_t cols, n_cols;  /* output channels of a tile within a group, a multiple of 16 */
    size_t ld_patch;      /* bytes between copied rows */
    size_t ld_acc;        /* elements between rows of a tile's accumulator */
    size_t n_jobs;        /* tiles in all: n_tiles * groups * n_cols, depthwise n_tiles */
    bool quad;            /* rows must be readable up to a multiple of 4 elements */
    int threads;
    void *pad; /* in_ch elements that stand for padding */
} qns_tiles;

/* Windows over an input [batch, in_ch, ...] in channels-last memory. pad (in_ch elements, used
 * later on) stays with the caller. quad: rows must be readable up to a multiple of 4 elements. */
void qns_tiles_conv(qns_tiles *t, const qns_geom *g, size_t batch, size_t in_ch, size_t out_ch,
                    size_t groups, size_t size, bool quad);
/* m rows of k elements: a linear layer. */
void qns_tiles_linear(qns_tiles *t, size_t m, size_t k, size_t n, size_t size, bool quad);

/* Cuts anew for a kernel that makes codes of windows given by pointers: no sums in memory and,
 * where the channels of a group are a multiple of 4, no copies. */
void qns_tiles_by_taps(qns_tiles *t);

/* Scratch memory of one thread. */
typedef struct qns_tile_mem {
    const void **row; /* rows entries; by taps: taps * rows */
    void *patch;      /* unless direct */
    int32_t *acc;     /* rows * ld_acc */
    int32_t *row_sum; /* rows */
    int64_t *pixel;   /* taps, depthwise only */
    const void **tap; /* taps, depthwise only */
    int32_t *tap_sum; /* in_ch, depthwise only */
} qns_tile_mem;

/* Bytes for one thread, a multiple of 64. */
size_t qns_tile_mem_size(const qns_tiles *t);
qns_tile_mem qns_tile_mem_at(const qns_tiles *t, void *scratch, int thread);

/* Job number `job` of t->n_jobs. */
typedef struct qns_tile {
    size_t first, n; /* rows */
    size_t group;
    size_t col, n_col; /* output channels, counted within the group */
} qns_tile;
qns_tile qns_tile_at(const qns_tiles *t, size_t job);

/* Sets mem->row[0..n-1] to the rows of a tile; by taps: mem->row[t * n + i] to tap t of row i. */
void qns_tile_rows(qns_tile_mem *mem, const qns_tiles *t, const qns_tile *tile, const void *in);
/* Sets mem->tap[] for one position of a depthwise convolution. */
void qns_tile_taps(qns_tile_mem *mem, const qns_tiles *t, size_t row, const void *in);

#endif
