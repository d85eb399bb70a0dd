/* SPDX-License-Identifier: MIT */
#include "core/ops/depthwise.h"

#include <string.h>

/* BLOCK: channels the kernel takes at a time. CALL: outputs of a call, enough to pay for preparing
 * a block's parameters. FEW: lines of a thread below which a line more or less shows. */
enum { BLOCK = 64, CALL = 192, FEW = 8 };

bool qns_depthwise_takes(const qns_tiles *t)
{
    return t->depthwise && t->g.up[0] == 1 && t->g.up[1] == 1 && t->g.up[2] == 1;
}

qns_status qns_depthwise_make(qns_depthwise *d, int32_t *col_sum, const qns_tiles *t,
                              const int8_t *w, qns_arena *a, qns_err *err)
{
    const qns_geom *g = &t->g;
    const size_t cols = (size_t)g->kernel[2];
    int8_t *packed;

    *d = (qns_depthwise){.g = *g,
                         .ch = t->out_ch,
                         .n_lines = t->m / (size_t)g->out[2],
                         .m = (size_t)g->out[2],
                         .n_rows = g->taps / cols,
                         .threads = t->threads};
    d->span = (d->m - 1) * (size_t)g->stride[2] + (cols - 1) * (size_t)g->dilation[2] + 1;
    d->by_lines = d->n_lines >= FEW * (size_t)d->threads || d->ch <= BLOCK;
    d->some = d->by_lines ? (CALL + d->m - 1) / d->m : d->n_lines;
    QNS_TRY(qns_arena_new((void **)&packed, a, qk_pack_dw_size(d->ch, d->n_rows, cols), 1, err));
    qk_pack_dw(packed, col_sum, w, d->ch, d->n_rows, cols);
    d->packed = packed;
    return QNS_OK;
}

static size_t table_size(const qns_depthwise *d)
{
    return d->some * d->span * d->n_rows;
}

size_t qns_depthwise_scratch(const qns_depthwise *d)
{
    return (size_t)d->threads * table_size(d) * sizeof(uint8_t *);
}

/* The pixels of one kernel row under a line; stride is that between columns of the table. */
static void list_row(const uint8_t **to, const qns_depthwise *d, const uint8_t *row)
{
    const qns_geom *g = &d->g;

    for (size_t j = 0; j < d->span; j++, to += d->n_rows) {
        const int64_t x = (int64_t)j - g->pad_lo[2];
        *to = row && x >= 0 && x < g->in[2] ? row + (size_t)x * d->ch : d->pad;
    }
}

static void list_columns(const uint8_t **table, const qns_depthwise *d, const uint8_t *in,
                         size_t first, size_t n)
{
    const qns_geom *g = &d->g;
    const size_t image_lines = (size_t)(g->out[0] * g->out[1]);

    for (size_t i = first; i < first + n; i++, table += d->span * d->n_rows) {
        const int64_t line = (int64_t)(i % image_lines);
        const int64_t z0 = line / g->out[1] * g->stride[0] - g->pad_lo[0];
        const int64_t y0 = line % g->out[1] * g->stride[1] - g->pad_lo[1];
        const uint8_t *image = in + i / image_lines * g->in_pixels * d->ch;

        for (size_t r = 0; r < d->n_rows; r++) {
            const int64_t z = z0 + (int64_t)r / g->kernel[1] * g->dilation[0];
            const int64_t y = y0 + (int64_t)r % g->kernel[1] * g->dilation[1];
            const bool is = z >= 0 && z < g->in[0] && y >= 0 && y < g->in[1];

            list_row(table + r, d,
                     is ? image + (size_t)((z * g->in[1] + y) * g->in[2]) * d->ch : NULL);
        }
    }
}

static qk_dw_line lines_of(const qns_depthwise *d, const uint8_t **table)
{
    return (qk_dw_line){.columns = table,
                        .m = d->m,
                        .span = d->span,
                        .n_rows = d->n_rows,
                        .n_cols = (size_t)d->g.kernel[2],
                        .stride = (size_t)d->g.stride[2],
                        .dilation = (size_t)d->g.dilation[2],
                        .packed = d->packed,
                        .end = d->ch,
                        .rq = d->rq};
}

/* A thread's lines, all channels. */
static void run_lines(uint8_t *out, const qns_depthwise *d, const uint8_t *in, const qk_table *k,
                      const uint8_t **table, size_t first, size_t end)
{
    qk_dw_line t = lines_of(d, table);

    for (; first < end; first += t.n_lines) {
        t.n_lines = end - first < d->some ? end - first : d->some;
        list_columns(table, d, in, first, t.n_lines);
        k->dwline_u8s8(out + first * d->m * d->ch, d->ch, &t);
    }
}

/* A thread's share of (block, line), blocks outermost: from `first` to before `end`. */
static void run_blocks(uint8_t *out, const qns_depthwise *d, const uint8_t *in, const qk_table *k,
                       const uint8_t **table, size_t first, size_t end)
{
    qk_dw_line t = lines_of(d, table);

    if (first < end)
        list_columns(table, d, in, 0, d->n_lines);
    for (; first < end; first += t.n_lines) {
        const size_t line = first % d->n_lines, left = d->n_lines - line;

        t.n_lines = end - first < left ? end - first : left;
        t.columns = table + line * d->span * d->n_rows;
        t.first = first / d->n_lines * BLOCK;
        t.end = d->ch - t.first < BLOCK ? d->ch : t.first + BLOCK;
        k->dwline_u8s8(out + line * d->m * d->ch, d->ch, &t);
    }
}

typedef struct work {
    uint8_t *out;
    const qns_depthwise *d;
    const uint8_t *in;
    const qns_call *c;
} work;

static void run_share(const void *ctx, size_t i)
{
    const work *w = ctx;
    const qns_depthwise *d = w->d;
    const size_t n = (size_t)d->threads, blocks = (d->ch + BLOCK - 1) / BLOCK;
    const size_t all = d->by_lines ? d->n_lines : d->n_lines * blocks;
    const uint8_t **table = (const uint8_t **)w->c->scratch + i * table_size(d);

    (d->by_lines ? run_lines : run_blocks)(w->out, d, w->in, w->c->k, table, all * i / n,
                                           all * (i + 1) / n);
}

void qns_depthwise_run(uint8_t *out, const qns_depthwise *d, const uint8_t *in, const qns_call *c)
{
    work w = {out, d, in, c};

    qns_parallel(c->team, (size_t)d->threads, run_share, &w);
}
