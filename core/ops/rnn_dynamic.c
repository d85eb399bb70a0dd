/* SPDX-License-Identifier: MIT */
#include "core/ops/rnn_dynamic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct qns_rnn {
    qns_rnn_kind kind;
    size_t input, hidden, layers, dirs, rows; /* rows: gates * hidden */
    qns_dynlin **ih, **hh;                    /* [layer * dirs + direction] */
};

/* The parts of the scratch. */
typedef struct memory {
    float *from, *to; /* sequences between layers */
    float *ih, *hh;   /* [steps][batch][rows], [batch][rows] */
    float *h, *c;     /* [batch][hidden] */
    void *linear;
} memory;

size_t qns_rnn_n_gates(qns_rnn_kind kind)
{
    return kind == QNS_RNN_LSTM ? 4 : kind == QNS_RNN_GRU ? 3 : 1;
}

static qns_status make(qns_dynlin **out, qns_arena *a, const qns_rnn_spec *s,
                       const qns_rnn_matrix *m, size_t k, qns_err *err)
{
    const qns_dynlin_spec spec = {.rule = s->rule,
                                  .n = qns_rnn_n_gates(s->kind) * s->hidden,
                                  .k = k,
                                  .w = m->w,
                                  .qp = m->qp,
                                  .half = m->half,
                                  .bias = m->bias,
                                  .clamp = QNS_NO_CLAMP};

    return qns_dynlin_create(out, a, &spec, err);
}

qns_status qns_rnn_create(qns_rnn **out, qns_arena *a, const qns_rnn_spec *s, qns_err *err)
{
    const size_t dirs = s->bidirectional ? 2 : 1, n = s->layers * dirs;
    qns_rnn *r;

    assert(s->input && s->hidden && s->layers);
    QNS_TRY(qns_arena_new((void **)&r, a, 1, sizeof *r, err));
    *r = (qns_rnn){.kind = s->kind,
                   .input = s->input,
                   .hidden = s->hidden,
                   .layers = s->layers,
                   .dirs = dirs,
                   .rows = qns_rnn_n_gates(s->kind) * s->hidden};
    QNS_TRY(qns_arena_new((void **)&r->ih, a, n, sizeof(qns_dynlin *), err));
    QNS_TRY(qns_arena_new((void **)&r->hh, a, n, sizeof(qns_dynlin *), err));
    for (size_t i = 0; i < n; i++) {
        const size_t k = i < dirs ? s->input : dirs * s->hidden;

        QNS_TRY(make(&r->ih[i], a, s, &s->w[i].ih, k, err));
        QNS_TRY(make(&r->hh[i], a, s, &s->w[i].hh, s->hidden, err));
    }
    *out = r;
    return QNS_OK;
}

/* The next n floats of the scratch, in units of a cache line; base NULL only counts. */
static void *take(char *base, size_t *used, size_t size)
{
    void *p = base ? base + *used : NULL;

    *used += (size + 63) / 64 * 64;
    return p;
}

static size_t carve(memory *m, const qns_rnn *r, size_t steps, size_t batch, char *base)
{
    const size_t f = sizeof(float), state = batch * r->hidden * f;
    const size_t seq = r->layers > 1 ? steps * r->dirs * state : 0;
    size_t used = 0, linear = 0;

    m->from = take(base, &used, seq);
    m->to = take(base, &used, seq);
    m->ih = take(base, &used, steps * batch * r->rows * f);
    m->hh = take(base, &used, batch * r->rows * f);
    m->h = take(base, &used, state);
    m->c = take(base, &used, state);
    for (size_t i = 0; i < r->layers * r->dirs; i++) {
        const size_t a = qns_dynlin_scratch(r->ih[i], steps * batch);
        const size_t b = qns_dynlin_scratch(r->hh[i], batch);

        linear = a > linear ? a : linear;
        linear = b > linear ? b : linear;
    }
    m->linear = take(base, &used, linear);
    return used;
}

size_t qns_rnn_scratch(const qns_rnn *r, size_t steps, size_t batch)
{
    memory m;

    return carve(&m, r, steps, batch, NULL);
}

static float sigma(float x)
{
    return 1.0f / (1.0f + (float)exp(-(double)x));
}

static float tanh_once(float x)
{
    return (float)tanh((double)x);
}

