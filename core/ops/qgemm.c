/* SPDX-License-Identifier: MIT */
/* The int8 matrix product of conv and linear over tiles. */
#include "core/base/mem.h"
#include "core/ops/conv_impl.h"
#include "core/ops/depthwise.h"
#include "core/ops/gemm_quant.h"
#include "core/ops/lines.h"

#include <string.h>

struct qns_qgemm {
    qns_tiles t;
    qk_requant rq;
    int8_t *packed;    /* groups blocks of group_size; depthwise: [tap][channel] */
    size_t group_size; /* bytes */
    size_t panel_size; /* bytes of 16 output channels */
    int32_t *notes;    /* about the packed weights, for a kernel that wants them; else NULL */
    bool pairs;        /* sums of two products saturate */
    bool fused;        /* sums become codes where they were made */
    bool by_lines;     /* ... of a copy of the input */
    bool by_even;      /* ... with positions at equal distances, to be copied by each thread */
    qns_lines lines;
    bool is_depthwise; /* ... of one channel each, a line of outputs at a time */
    qns_depthwise depthwise;
    uint8_t pad; /* the code of padding */
};

static void pack_depthwise(int8_t *packed, int32_t *col_sum, const int8_t *w, const qns_tiles *t)
{
    for (size_t c = 0; c < t->out_ch; c++) {
        col_sum[c] = 0;
        for (size_t i = 0; i < t->g.taps; i++) {
            packed[i * t->out_ch + c] = w[c * t->g.taps + i];
            col_sum[c] += w[c * t->g.taps + i];
        }
    }
}

/* w: rows of t->k codes. */
static qns_status pack(qns_qgemm *q, int32_t *col_sum, const int8_t *w, qns_arena *a, qns_err *err)
{
    const qns_tiles *t = &q->t;
    const size_t n_groups = t->depthwise ? 1 : t->groups;

    q->group_size = t->depthwise ? t->k * t->out_ch : qk_pack_s8_size(t->og, t->k);
    q->panel_size = qk_pack_s8_size(1, t->k);
    QNS_TRY(qns_arena_new((void **)&q->packed, a, n_groups, q->group_size, err));
    if (t->depthwise)
        pack_depthwise(q->packed, col_sum, w, t);
    else
        for (size_t g = 0; g < t->groups; g++)
            qk_pack_s8(q->packed + g * q->group_size, col_sum + g * t->og, w + g * t->og * t->k,
                       t->og, t->k);
    return QNS_OK;
}

/* The weights of the convolution over the copy. */
static qns_status pack_lines(qns_qgemm *q, int32_t *col_sum, const int8_t *w, qns_arena *a,
                             qns_err *err)
{
    int8_t *rows;

    qns_lines_tiles(&q->t, &q->lines);
    QNS_TRY(qns_new((void **)&rows, q->t.out_ch, q->t.k, err));
    qns_lines_weights(rows, &q->lines, w, q->t.out_ch);
    const qns_status st = pack(q, col_sum, rows, a, err);
    qns_free(rows);
    return st;
}

static size_t taps_of(const qns_tiles *t)
{
    return t->by_taps ? t->g.taps : 1;
}

static qns_status take_notes(qns_qgemm *q, const qk_table *k, qns_arena *a, qns_err *err)
{
    const qns_tiles *t = &q->t;
    const size_t taps = taps_of(t);
    const size_t n_panels = q->panel_size ? t->groups * q->group_size / q->panel_size : 0;
    const size_t n = k->conv_u8s8_notes(NULL, q->packed, n_panels, taps, t->k / taps);
    if (!n)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&q->notes, a, n, sizeof *q->notes, err));
    k->conv_u8s8_notes(q->notes, q->packed, n_panels, taps, t->k / taps);
    return QNS_OK;
}

