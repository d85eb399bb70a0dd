/* SPDX-License-Identifier: MIT */
/* Batch norm as training computes it: with mean and variance (of all elements, not N - 1) of this
 * very batch. The running averages that come out are momentum * old + (1 - momentum) * batch. Sums
 * are in double. */
#include "core/ops/op_batchnorm.h"
#include "core/ops/op_help.h"
#include "core/ops/strided.h"

#include <math.h>

static const char *reject(const qns_call *c)
{
    if (!((const qns_batchnorm_attr *)c->node->attr)->training)
        return "it is not in training mode";
    return qns_reject_not_f32(c);
}

typedef struct moments {
    double mean, var;
} moments;

static moments moments_of(const float *x, const qns_channels *ch, size_t k)
{
    const double count = (double)ch->outer * (double)ch->inner;
    double sum = 0, square = 0;
    for (size_t o = 0; o < ch->outer; o++)
        for (size_t i = 0; i < ch->inner; i++)
            sum += (double)x[(o * ch->n + k) * ch->inner + i];
    const double mean = sum / count;
    for (size_t o = 0; o < ch->outer; o++)
        for (size_t i = 0; i < ch->inner; i++) {
            const double d = (double)x[(o * ch->n + k) * ch->inner + i] - mean;
            square += d * d;
        }
    return (moments){mean, square / count};
}

static float average(float old, double now, float momentum)
{
    return (float)((double)old * (double)momentum + now * (1.0 - (double)momentum));
}

static void run(const qns_call *c)
{
    const qns_batchnorm_attr *a = c->node->attr;
    const qns_channels ch = qns_channels_of(&c->in[0], 1);
    const float *x = qns_cf32(&c->in[0]);
    const qns_range r = c->node->clamp;
    float *y = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (ch.outer * ch.n * ch.inner > QNS_PAR_MIN)
    for (size_t k = 0; k < ch.n; k++) {
        const moments m = moments_of(x, &ch, k);
        const double by = (double)qns_cf32(&c->in[1])[k] / sqrt(m.var + (double)a->eps);
        const double shift = (double)qns_cf32(&c->in[2])[k];
        if (c->node->n_out > 1)
            qns_f32(&c->out[1])[k] = average(qns_cf32(&c->in[3])[k], m.mean, a->momentum);
        if (c->node->n_out > 2)
            qns_f32(&c->out[2])[k] = average(qns_cf32(&c->in[4])[k], m.var, a->momentum);
        for (size_t o = 0; o < ch.outer; o++)
            for (size_t i = 0; i < ch.inner; i++) {
                const size_t at = (o * ch.n + k) * ch.inner + i;
                const float v = (float)(((double)x[at] - m.mean) * by + shift);
                const float low = v < r.lo ? r.lo : v;
                y[at] = low > r.hi ? r.hi : low;
            }
    }
}

const qns_impl qns_batchnorm_training = {
    .name = "batchnorm.training.f32", .reject = reject, .run = run, .in_place = true};
