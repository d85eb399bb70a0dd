/* SPDX-License-Identifier: MIT */
#include "core/base/rng.h"
#include "core/train/qat_bn.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 3, BATCH = 2, PIXELS = 5, COUNT = N * BATCH * PIXELS };

static const float factors[N] = {0.5f, -2, 1}, beta[N] = {1, 0, -1}, bias[N] = {0.25f, 4, 0};

static void fill(float *x, size_t n, uint64_t seed)
{
    qns_rng rng;
    qns_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(4 * qns_rng_unit(&rng) - 2);
}

/* Without quantization the detour over k cancels: batch norm of the plain layer. */
Test(qat_bn, frozen_is_plain_batch_norm)
{
    float mean[N] = {0.5f, -1, 2}, var[N] = {0.3f, 4, 1}, w[N], x[COUNT], y[COUNT];
    const float one[N] = {1, 1, 1};
    const qns_qat_bn bn = {N, factors, beta, mean, var, 1e-5f, 0.1f, false};
    fill(x, COUNT, 1);
    cr_assert_eq(qns_qat_bn_weight(w, &bn, one, 1, NULL), QNS_OK);
    for (size_t i = 0; i < COUNT; i++)
        y[i] = x[i] * w[i / PIXELS % N];
    cr_assert_eq(qns_qat_bn_forward(y, &bn, bias, BATCH, PIXELS, NULL), QNS_OK);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t c = i / PIXELS % N;
        const double want = ((double)x[i] + (double)bias[c] - (double)mean[c]) /
                                sqrt((double)var[c] + 1e-5) * (double)factors[c] +
                            (double)beta[c];
        cr_expect(fabs((double)y[i] - want) < 1e-5, "%zu: %g, want %g", i, (double)y[i], want);
    }
    cr_expect(mean[0] == 0.5f && var[1] == 4);
}

/* While training each channel has mean beta and deviation |gamma|, and the running numbers move. */
Test(qat_bn, training_normalizes_the_batch)
{
    float mean[N] = {0}, var[N] = {1, 1, 1}, y[COUNT];
    const qns_qat_bn bn = {N, factors, beta, mean, var, 0, 1, true};
    fill(y, COUNT, 2);
    cr_assert_eq(qns_qat_bn_forward(y, &bn, NULL, BATCH, PIXELS, NULL), QNS_OK);
    for (size_t c = 0; c < N; c++) {
        double sum = 0, squares = 0;
        for (size_t b = 0; b < BATCH; b++)
            for (size_t i = 0; i < PIXELS; i++) {
                const double d = (double)y[(b * N + c) * PIXELS + i] - (double)beta[c];
                sum += d;
                squares += d * d;
            }
        cr_expect(fabs(sum) < 1e-5);
        cr_expect(fabs(sqrt(squares / (BATCH * PIXELS)) - fabs((double)factors[c])) < 1e-5);
        cr_expect(mean[c] != 0 && var[c] != 1);
    }
}

Test(qat_bn, refuses)
{
    const float none[N] = {0};
    float mean[N] = {0}, var[N] = {0}, w[N] = {1, 1, 1};
    qns_qat_bn bn = {N, none, beta, mean, var, 1e-5f, 0.1f, true};
    cr_expect_eq(qns_qat_bn_weight(w, &bn, w, 1, NULL), QNS_E_DATA);
    bn.gamma = factors;
    bn.eps = 0;
    cr_expect_eq(qns_qat_bn_weight(w, &bn, w, 1, NULL), QNS_E_DATA);
    cr_expect_eq(qns_qat_bn_forward(w, &bn, NULL, 1, 1, NULL), QNS_E_DATA);
}