qns_status qns_qgemm_create(qns_qgemm **out, const qns_call *c, const qns_tiles *t, const int8_t *w,
                            qns_qgemm_kind kind, qns_arena *a, qns_err *err)
{
    const qk_scheme scheme = kind == QNS_QGEMM_QNNPACK ? QK_RQ_QNNPACK : QK_RQ_FBGEMM;
    const bool has_zero = qns_gemm_quant_has_zero(c->in[1].qp);
    int32_t *col_sum;
    uint8_t *pad;
    qns_qgemm *q;

    QNS_TRY(qns_arena_new((void **)&q, a, 1, sizeof *q, err));
    QNS_TRY(qns_arena_new((void **)&col_sum, a, t->out_ch, sizeof *col_sum, err));
    q->t = *t;
    q->pairs = kind == QNS_QGEMM_PAIRS;
    q->fused = !t->depthwise && !q->pairs && !has_zero;
    q->by_lines = q->fused && qns_lines_make(&q->lines, t);
    q->is_depthwise = qns_depthwise_takes(t) && !q->pairs && !has_zero;
    if (q->by_lines) {
        QNS_TRY(pack_lines(q, col_sum, w, a, err));
    } else if (q->is_depthwise) {
        QNS_TRY(qns_depthwise_make(&q->depthwise, col_sum, t, w, a, err));
    } else {
        q->by_even = q->fused && qns_lines_make_even(&q->lines, t, c->k->conv_u8s8_even());
        if (q->by_even)
            qns_lines_tiles(&q->t, &q->lines);
        else if (q->fused)
            qns_tiles_by_taps(&q->t);
        QNS_TRY(pack(q, col_sum, w, a, err));
    }
    if (q->fused)
        QNS_TRY(take_notes(q, c->k, a, err));
    QNS_TRY(qns_gemm_quant_make(&q->rq, c, scheme, col_sum, t->out_ch, t->k, a, err));
    q->pad = (uint8_t)c->in[0].qp->zero[0];
    QNS_TRY(qns_arena_new((void **)&pad, a, t->in_ch, 1, err));
    memset(pad, q->pad, t->in_ch);
    q->t.pad = pad;
    q->depthwise.pad = pad;
    q->depthwise.rq = &q->rq;
    *out = q;
    return QNS_OK;
}

/* Of one thread, in front of the memory for tiles. */
static size_t kernel_scratch(const qns_qgemm *q, const qk_table *k)
{
    const qns_tiles *t = &q->t;
    const qk_conv_tile ct = {.m = t->rows, .n_taps = taps_of(t), .tap_k = t->k / taps_of(t)};

    return q->fused ? (k->conv_u8s8_scratch(&ct) + 63) / 64 * 64 : 0;
}

/* Codes of a tile on their way to the following node. */
static size_t codes_size(const qns_tiles *t)
{
    return (t->rows * t->cols + 63) / 64 * 64;
}

/* Of one thread. */
static size_t own_scratch(const qns_qgemm *q, const qk_table *k)
{
    const size_t copy = q->by_even ? (qns_lines_size(&q->lines) + 63) / 64 * 64 : 0;

    return copy + kernel_scratch(q, k) + codes_size(&q->t) + qns_tile_mem_size(&q->t);
}

size_t qns_qgemm_scratch(const qns_call *c)
{
    const qns_qgemm *q = c->packed;
    const size_t lines = q->by_lines ? qns_lines_size(&q->lines) : 0;

    if (q->is_depthwise)
        return qns_depthwise_scratch(&q->depthwise);
    return (size_t)q->t.threads * own_scratch(q, c->k) + lines;
}

const void *qns_qgemm_weights(const qns_call *c)
{
    return ((const qns_qgemm *)c->packed)->packed;
}

/* Tiles are whole rows or, like the rows themselves, made of whole pieces. */
bool qns_qgemm_gives_pieces(const qns_call *c, size_t piece)
{
    const qns_qgemm *q = c->packed;
    const qns_tiles *t = &q->t;

    if (!q->fused || t->groups > 1)
        return false;
    if (q->by_even)
        return t->out_ch % piece == 0 && t->cols % piece == 0;
    return t->n_cols == 1 ? t->rows * t->out_ch % piece == 0
                          : t->out_ch % piece == 0 && t->cols % piece == 0;
}

/* n elements from number `first` on, of which the tile has the codes. */
static void run_piece(const qns_tail *tail, const uint8_t *codes, size_t first, size_t n)
{
    qns_tensor in[QNS_MAX_IN];
    qns_call call = *tail->call;

    memcpy(in, call.in, call.node->n_in * sizeof *in);
    in[tail->input].data = (void *)((uintptr_t)codes - first);
    call.in = in;
    tail->run(&call, first, n);
}

