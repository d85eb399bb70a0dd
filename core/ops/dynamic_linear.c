/* SPDX-License-Identifier: MIT */
#include "core/ops/dynamic_linear.h"

#include "core/base/half.h"
#include "core/graph/choose_dynamic.h"
#include "core/ops/op_help.h"
#include "kernels/gemm/gemm.h"
#include "kernels/round.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Outputs one job computes: its accumulators lie on the stack. */
enum { ROWS = 8, COLS = 4 * QK_PANEL };

struct qns_dynlin {
    qns_dynlin_rule rule;
    size_t n, k;
    qns_range clamp;
    int8_t *packed;     /* NULL: the weights are float16 */
    size_t panel_size;  /* bytes of 16 outputs */
    int32_t *col_const; /* k * zw - sum of the row, per output: times za it completes acc */
    int32_t *zero_w;    /* NULL when all are 0 */
    float *scale_w;     /* n */
    float *bias;        /* n, or NULL */
    float *wide;        /* float16 weights as k rows of n */
};

static size_t round_up(size_t v, size_t unit)
{
    return (v + unit - 1) / unit * unit;
}

static qns_status pack_codes(qns_dynlin *l, qns_arena *a, const qns_dynlin_spec *s, qns_err *err)
{
    bool any_zero = false;

    assert(s->qp && (s->qp->n == 1 || (size_t)s->qp->n == s->n));
    l->panel_size = qk_pack_s8_size(1, s->k);
    QNS_TRY(qns_arena_new((void **)&l->packed, a, qk_pack_s8_size(s->n, s->k), 1, err));
    QNS_TRY(qns_arena_new((void **)&l->col_const, a, s->n, sizeof *l->col_const, err));
    QNS_TRY(qns_arena_new((void **)&l->scale_w, a, s->n, sizeof *l->scale_w, err));
    qk_pack_s8(l->packed, l->col_const, s->w, s->n, s->k);
    for (size_t j = 0; j < s->n; j++) {
        const int32_t zw = qns_qparams_zero(s->qp, (int32_t)j);

        l->scale_w[j] = (float)qns_qparams_scale(s->qp, (int32_t)j);
        l->col_const[j] = (int32_t)((uint32_t)zw * (uint32_t)s->k - (uint32_t)l->col_const[j]);
        any_zero |= zw != 0;
    }
    if (!any_zero)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&l->zero_w, a, s->n, sizeof *l->zero_w, err));
    for (size_t j = 0; j < s->n; j++)
        l->zero_w[j] = qns_qparams_zero(s->qp, (int32_t)j);
    return QNS_OK;
}

static qns_status widen(qns_dynlin *l, qns_arena *a, const qns_dynlin_spec *s, qns_err *err)
{
    QNS_TRY(qns_arena_new((void **)&l->wide, a, s->n * s->k, sizeof *l->wide, err));
    for (size_t j = 0; j < s->n; j++)
        for (size_t i = 0; i < s->k; i++)
            l->wide[i * s->n + j] = qns_half_to_float(s->half[j * s->k + i]);
    return QNS_OK;
}

qns_status qns_dynlin_create(qns_dynlin **out, qns_arena *a, const qns_dynlin_spec *s, qns_err *err)
{
    qns_dynlin *l;

    assert(s->n && s->k && !s->w != !s->half);
    QNS_TRY(qns_arena_new((void **)&l, a, 1, sizeof *l, err));
    l->rule = s->rule;
    l->n = s->n;
    l->k = s->k;
    l->clamp = s->clamp;
    if (s->bias) {
        QNS_TRY(qns_arena_new((void **)&l->bias, a, s->n, sizeof *l->bias, err));
        memcpy(l->bias, s->bias, s->n * sizeof *l->bias);
    }
    QNS_TRY(s->w ? pack_codes(l, a, s, err) : widen(l, a, s, err));
    *out = l;
    return QNS_OK;
}

size_t qns_dynlin_row(const qns_dynlin *l)
{
    return round_up(l->k, QK_QUAD);
}

size_t qns_dynlin_scratch(const qns_dynlin *l, size_t m)
{
    return l->packed ? round_up(m * qns_dynlin_row(l), 64) : 0;
}

/* Q_legacy of spec section 1: the zero point enters before rounding. */
static void quantize_legacy(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    for (size_t i = 0; i < n; i++) {
        const float y = fmaf(x[i], inv, (float)zero);

        out[i] = (uint8_t)qk_clamp_i32(qk_rne(y < QK_INT32_FMAX ? y : QK_INT32_FMAX), 0, 255);
    }
}

