/* SPDX-License-Identifier: MIT */
/* Pooling: shapes, the maximum, and what refuses a call. */
#include "core/ops/pool_walk.h"

#include <string.h>

qns_window qns_window_global(const qns_shape *in)
{
    qns_window w = {.rank = in->rank - 2};
    for (int32_t i = 0; i < in->rank - 2 && i < QNS_SPATIAL; i++) {
        w.kernel[i] = in->dim[i + 2];
        w.stride[i] = w.dilation[i] = 1;
    }
    return w;
}

qns_status qns_pool_infer(qns_tensor *out, const qns_window *w, const qns_tensor *in, qns_err *err)
{
    qns_geom g;
    if (in[0].shape.rank < 3 || in[0].shape.rank > 5)
        QNS_FAIL(err, SHAPE, "needs 3 to 5 dimensions, has %d", (int)in[0].shape.rank);
    if (in[0].dtype != QNS_F32 && !qns_is_code(in[0].dtype))
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    QNS_TRY(qns_window_lay(&g, w, &in[0].shape, err));
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    out[0].qp = in[0].qp;
    qns_geom_out_shape(&out[0].shape, &g, in[0].shape.rank);
    return QNS_OK;
}

/* ---- maximum ---- */

static void call_max(const job *j, void *out, const void *const *taps, size_t n_taps, size_t n)
{
    const qk_table *k = j->c->k;
    if (j->c->in[0].dtype == QNS_F32)
        k->max_f32(out, (const float *const *)taps, n_taps, n);
    else if (j->c->in[0].dtype == QNS_U8)
        k->max_u8(out, (const uint8_t *const *)taps, n_taps, n);
    else
        k->max_s8(out, (const int8_t *const *)taps, n_taps, n);
}

static void fill_lowest(const job *j, void *out, size_t n)
{
    if (j->c->in[0].dtype == QNS_F32)
        for (size_t i = 0; i < n; i++)
            ((float *)out)[i] = -INFINITY;
    else
        memset(out, j->c->in[0].dtype == QNS_U8 ? 0 : 0x80, n);
}

/* Channels ch .. ch + n - 1 of one position. A long window takes its running maximum along as the
 * first tap of the next chunk. */
static void max_block(const job *j, const box *b, void *out, size_t ch, size_t n)
{
    const void *taps[TAPS];
    float running[BLOCK];
    size_t done = smaller(b->taps, TAPS);
    if (b->taps == 0) {
        fill_lowest(j, out, n);
        return;
    }
    fill(taps, j, b, ch, 0, done);
    call_max(j, out, taps, done, n);
    while (done < b->taps) {
        const size_t more = smaller(b->taps - done, TAPS - 1);
        memcpy(running, out, n * j->size);
        taps[0] = running;
        fill(taps + 1, j, b, ch, done, more);
        call_max(j, out, taps, more + 1, n);
        done += more;
    }
}

/* All channels of one position of a row. A window as large as the one before lies a few pixels
 * further on: then the taps (TAPS entries, of the box `last`) only move. */
static void max_next(const job *j, const box *b, void *out, const void **taps, box *last)
{
    const ptrdiff_t step = (b->at[2] - last->at[2]) * (ptrdiff_t)(j->channels * j->size);
    if (b->taps == last->taps && b->n[2] == last->n[2])
        for (size_t i = 0; i < b->taps; i++)
            taps[i] = (const char *)taps[i] + step;
    else
        fill(taps, j, b, 0, 0, b->taps);
    *last = *b;
    call_max(j, out, taps, b->taps, j->channels);
}

static void max_rows(const void *ctx, size_t first, size_t end)
{
    const job *j = ctx;
    const size_t width = (size_t)j->g.out[2];
    char *out = j->c->out[0].data;
    for (size_t r = first; r < end; r++) {
        const box row = row_of(j, r);
        const void *taps[TAPS];
        box last = {0};
        for (size_t x = 0; x < width; x++) {
            const box b = box_in(&row, j, x);
            char *to = out + (r * width + x) * j->channels * j->size;
            if (b.taps > 0 && b.taps <= TAPS && j->channels <= BLOCK) {
                max_next(j, &b, to, taps, &last);
                continue;
            }
            for (size_t ch = 0; ch < j->channels; ch += BLOCK)
                max_block(j, &b, to + ch * j->size, ch, smaller(j->channels - ch, BLOCK));
        }
    }
}

void qns_pool_max(const qns_call *c, const qns_window *w)
{
    const job j = start(c, w);
    share(&j, rows_of(&j), j.positions * j.channels, max_rows);
}

/* Number of tap t of the box among the pixels of its plane. */
static int64_t pixel_number(const qns_geom *g, const box *b, int64_t t, bool column_major)
{
    const int64_t x = b->at[2] + t % b->n[2] * g->dilation[2];
    const int64_t y = b->at[1] + t / b->n[2] % b->n[1] * g->dilation[1];
    const int64_t z = b->at[0] + t / b->n[2] / b->n[1] * g->dilation[0];
    return column_major ? z + g->in[0] * (y + g->in[1] * x) : (z * g->in[1] + y) * g->in[2] + x;
}

static int64_t argmax_at(const job *j, const box *b, size_t ch)
{
    const bool column_major = ((const qns_window *)j->c->node->attr)->column_major != 0;
    int64_t best = -1;
    float top = 0.0f;
    for (size_t t = 0; t < b->taps; t++) {
        const void *p;
        fill(&p, j, b, ch, t, 1);
        const float v = j->c->in[0].dtype == QNS_F32  ? *(const float *)p
                        : j->c->in[0].dtype == QNS_U8 ? (float)*(const uint8_t *)p
                                                      : (float)*(const int8_t *)p;
        if (best < 0 || v > top || (isnan(v) && !isnan(top))) {
            top = v;
            best = pixel_number(&j->g, b, (int64_t)t, column_major);
        }
    }
    return best;
}

static void argmax_positions(const void *ctx, size_t first, size_t end)
{
    const job *j = ctx;
    int64_t *out = j->c->out[1].data;
    for (size_t p = first; p < end; p++) {
        const box row = row_of(j, p / (size_t)j->g.out[2]);
        const box b = box_in(&row, j, p % (size_t)j->g.out[2]);
        const size_t image = p / j->g.out_pixels;
        for (size_t ch = 0; ch < j->channels; ch++) {
            const int64_t at = argmax_at(j, &b, ch);
            const size_t plane = (image * j->channels + ch) * j->g.in_pixels;
            out[p * j->channels + ch] = at < 0 ? -1 : (int64_t)plane + at;
        }
    }
}

void qns_pool_argmax(const qns_call *c)
{
    const job j = start(c, c->node->attr);
    share(&j, j.positions, j.positions * j.channels, argmax_positions);
}

/* ---- refusals ---- */

static const char *reject_layout(const qns_call *c)
{
    for (int i = 0; i < 2; i++) {
        const qns_tensor *t = i ? &c->out[0] : &c->in[0];
        if (t->layout != QNS_CHLAST && !qns_layout_trivial(&t->shape))
            return "a tensor is not channels-last";
    }
    return NULL;
}

const char *qns_reject_pool_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : reject_layout(c);
}

const char *qns_reject_pool_codes(const qns_call *c)
{
    if (!qns_is_code(c->in[0].dtype))
        return "the input is neither uint8 nor int8";
    const char *why = qns_reject_not_moved(c);
    return why ? why : reject_layout(c);
}