static void run_tail(const qns_tail *tail, const qns_tiles *t, const qns_tile *tile,
                     const uint8_t *codes)
{
    if (tile->n_col == t->out_ch) {
        run_piece(tail, codes, tile->first * t->out_ch, tile->n * t->out_ch);
        return;
    }
    for (size_t i = 0; i < tile->n; i++)
        run_piece(tail, codes + i * tile->n_col, (tile->first + i) * t->out_ch + tile->col,
                  tile->n_col);
}

/* The positions of a tile that are not over the padding between lines: to the output or the tail.
 */
static void give_even(uint8_t *out, const qns_qgemm *q, const qns_tail *tail, const qns_tile *tile,
                      const uint8_t *codes)
{
    const size_t width = (size_t)q->lines.to.out[2], valid = (size_t)q->lines.from.out[2];
    const size_t out_ch = q->t.out_ch;

    for (size_t i = 0; i < tile->n;) {
        const size_t line = (tile->first + i) / width, x = (tile->first + i) % width;
        const size_t left = x < valid ? valid - x : 0, rest = tile->n - i;
        const qns_tile part = {.first = line * valid + x,
                               .n = left < rest ? left : rest,
                               .col = tile->col,
                               .n_col = tile->n_col};
        const uint8_t *from = codes + i * tile->n_col;

        if (part.n && tail)
            run_tail(tail, &q->t, &part, from);
        else if (part.n_col == out_ch)
            memcpy(out + part.first * out_ch, from, part.n * out_ch);
        else
            for (size_t k = 0; k < part.n; k++)
                memcpy(out + (part.first + k) * out_ch + part.col, from + k * part.n_col,
                       part.n_col);
        i += width - x;
    }
}

static void sum_rows(int32_t *sum, const void *const *row, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *x = row[i];
        uint32_t s = 0;

        for (size_t j = 0; j < k; j++)
            s += x[j];
        sum[i] = (int32_t)s;
    }
}

static void run_tile(uint8_t *out, const qns_qgemm *q, const uint8_t *in, const qns_call *c,
                     qns_tile_mem *mem, void *scratch, size_t job)
{
    const qk_table *k = c->k;
    const qns_tiles *t = &q->t;
    const qns_tile tile = qns_tile_at(t, job);
    const size_t first_panel = tile.group * ((t->og + 15) / 16) + tile.col / 16;
    const int8_t *packed = q->packed + first_panel * q->panel_size;
    const size_t ch = tile.group * t->og + tile.col;
    const qk_requant rq = qns_gemm_quant_from(&q->rq, ch);

    if (q->by_even)
        qns_lines_rows(mem->row, &q->lines, in, tile.first, tile.n);
    else
        qns_tile_rows(mem, t, &tile, in);
    if (q->fused) {
        const qk_conv_tile ct = {.rows = (const uint8_t *const *)mem->row,
                                 .m = tile.n,
                                 .n_taps = taps_of(t),
                                 .tap_k = t->k / taps_of(t),
                                 .packed = packed,
                                 .n = tile.n_col,
                                 .rq = &rq,
                                 .scratch = scratch,
                                 .notes = q->notes ? q->notes + first_panel : NULL,
                                 .ahead = c->ahead};

        if (!c->tail && !q->by_even) {
            k->conv_u8s8(out + tile.first * t->out_ch + ch, t->out_ch, &ct);
            return;
        }
        uint8_t *codes = (uint8_t *)scratch + kernel_scratch(q, k);
        k->conv_u8s8(codes, tile.n_col, &ct);
        if (q->by_even)
            give_even(out, q, c->tail, &tile, codes);
        else
            run_tail(c->tail, t, &tile, codes);
        return;
    }
    if (rq.zero_w)
        sum_rows(mem->row_sum, mem->row, tile.n, t->k);
    (q->pairs ? k->gemm_u8s8_pairs : k->gemm_u8s8)(
        mem->acc, t->ld_acc, (const uint8_t *const *)mem->row, tile.n, packed, tile.n_col, t->k);
    k->requant(out + tile.first * t->out_ch + ch, t->out_ch, mem->acc, t->ld_acc, tile.n,
               tile.n_col, mem->row_sum, &rq);
}