qns_status qns_dynlin_quantize(uint8_t *codes, double *scale, int32_t *zero, const qns_dynlin *l,
                               const float *x, size_t m, const qk_table *k, qns_err *err)
{
    const bool fbgemm = l->rule.scheme == QNS_REQUANT_FBGEMM;
    const qns_choose_rule rule =
        fbgemm && !l->rule.full_range ? QNS_CHOOSE_DYN_FBGEMM : QNS_CHOOSE_DYN_QNNPACK;
    const size_t row = qns_dynlin_row(l);
    qns_range r = {0, 0};

    assert(l->packed);
    if (m)
        k->minmax_f32(&r.lo, &r.hi, x, m * l->k);
    QNS_TRY(qns_choose_dynamic(scale, zero, &rule, r, err));
    const float inv = 1.0f / (float)*scale;
    const int32_t z = *zero;
#pragma omp parallel for schedule(static) if (m * row > QNS_PAR_MIN)
    for (size_t i = 0; i < m; i++) {
        if (fbgemm && !l->rule.fb8)
            quantize_legacy(codes + i * row, x + i * l->k, l->k, inv, z);
        else
            k->quantize_u8(codes + i * row, x + i * l->k, l->k, inv, z);
        memset(codes + i * row + l->k, 0, row - l->k);
    }
    return QNS_OK;
}

static float limit(float y, qns_range r)
{
    y = y > r.lo || isnan(y) ? y : r.lo;
    return y < r.hi || isnan(y) ? y : r.hi;
}

static uint32_t row_sum(const uint8_t *x, size_t k)
{
    uint32_t s = 0;

    for (size_t i = 0; i < k; i++)
        s += x[i];
    return s;
}

/* One row of accumulators, outputs from j on, to floats. */
static void finish(float *out, const qns_dynlin *l, const int32_t *acc, size_t j, size_t n,
                   float scale, int32_t zero, uint32_t sum)
{
    const bool fbgemm = l->rule.scheme == QNS_REQUANT_FBGEMM;

    for (size_t i = 0; i < n; i++, j++) {
        uint32_t t = (uint32_t)acc[i] + (uint32_t)zero * (uint32_t)l->col_const[j];

        if (l->zero_w)
            t -= (uint32_t)l->zero_w[j] * sum;
        const float x = (float)(int32_t)t, by = scale * l->scale_w[j];
        const float bias = l->bias ? l->bias[j] : 0.0f;
        /* Without a bias fbgemm does not add, so that -0 stays; qnnpack adds zeros. */
        const float y = !fbgemm ? x * by + bias : l->bias ? fmaf(x, by, bias) : x * by;
        out[i] = limit(y, l->clamp);
    }
}

static void run_job(float *out, const qns_dynlin *l, const uint8_t *codes, size_t m, size_t job,
                    float scale, int32_t zero, const qk_table *k)
{
    const size_t row = qns_dynlin_row(l), n_cols = (l->n + COLS - 1) / COLS;
    const size_t i0 = job / n_cols * ROWS, j0 = job % n_cols * COLS;
    const size_t mi = m - i0 < ROWS ? m - i0 : ROWS, nj = l->n - j0 < COLS ? l->n - j0 : COLS;
    const uint8_t *rows[ROWS];
    int32_t acc[ROWS * COLS];

    for (size_t i = 0; i < mi; i++)
        rows[i] = codes + (i0 + i) * row;
    k->gemm_u8s8(acc, COLS, rows, mi, l->packed + j0 / QK_PANEL * l->panel_size, nj, l->k);
    for (size_t i = 0; i < mi; i++)
        finish(out + (i0 + i) * l->n + j0, l, acc + i * COLS, j0, nj, scale, zero,
               l->zero_w ? row_sum(rows[i], l->k) : 0);
}

static qns_status run_codes(float *out, const qns_dynlin *l, const float *x, size_t m,
                            const qk_table *k, uint8_t *codes, qns_err *err)
{
    const size_t n_jobs = (m + ROWS - 1) / ROWS * ((l->n + COLS - 1) / COLS);
    double scale;
    int32_t zero;

    QNS_TRY(qns_dynlin_quantize(codes, &scale, &zero, l, x, m, k, err));
#pragma omp parallel for schedule(static) if (m * l->n * l->k > QNS_PAR_MIN)
    for (size_t job = 0; job < n_jobs; job++)
        run_job(out, l, codes, m, job, (float)scale, zero, k);
    return QNS_OK;
}

static void run_half(float *out, const qns_dynlin *l, const float *x, size_t m)
{
#pragma omp parallel for schedule(static) if (m * l->n * l->k > QNS_PAR_MIN)
    for (size_t i = 0; i < m; i++) {
        float *y = out + i * l->n;

        memset(y, 0, l->n * sizeof *y);
        for (size_t t = 0; t < l->k; t++)
            for (size_t j = 0; j < l->n; j++)
                y[j] = fmaf(x[i * l->k + t], l->wide[t * l->n + j], y[j]);
        for (size_t j = 0; j < l->n; j++)
            y[j] = limit(l->bias ? y[j] + l->bias[j] : y[j], l->clamp);
    }
}

qns_status qns_dynlin_run(float *out, const qns_dynlin *l, const float *x, size_t m,
                          const qk_table *k, void *scratch, qns_err *err)
{
    if (!l->packed) {
        run_half(out, l, x, m);
        return QNS_OK;
    }
    const qns_status st = run_codes(out, l, x, m, k, scratch, err);
    for (size_t i = 0; st != QNS_OK && i < m * l->n; i++)
        out[i] = NAN;
    return st;
}

void qns_half_weights(uint16_t *half, const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        half[i] = qns_float_to_half(w[i] > 65504.0f    ? 65504.0f
                                    : w[i] < -65504.0f ? -65504.0f
                                                       : w[i]);
}
