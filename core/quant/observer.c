/* SPDX-License-Identifier: MIT */
#include "core/quant/observer.h"

#include "core/base/mem.h"
#include "kernels/kernels.h"

#include <string.h>

#define OBSERVER_ROW(name) &qns_obs_##name,
static const qns_observer *const observers[] = {QNS_OBSERVERS(OBSERVER_ROW) NULL};

const qns_observer *qns_observer_find(const char *name)
{
    for (size_t i = 0; observers[i]; i++)
        if (strcmp(observers[i]->name, name) == 0)
            return observers[i];
    return NULL;
}

const qns_observer *const *qns_observers(void)
{
    return observers;
}

enum { PART = 1 << 15, WORTH = 1 << 17 }; /* elements: of one call; that pay for a thread */

qns_range qns_range_of(const float *x, size_t n)
{
    qns_range r = {INFINITY, -INFINITY};
    bool nan = false;
    qk_table k;
    qk_table_init(&k, ~0u);
    /* Smallest and largest do not depend on the order: from the end, which was written last, and of
     * a value larger than the cache is what that holds. */
#pragma omp parallel for schedule(static) if (n >= WORTH)
    for (size_t part = (n + PART - 1) / PART; part > 0; part--) {
        const size_t i = (part - 1) * PART;
        float lo, hi;
        k.minmax_f32(&lo, &hi, x + i, n - i < PART ? n - i : PART);
#pragma omp critical(qns_range_of)
        {
            nan |= isnan(lo);
            r.lo = lo < r.lo ? lo : r.lo;
            r.hi = hi > r.hi ? hi : r.hi;
        }
    }
    return nan ? (qns_range){NAN, NAN} : r;
}

static qns_status observe_row(const qns_observer *o, void *state, int32_t channel, const float *x,
                              size_t n, qns_err *err)
{
    const qns_range seen = qns_range_of(x, n);
    if (isnan(seen.lo))
        QNS_FAIL(err, DATA, "a number is NaN");
    return o->observe(state, channel, x, n, seen, err);
}

qns_status qns_observe_array(const qns_observer *o, void *state, const float *x,
                             const qns_shape *shape, int32_t axis, qns_err *err)
{
    const size_t n = qns_shape_count(shape);
    if (n == 0)
        return QNS_OK;
    if (axis < 0)
        return observe_row(o, state, 0, x, n, err);
    const size_t before = qns_shape_span(shape, 0, axis);
    const size_t after = qns_shape_span(shape, axis + 1, shape->rank);
    const size_t channels = (size_t)shape->dim[axis];
    float *row;
    QNS_TRY(qns_new((void **)&row, before * after, sizeof *row, err));
    qns_status st = QNS_OK;
    for (size_t c = 0; c < channels && st == QNS_OK; c++) {
        for (size_t b = 0; b < before; b++)
            memcpy(row + b * after, x + (b * channels + c) * after, after * sizeof *row);
        st = observe_row(o, state, (int32_t)c, row, before * after, err);
    }
    qns_free(row);
    return st;
}
