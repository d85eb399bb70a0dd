/* SPDX-License-Identifier: MIT */
#include "core/train/fused_moving_avg.h"

#include "core/base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

qns_status qns_fused_create(qns_fused **out, const qns_fused_rule *rule, qns_err *err)
{
    const size_t n = rule->n;
    qns_fused *f;
    qns_status st;

    assert(n && (rule->per_channel || n == 1));
    QNS_TRY(qns_new((void **)&f, 1, sizeof *f, err));
    *f = (qns_fused){.rule = *rule, .observe = true, .fake_quant = true};
    QNS_TRY_DONE(qns_new((void **)&f->min, n, sizeof *f->min, err));
    QNS_TRY_DONE(qns_new((void **)&f->max, n, sizeof *f->max, err));
    QNS_TRY_DONE(qns_new((void **)&f->scale, n, sizeof *f->scale, err));
    QNS_TRY_DONE(qns_new((void **)&f->zero, n, sizeof *f->zero, err));
    for (size_t c = 0; c < n; c++) {
        f->min[c] = INFINITY;
        f->max[c] = -INFINITY;
        f->scale[c] = 1.0f;
    }
    *out = f;
    return QNS_OK;
done:
    qns_fused_free(f);
    return st;
}

void qns_fused_free(qns_fused *f)
{
    if (!f)
        return;
    qns_free(f->min);
    qns_free(f->max);
    qns_free(f->scale);
    qns_free(f->zero);
    qns_free(f);
}

/* Three roundings in f32, no fma. */
static float average(float run, float now, float by)
{
    const float step = by * (now - run);

    return isinf(run) ? now : run + step;
}

static void observe(qns_fused *f, const float *x, size_t each)
{
    for (size_t c = 0; c < f->rule.n; c++) {
        float lo = x[c * each], hi = lo;

        for (size_t i = 1; i < each; i++) {
            lo = fminf(lo, x[c * each + i]);
            hi = fmaxf(hi, x[c * each + i]);
        }
        f->min[c] = average(f->min[c], lo, f->rule.averaging);
        f->max[c] = average(f->max[c], hi, f->rule.averaging);
    }
}

static qns_status choose(qns_fused *f, qns_err *err)
{
    const qns_fused_rule *r = &f->rule;
    const qns_choose_rule rule = {.variant = r->variant,
                                  .qmin = r->range.qmin,
                                  .qmax = r->range.qmax,
                                  .preserve_sparsity = r->range.symmetric};

    for (size_t c = 0; c < r->n; c++) {
        double scale;

        if (f->min[c] > f->max[c])
            QNS_FAIL(err, DATA, "channel %zu has not seen any number", c);
        QNS_TRY(
            qns_choose_dynamic(&scale, &f->zero[c], &rule, (qns_range){f->min[c], f->max[c]}, err));
        f->scale[c] = (float)scale;
    }
    return QNS_OK;
}

qns_status qns_fused_forward(float *y, uint8_t *mask, qns_fused *f, const float *x, size_t count,
                             qns_err *err)
{
    const qns_fused_rule *r = &f->rule;

    assert(count % r->n == 0);
    for (size_t i = 0; f->observe && i < count; i++)
        if (!isfinite(x[i]))
            QNS_FAIL(err, DATA, "element %zu of the batch is %g", i, (double)x[i]);
    if (f->observe && count)
        observe(f, x, count / r->n);
    if (!f->fake_quant) {
        memmove(y, x, count * sizeof *y);
        if (mask)
            memset(mask, 1, count);
        return QNS_OK;
    }
    QNS_TRY(choose(f, err));
    if (!count)
        return QNS_OK;
    const qns_fq fq = {.version = r->version,
                       .per_channel = r->per_channel,
                       .qmin = r->range.qmin,
                       .qmax = r->range.qmax,
                       .n = r->n,
                       .inner = count / r->n,
                       .scale = f->scale,
                       .zero = f->zero};
    qns_fq_forward(y, mask, &fq, x, count);
    return QNS_OK;
}

qns_status qns_fused_convert(float *scale, int32_t *zero, const qns_fused *f, qns_err *err)
{
    for (size_t c = 0; c < f->rule.n; c++)
        QNS_TRY(qns_qparams_choose(&scale[c], &zero[c], &f->rule.range,
                                   (qns_range){f->min[c], f->max[c]}, err));
    return QNS_OK;
}
