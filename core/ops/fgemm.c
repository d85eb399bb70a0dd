/* SPDX-License-Identifier: MIT */
/* The plain float matrix product of conv and linear over tiles. Every output is one sum in the
 * order of k that starts at the bias, so its bits depend on nothing else. */
#include "core/ops/conv_impl.h"
#include "kernels/kernels.h"

#include <omp.h>

size_t qns_fgemm_pack_size(const qns_tiles *t)
{
    return t->depthwise ? t->k * t->out_ch : t->groups * qk_pack_f32_size(t->og, t->k);
}

void qns_fgemm_pack(float *packed, const qns_tiles *t, const float *w)
{
    if (t->depthwise) {
        for (size_t c = 0; c < t->out_ch; c++)
            for (size_t i = 0; i < t->g.taps; i++)
                packed[i * t->out_ch + c] = w[c * t->g.taps + i];
        return;
    }
    for (size_t g = 0; g < t->groups; g++)
        qk_pack_f32(packed + g * qk_pack_f32_size(t->og, t->k), w + g * t->og * t->k, t->og, t->k);
}

/* NaN stays NaN. */
static void clamp_row(float *x, size_t n, qns_range r)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] < r.lo ? r.lo : x[i];
        x[i] = x[i] > r.hi ? r.hi : x[i];
    }
}

static void run_tile(float *out, const qns_fgemm *f, const float *in, const qk_table *k,
                     qns_tile_mem *mem, size_t job)
{
    const qns_tiles *t = f->t;
    const qns_tile tile = qns_tile_at(t, job);
    const size_t ch = tile.group * t->og + tile.col;
    const float *packed = f->packed + tile.group * qk_pack_f32_size(t->og, t->k) +
                          tile.col / 16 * qk_pack_f32_size(1, t->k);
    float *to = out + tile.first * t->out_ch + ch;

    qns_tile_rows(mem, t, &tile, in);
    k->gemm_f32(to, t->out_ch, (const float *const *)mem->row, tile.n, packed,
                f->bias ? f->bias + ch : NULL, tile.n_col, t->k);
    for (size_t i = 0; i < tile.n; i++)
        clamp_row(to + i * t->out_ch, tile.n_col, f->clamp);
}

static void run_depthwise(float *out, const qns_fgemm *f, const float *in, const qk_table *k,
                          qns_tile_mem *mem, size_t job)
{
    const qns_tiles *t = f->t;
    const qns_tile tile = qns_tile_at(t, job);

    for (size_t i = 0; i < tile.n; i++) {
        float *to = out + (tile.first + i) * t->out_ch;

        qns_tile_taps(mem, t, tile.first + i, in);
        k->dwconv_f32(to, (const float *const *)mem->tap, t->g.taps, f->packed, f->bias, t->out_ch);
        clamp_row(to, t->out_ch, f->clamp);
    }
}

void qns_fgemm_run(float *out, const qns_fgemm *f, const float *in, const qk_table *k,
                   void *scratch)
{
    const qns_tiles *t = f->t;

#pragma omp parallel num_threads(t->threads) if (t->threads > 1)
    {
        qns_tile_mem mem = qns_tile_mem_at(t, scratch, omp_get_thread_num());

#pragma omp for schedule(static)
        for (size_t job = 0; job < t->n_jobs; job++) {
            if (t->depthwise)
                run_depthwise(out, f, in, k, &mem, job);
            else
                run_tile(out, f, in, k, &mem, job);
        }
    }
}