/* acc[c] -= zero_w[c] * (sum of the channel's taps): each channel has its own row sum. */
static void apply_zero_w(int32_t *acc, const qns_qgemm *q, const qk_table *k, qns_tile_mem *mem)
{
    const size_t n = q->t.out_ch;

    k->sum_u8(mem->tap_sum, (const uint8_t *const *)mem->tap, q->t.g.taps, n);
    for (size_t c = 0; c < n; c++)
        acc[c] =
            (int32_t)((uint32_t)acc[c] - (uint32_t)q->rq.zero_w[c] * (uint32_t)mem->tap_sum[c]);
}

static void run_depthwise(uint8_t *out, const qns_qgemm *q, const uint8_t *in, const qk_table *k,
                          qns_tile_mem *mem, size_t job)
{
    const qns_tiles *t = &q->t;
    const qns_tile tile = qns_tile_at(t, job);
    qk_requant rq = q->rq;

    for (size_t i = 0; i < tile.n; i++) {
        int32_t *acc = mem->acc + i * t->ld_acc;

        qns_tile_taps(mem, t, tile.first + i, in);
        (q->pairs ? k->dwconv_u8s8_pairs : k->dwconv_u8s8)(acc, (const uint8_t *const *)mem->tap,
                                                           t->g.taps, q->packed, t->out_ch);
        if (rq.zero_w)
            apply_zero_w(acc, q, k, mem);
    }
    rq.zero_w = NULL;
    k->requant(out + tile.first * t->out_ch, t->out_ch, mem->acc, t->ld_acc, tile.n, t->out_ch,
               NULL, &rq);
}

/* A run in which each thread has a part of the jobs. */
typedef struct work {
    uint8_t *out, *copy; /* copy: of the input, by lines */
    const qns_qgemm *q;
    const uint8_t *in;
    const qns_call *c;
} work;

static void copy_lines(const void *ctx, size_t first, size_t end)
{
    const work *w = ctx;

    for (size_t line = first; line < end; line++)
        qns_lines_copy(w->copy, &w->q->lines, w->in, w->q->pad, line);
}

/* The lines of the input that jobs first..end - 1 need, first < end. */
static void copy_for_jobs(uint8_t *copy, const work *w, size_t first, size_t end)
{
    const qns_qgemm *q = w->q;
    size_t from = q->t.m, to = 0;

    for (size_t job = first; job < end; job++) {
        const qns_tile tile = qns_tile_at(&q->t, job);

        from = tile.first < from ? tile.first : from;
        to = tile.first + tile.n > to ? tile.first + tile.n : to;
    }
    qns_lines_copy_for(copy, &q->lines, w->in, q->pad, from, to);
}

static void run_jobs(const void *ctx, size_t thread)
{
    const work *w = ctx;
    const qns_qgemm *q = w->q;
    const size_t n = q->t.n_jobs, threads = (size_t)q->t.threads, own = own_scratch(q, w->c->k);
    const size_t first = n * thread / threads, end = n * (thread + 1) / threads;
    char *scratch = (char *)w->c->scratch + thread * own, *behind = scratch + own;
    qns_tile_mem mem = qns_tile_mem_at(&q->t, behind - qns_tile_mem_size(&q->t), 0);
    const uint8_t *from = q->by_lines ? w->copy : w->in;

    if (q->by_even && first < end) {
        uint8_t *copy = (uint8_t *)scratch + kernel_scratch(q, w->c->k) + codes_size(&q->t);

        copy_for_jobs(copy, w, first, end);
        from = copy;
    }
    for (size_t job = first; job < end; job++) {
        if (q->t.depthwise)
            run_depthwise(w->out, q, from, w->c->k, &mem, job);
        else
            run_tile(w->out, q, from, w->c, &mem, scratch, job);
    }
}

void qns_qgemm_run(uint8_t *out, const qns_qgemm *q, const uint8_t *in, const qns_call *c)
{
    const size_t threads = (size_t)q->t.threads;
    work w = {.out = out, .q = q, .in = in, .c = c};

    if (q->is_depthwise) {
        qns_depthwise_run(out, &q->depthwise, in, c);
        return;
    }
    if (q->by_lines) {
        w.copy = (uint8_t *)c->scratch + threads * own_scratch(q, c->k);
        qns_parallel_ranges(c->team, qns_lines_number(&q->lines), 1, copy_lines, &w);
    }
    qns_parallel(c->team, threads, run_jobs, &w);
}
