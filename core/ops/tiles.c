/* SPDX-License-Identifier: MIT */
/* Tiles of a matrix product. */
#include "core/ops/tiles.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

enum {
    PANEL = 16,             /* the packed weights come in panels of that many output channels */
    TILE_ROWS = 64,         /* enough to read a panel often before it leaves the cache */
    TILE_BYTES = 256 << 10, /* patches and accumulators of a tile stay in the second-level cache */
    TAP_ROWS = 128,         /* rows of a tile that keeps no sums: it reads its weights that often */
    COLS = 64,              /* of one pass over the rows */
    MIN_ROWS = 12,          /* fewer rows do not fill the registers of the kernels */
    ROW_UNIT = 16,
    MANY_ROWS = 96, /* rounded up to ROW_UNIT, the shares of threads stay alike */
    SMALL = 1 << 15 /* below that many multiply-adds a second thread does not pay */
};

static size_t round_up(size_t v, size_t unit)
{
    return (v + unit - 1) / unit * unit;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t parts_of(size_t whole, size_t most)
{
    return (whole + most - 1) / most;
}

static void cut(qns_tiles *t)
{
    const size_t threads = (size_t)omp_get_max_threads();
    const size_t work = t->m * t->k * t->og * t->groups;

    t->threads = work < SMALL ? 1 : (int)threads;
    t->direct = t->g.taps == 1 && (!t->quad || t->cg % 4 == 0);
    t->ld_patch = round_up(t->k * t->size, 64);
    t->ld_acc = t->depthwise ? t->out_ch : round_up(t->og, PANEL);
    t->rows = TILE_BYTES / ((t->direct || t->depthwise ? 0 : t->ld_patch) + 4 * t->ld_acc);
    t->rows = min_of(t->rows < 8 ? 8 : t->rows, TILE_ROWS);
    /* Every thread gets some rows; with fewer rows than threads, some columns. */
    t->rows = min_of(t->rows, t->m / (size_t)t->threads + (t->m % (size_t)t->threads != 0));
    t->rows = t->rows ? t->rows : 1;
    t->n_tiles = (t->m + t->rows - 1) / t->rows;
    t->cols = t->og;
    if (!t->depthwise && t->n_tiles * t->groups < (size_t)t->threads)
        t->cols = round_up((t->og + threads - 1) / threads, PANEL);
    t->n_cols = (t->og + t->cols - 1) / t->cols;
    t->n_jobs = t->depthwise ? t->n_tiles : t->n_tiles * t->groups * t->n_cols;
}

void qns_tiles_conv(qns_tiles *t, const qns_geom *g, size_t batch, size_t in_ch, size_t out_ch,
                    size_t groups, size_t size, bool quad)
{
    memset(t, 0, sizeof *t);
    t->g = *g;
    t->m = batch * g->out_pixels;
    t->in_ch = in_ch;
    t->out_ch = out_ch;
    t->groups = groups;
    t->cg = in_ch / groups;
    t->og = out_ch / groups;
    t->k = g->taps * t->cg;
    t->size = size;
    t->quad = quad;
    t->depthwise = groups > 1 && t->cg == 1 && t->og == 1;
    cut(t);
}

/* Every thread takes rows of its own, or, where the weights are the larger part of what is read,
 * columns of its own: then each weight comes to one core only. */
static void cut_by_taps(qns_tiles *t)
{
    const size_t threads = (size_t)t->threads, in = t->m / t->g.out_pixels * t->g.in_pixels;
    const bool split_cols = threads > 1 && t->groups == 1 && t->og >= threads * PANEL &&
                            (t->og * t->k > in * t->in_ch || t->m < threads * MIN_ROWS);
    const size_t shares = split_cols || t->groups > 1 ? 1 : threads;
    const size_t share = parts_of(t->m, shares);

    t->cols = split_cols ? round_up(parts_of(t->og, threads), COLS) : t->og;
    t->n_cols = parts_of(t->og, t->cols);
    t->rows = parts_of(share, parts_of(share, TAP_ROWS));
    /* Pieces of a following addition start at multiples of 64 codes. */
    if (t->og % COLS && t->rows >= MANY_ROWS)
        t->rows = round_up(t->rows, ROW_UNIT);
    t->n_tiles = parts_of(t->m, t->rows);
    t->n_jobs = t->n_tiles * t->groups * t->n_cols;
}

void qns_tiles_by_taps(qns_tiles *t)
{
    assert(!t->depthwise);
    t->by_taps = t->g.taps == 1 ? t->direct : t->cg % 4 == 0;
    t->direct = t->by_taps;
    t->ld_acc = 0;
    if (t->m)
        cut_by_taps(t);
}

void qns_tiles_linear(qns_tiles *t, size_t m, size_t k, size_t n, size_t size, bool quad)
{
    const qns_geom one = {.in = {1, 1, 1},
                          .out = {1, 1, 1},
                          .kernel = {1, 1, 1},
                          .stride = {1, 1, 1},
                          .dilation = {1, 1, 1},
                          .up = {1, 1, 1},
                          .in_pixels = 1,
                          .out_pixels = 1,
                          .taps = 1};

    qns_tiles_conv(t, &one, m, k, n, 1, size, quad);
}

/* Takes `bytes` from a block whose start may be NULL while sizes are being counted. */
static void *take(char *base, size_t *used, size_t bytes)
{
    void *p = base ? base + *used : NULL;

    *used += round_up(bytes, 64);
    return p;
}

static size_t carve(qns_tile_mem *mem, const qns_tiles *t, char *base)
{
    size_t used = 0;

    mem->row = take(base, &used, t->rows * (t->by_taps ? t->g.taps : 1) * sizeof *mem->row);
    mem->acc = take(base, &used, t->rows * t->ld_acc * sizeof *mem->acc);
    mem->row_sum = take(base, &used, t->rows * sizeof *mem->row_sum);
    if (t->depthwise) {
        mem->pixel = take(base, &used, t->g.taps * sizeof *mem->pixel);
        mem->tap = take(base, &used, t->g.taps * sizeof *mem->tap);
        mem->tap_sum = take(base, &used, t->in_ch * sizeof *mem->tap_sum);
    } else if (!t->direct) {
        mem->patch = take(base, &used, t->rows * t->ld_patch);
    }
    return used;
}

size_t qns_tile_mem_size(const qns_tiles *t)
{
    qns_tile_mem mem = {0};

    return carve(&mem, t, NULL);
}

qns_tile_mem qns_tile_mem_at(const qns_tiles *t, void *scratch, int thread)
{
    qns_tile_mem mem = {0};

    carve(&mem, t, (char *)scratch + (size_t)thread * qns_tile_mem_size(t));
    return mem;
}

qns_tile qns_tile_at(const qns_tiles *t, size_t job)
{
    qns_tile tile = {0};
    const size_t parts = t->depthwise ? 1 : t->groups * t->n_cols;
    size_t part = job % parts;

    if (t->n_cols > 1 && t->groups == 1) {
        /* One thread keeps to its columns. */
        part = job / t->n_tiles;
        job = job % t->n_tiles * parts;
    }
    tile.first = job / parts * t->rows;
    tile.n = min_of(t->rows, t->m - tile.first);
    tile.group = part / t->n_cols;
    tile.col = part % t->n_cols * t->cols;
    tile.n_col = min_of(t->cols, t->og - tile.col);
    return tile;
}

/* Where the only tap of a row lies. */
static const void *direct_row(const qns_tiles *t, size_t row, const char *in)
{
    const size_t image = row / t->g.out_pixels;
    int64_t pixel;

    if (!qns_geom_taps(&pixel, &t->g, row % t->g.out_pixels))
        return t->pad;
    return in + (image * t->g.in_pixels + (size_t)pixel) * t->in_ch * t->size;
}

void qns_tile_rows(qns_tile_mem *mem, const qns_tiles *t, const qns_tile *tile, const void *in)
{
    const size_t ch = tile->group * t->cg;
    const qns_patch p = {&t->g, in, t->in_ch, ch, t->cg, t->size, t->pad};

    if (t->by_taps) {
        qns_patch_taps(mem->row, tile->n, &p, tile->first, tile->n);
        return;
    }
    if (t->direct) {
        for (size_t i = 0; i < tile->n; i++)
            mem->row[i] = (const char *)direct_row(t, tile->first + i, in) + ch * t->size;
        return;
    }
    qns_patch_rows(mem->patch, t->ld_patch, &p, tile->first, tile->n);
    for (size_t i = 0; i < tile->n; i++)
        mem->row[i] = (const char *)mem->patch + i * t->ld_patch;
}

void qns_tile_taps(qns_tile_mem *mem, const qns_tiles *t, size_t row, const void *in)
{
    const size_t image = row / t->g.out_pixels, pixel_size = t->in_ch * t->size;
    const char *base = (const char *)in + image * t->g.in_pixels * pixel_size;

    qns_geom_taps(mem->pixel, &t->g, row % t->g.out_pixels);
    for (size_t i = 0; i < t->g.taps; i++)
        mem->tap[i] = mem->pixel[i] < 0 ? t->pad : base + (size_t)mem->pixel[i] * pixel_size;
}
