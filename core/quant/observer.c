/* SPDX-License-Identifier: MIT */
#include "core/quant/observer.h"

#include "core/base/mem.h"

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

/* Eight independent minima, so that the loop does not wait for one comparison after another. A NaN
 * fails every comparison and would be lost, therefore it is counted apart. */
qns_range qns_range_of(const float *x, size_t n)
{
    enum { LANES = 8 };
    float lo[LANES], hi[LANES];
    int nan[LANES] = {0};
    for (int j = 0; j < LANES; j++) {
        lo[j] = INFINITY;
        hi[j] = -INFINITY;
    }
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const float v = x[i + (size_t)j];
            lo[j] = v < lo[j] ? v : lo[j];
            hi[j] = v > hi[j] ? v : hi[j];
            nan[j] |= v != v;
        }
    for (; i < n; i++) {
        lo[0] = x[i] < lo[0] ? x[i] : lo[0];
        hi[0] = x[i] > hi[0] ? x[i] : hi[0];
        nan[0] |= x[i] != x[i];
    }
    for (int j = 1; j < LANES; j++) {
        lo[0] = lo[j] < lo[0] ? lo[j] : lo[0];
        hi[0] = hi[j] > hi[0] ? hi[j] : hi[0];
        nan[0] |= nan[j];
    }
    return nan[0] ? (qns_range){NAN, NAN} : (qns_range){lo[0], hi[0]};
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
