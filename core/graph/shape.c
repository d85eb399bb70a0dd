/* SPDX-License-Identifier: MIT */
#include "core/graph/shape.h"

#include <inttypes.h>
#include <stdio.h>

/* 2^40 elements are 4 TiB of floats: whatever asks for more is damaged, and below it sums and byte
 * counts cannot overflow 64 bits. */
static const int64_t max_count = INT64_C(1) << 40;

size_t qns_shape_span(const qns_shape *s, int32_t from, int32_t to)
{
    size_t n = 1;
    for (int32_t i = from; i < to; i++)
        n *= (size_t)s->dim[i];
    return n;
}

size_t qns_shape_count(const qns_shape *s)
{
    return qns_shape_span(s, 0, s->rank);
}

qns_status qns_shape_check(const qns_shape *s, qns_err *err)
{
    if (s->rank < 0 || s->rank > QNS_MAX_RANK)
        QNS_FAIL(err, UNSUPPORTED, "%d dimensions; up to %d are supported", s->rank, QNS_MAX_RANK);
    int64_t n = 1;
    for (int32_t i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0)
            QNS_FAIL(err, SHAPE, "dimension %d is %" PRId64, i, s->dim[i]);
        if (s->dim[i] > max_count || (s->dim[i] && n > max_count / s->dim[i]))
            QNS_FAIL(err, SHAPE, "shape %s has too many elements", qns_shape_str(s).s);
        n *= s->dim[i] ? s->dim[i] : 1;
    }
    return QNS_OK;
}

bool qns_shape_equal(const qns_shape *a, const qns_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

qns_shape_text qns_shape_str(const qns_shape *s)
{
    qns_shape_text t;
    size_t at = 0;
    at += (size_t)snprintf(t.s, sizeof t.s, "[");
    for (int32_t i = 0; i < s->rank && i < QNS_MAX_RANK && at < sizeof t.s - 24; i++)
        at += (size_t)snprintf(t.s + at, sizeof t.s - at, "%s%" PRId64, i ? ", " : "", s->dim[i]);
    snprintf(t.s + at, sizeof t.s - at, "]");
    return t;
}

qns_status qns_axis_resolve(int32_t *out, int64_t axis, int32_t rank, qns_err *err)
{
    if (axis < -(int64_t)rank || axis >= rank)
        QNS_FAIL(err, SHAPE, "axis %" PRId64 " is outside a tensor of %d dimensions", axis, rank);
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return QNS_OK;
}
