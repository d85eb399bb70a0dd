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
    FEW_ROWS = 64,          /* so many times a weight is used while the next one is fetched */
    ROW_UNIT = 16,          /* a tile of AMX */
    TILE_COST = 8,          /* what a tile costs beside its rows, in half rows */
    MANY_ROWS = 96,         /* rounded up to ROW_UNIT, the shares of threads stay alike */
    SMALL = 1 << 15         /* below that many multiply-adds a second thread does not pay */
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

/* Rows that the busiest of so many threads works on, when tiles of `rows` are dealt out in order:
 * its own, and what they are when kernels fill up tiles to ROW_UNIT; a tile costs TILE_COST more.
 */
static size_t busiest(size_t m, size_t rows, size_t threads)
{
    const size_t tiles = parts_of(parts_of(m, rows), threads);
    const size_t own = min_of(tiles * rows, m), last = own - (tiles - 1) * rows;

    return own + (tiles - 1) * round_up(rows, ROW_UNIT) + round_up(last, ROW_UNIT) +
           tiles * TILE_COST;
}

/* Whole units, or as even a share as there is. Pieces of a following addition start at multiples of
 * 64 codes: whole units do where the output channels are a multiple of 4. */
static size_t best_rows(const qns_tiles *t, size_t threads)
{
    const size_t share = parts_of(t->m, threads);
    size_t best = parts_of(share, parts_of(share, TAP_ROWS));

    if (t->og % COLS && best >= MANY_ROWS)
        best = round_up(best, ROW_UNIT);
    for (size_t rows = ROW_UNIT; rows <= TAP_ROWS; rows += ROW_UNIT)
        if (busiest(t->m, rows, threads) < busiest(t->m, best, threads))
            best = rows;
    return best;
}

/* Every thread takes rows of its own: then it reads what it wrote itself in the layer before, and
 * all the weights. With few rows there is too little work to hide that behind, and where weights
 * are the larger part of what is read, every thread takes columns: each weight comes to one core
 * only. */
static bool wants_cols(const qns_tiles *t)
{
    const size_t threads = (size_t)t->threads, in = t->m / t->g.out_pixels * t->g.in_pixels;

    if (threads == 1 || t->groups > 1 || t->og < threads * PANEL)
        return false;
    return t->m < threads * MIN_ROWS || (t->m < threads * FEW_ROWS && t->og * t->k > in * t->in_ch);
}

static void cut_by_taps(qns_tiles *t)
{
    const bool split_cols = wants_cols(t);

    t->cols = split_cols ? round_up(parts_of(t->og, (size_t)t->threads), COLS) : t->og;
    t->n_cols = parts_of(t->og, t->cols);
    t->rows = best_rows(t, split_cols || t->groups > 1 ? 1 : (size_t)t->threads);
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
    for (size_t i = 0; i < tile->n; i++) {
        char *row = (char *)mem->patch + i * t->ld_patch;

        /* Kernels of codes read whole quads; weights of 0 take the rest out of the sums. */
        memset(row + t->k * t->size, 0, round_up(t->k * t->size, 4) - t->k * t->size);
        mem->row[i] = row;
    }
}

void qns_tile_taps(qns_tile_mem *mem, const qns_tiles *t, size_t row, const void *in)
{
    const size_t image = row / t->g.out_pixels, pixel_size = t->in_ch * t->size;
    const char *base = (const char *)in + image * t->g.in_pixels * pixel_size;

    qns_geom_taps(mem->pixel, &t->g, row % t->g.out_pixels);
    for (size_t i = 0; i < t->g.taps; i++)
        mem->tap[i] = mem->pixel[i] < 0 ? t->pad : base + (size_t)mem->pixel[i] * pixel_size;
}