/* One batch row: ih and hh hold its gates. */
static void step_lstm(float *h, float *c, const float *ih, const float *hh, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const float i = sigma(hh[j] + ih[j]), f = sigma(hh[n + j] + ih[n + j]);
        const float g = tanh_once(hh[2 * n + j] + ih[2 * n + j]);
        const float o = sigma(hh[3 * n + j] + ih[3 * n + j]);
        const float kept = f * c[j], added = i * g;

        c[j] = kept + added;
        h[j] = o * tanh_once(c[j]);
    }
}

static void step_gru(float *h, const float *ih, const float *hh, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const float r = sigma(hh[j] + ih[j]), z = sigma(hh[n + j] + ih[n + j]);
        const float reset = hh[2 * n + j] * r;
        const float new = tanh_once(ih[2 * n + j] + reset);
        const float kept = (h[j] - new) * z;

        h[j] = kept + new;
    }
}

static void step_plain(float *h, const float *ih, const float *hh, size_t n, bool relu)
{
    for (size_t j = 0; j < n; j++) {
        const float v = hh[j] + ih[j];

        h[j] = !relu ? tanh_once(v) : v > 0.0f ? v : 0.0f;
    }
}

static void step(const memory *m, const qns_rnn *r, const float *ih, size_t batch)
{
    for (size_t b = 0; b < batch; b++) {
        const float *i = ih + b * r->rows, *hh = m->hh + b * r->rows;
        float *h = m->h + b * r->hidden, *c = m->c + b * r->hidden;

        if (r->kind == QNS_RNN_LSTM)
            step_lstm(h, c, i, hh, r->hidden);
        else if (r->kind == QNS_RNN_GRU)
            step_gru(h, i, hh, r->hidden);
        else
            step_plain(h, i, hh, r->hidden, r->kind == QNS_RNN_RELU);
    }
}

static void set_state(float *to, const float *from, size_t n, size_t which)
{
    if (from)
        memcpy(to, from + which * n, n * sizeof *to);
    else
        memset(to, 0, n * sizeof *to);
}

/* One layer in one direction: which = layer * dirs + direction. */
static qns_status run_direction(float *y, const float *x, const qns_rnn_io *io, const qns_rnn *r,
                                size_t which, const memory *m, const qk_table *k, qns_err *err)
{
    const size_t dir = which % r->dirs, n = io->batch * r->hidden, wide = r->dirs * r->hidden;

    QNS_TRY(qns_dynlin_run(m->ih, r->ih[which], x, io->steps * io->batch, k, m->linear, err));
    set_state(m->h, io->h0, n, which);
    set_state(m->c, r->kind == QNS_RNN_LSTM ? io->c0 : NULL, n, which);
    for (size_t i = 0; i < io->steps; i++) {
        const size_t t = dir ? io->steps - 1 - i : i;

        QNS_TRY(qns_dynlin_run(m->hh, r->hh[which], m->h, io->batch, k, m->linear, err));
        step(m, r, m->ih + t * io->batch * r->rows, io->batch);
        for (size_t b = 0; b < io->batch; b++)
            memcpy(y + (t * io->batch + b) * wide + dir * r->hidden, m->h + b * r->hidden,
                   r->hidden * sizeof *y);
    }
    if (io->hn)
        memcpy(io->hn + which * n, m->h, n * sizeof *y);
    if (io->cn)
        memcpy(io->cn + which * n, m->c, n * sizeof *y);
    return QNS_OK;
}

static void spoil(float *out, size_t n)
{
    for (size_t i = 0; out && i < n; i++)
        out[i] = NAN;
}

static qns_status run_layers(const qns_rnn_io *io, const qns_rnn *r, memory *m, const qk_table *k,
                             qns_err *err)
{
    const float *x = io->x;

    for (size_t l = 0; l < r->layers; l++) {
        float *y = l + 1 == r->layers ? io->y : m->to;

        for (size_t d = 0; d < r->dirs; d++)
            QNS_TRY(run_direction(y, x, io, r, l * r->dirs + d, m, k, err));
        m->to = m->from;
        m->from = y;
        x = y;
    }
    return QNS_OK;
}

qns_status qns_rnn_run(const qns_rnn_io *io, const qns_rnn *r, const qk_table *k, void *scratch,
                       qns_err *err)
{
    const size_t wide = r->dirs * r->hidden;
    memory m;

    carve(&m, r, io->steps, io->batch, scratch);
    const qns_status st = run_layers(io, r, &m, k, err);
    if (st != QNS_OK) {
        spoil(io->y, io->steps * io->batch * wide);
        spoil(io->hn, r->layers * io->batch * wide);
        spoil(io->cn, r->layers * io->batch * wide);
    }
    return st;
}
