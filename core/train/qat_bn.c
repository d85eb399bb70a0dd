/* SPDX-License-Identifier: MIT */
#include "core/train/qat_bn.h"

#include <math.h>

static float factor(const qns_qat_bn *bn, size_t c)
{
    return bn->gamma[c] / sqrtf(bn->var[c] + bn->eps);
}

qns_status qns_qat_bn_weight(float *out, const qns_qat_bn *bn, const float *w, size_t row,
                             qns_err *err)
{
    for (size_t c = 0; c < bn->n; c++)
        if (!isfinite(factor(bn, c)) || factor(bn, c) == 0.0f)
            QNS_FAIL(err, DATA, "channel %zu of the batch norm has the factor %g", c,
                     (double)factor(bn, c));
    for (size_t i = 0; i < bn->n * row; i++)
        out[i] = w[i] * factor(bn, i / row);
    return QNS_OK;
}

/* Mean and variance of channel c over the batch, in double. */
static void moments(double *mean, double *var, const float *y, const qns_qat_bn *bn, size_t c,
                    size_t batch, size_t pixels)
{
    const double count = (double)batch * (double)pixels;
    double sum = 0, squares = 0;
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < pixels; i++)
            sum += (double)y[(b * bn->n + c) * pixels + i];
    *mean = sum / count;
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < pixels; i++) {
            const double d = (double)y[(b * bn->n + c) * pixels + i] - *mean;
            squares += d * d;
        }
    *var = squares / count;
}

static void normalize(float *y, const qns_qat_bn *bn, size_t c, size_t batch, size_t pixels)
{
    double mean = (double)bn->mean[c], var = (double)bn->var[c];
    if (bn->training) {
        const double count = (double)batch * (double)pixels, m = (double)bn->momentum;
        moments(&mean, &var, y, bn, c, batch, pixels);
        bn->mean[c] = (float)((1 - m) * (double)bn->mean[c] + m * mean);
        bn->var[c] = (float)((1 - m) * (double)bn->var[c] + m * var * count / (count - 1));
    }
    const double k = (double)bn->gamma[c] / sqrt(var + (double)bn->eps);
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < pixels; i++) {
            float *v = &y[(b * bn->n + c) * pixels + i];
            *v = (float)(((double)*v - mean) * k + (double)bn->beta[c]);
        }
}

qns_status qns_qat_bn_forward(float *y, const qns_qat_bn *bn, const float *bias, size_t batch,
                              size_t pixels, qns_err *err)
{
    if (bn->training && batch * pixels < 2)
        QNS_FAIL(err, DATA, "batch norm needs two values for each channel to train");
    for (size_t c = 0; c < bn->n; c++) {
        const float k = factor(bn, c);
        for (size_t b = 0; b < batch; b++)
            for (size_t i = 0; i < pixels; i++) {
                float *v = &y[(b * bn->n + c) * pixels + i];
                *v = *v / k + (bias ? bias[c] : 0.0f);
            }
        normalize(y, bn, c, batch, pixels);
    }
    return QNS_OK;
}
