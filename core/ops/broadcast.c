/* SPDX-License-Identifier: MIT */
/* Numpy broadcasting. */
#include "core/ops/broadcast.h"

#include "core/ops/strided.h"

#include <string.h>

qns_status qns_broadcast_shape(qns_shape *out, const qns_shape *a, const qns_shape *b, qns_err *err)
{
    const int32_t rank = a->rank > b->rank ? a->rank : b->rank;
    qns_shape s = {.rank = rank};
    for (int32_t i = 0; i < rank; i++) {
        const int32_t ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        const int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1)
            QNS_FAIL(err, SHAPE, "shapes %s and %s do not fit together", qns_shape_str(a).s,
                     qns_shape_str(b).s);
        s.dim[i] = da == 1 ? db : da;
    }
    *out = s;
    return QNS_OK;
}

/* Steps of t along the memory axes of out. */
static void steps(int64_t step[QNS_MAX_RANK], const qns_tensor *out, const qns_tensor *t)
{
    int64_t own[QNS_MAX_RANK];
    const int32_t rank = out->shape.rank, lead = rank - t->shape.rank;
    qns_strides_of(own, t);
    for (int32_t i = 0; i < rank; i++) {
        const int32_t m = qns_memory_axis(out->layout, rank, i);
        step[m] = i < lead || t->shape.dim[i - lead] == 1 ? 0 : own[i - lead];
    }
}

void qns_bcast_lay(qns_bcast *p, const qns_tensor *out, const qns_tensor *a, const qns_tensor *b)
{
    const qns_shape m = qns_tensor_memory_shape(out);
    int64_t sa[QNS_MAX_RANK], sb[QNS_MAX_RANK];
    memset(p, 0, sizeof *p);
    steps(sa, out, a);
    steps(sb, out, b);
    for (int32_t i = 0; i < m.rank; i++) {
        const int32_t l = p->rank - 1;
        if (m.dim[i] == 1)
            continue;
        if (l >= 0 && p->a_step[l] == sa[i] * m.dim[i] && p->b_step[l] == sb[i] * m.dim[i]) {
            p->dim[l] *= m.dim[i];
            p->a_step[l] = sa[i];
            p->b_step[l] = sb[i];
            continue;
        }
        p->dim[p->rank] = m.dim[i];
        p->a_step[p->rank] = sa[i];
        p->b_step[p->rank] = sb[i];
        p->rank++;
    }
    if (p->rank == 0)
        p->dim[p->rank++] = 1;
    p->rows = 1;
    for (int32_t i = 0; i + 1 < p->rank; i++)
        p->rows *= (size_t)p->dim[i];
    p->row = (size_t)p->dim[p->rank - 1];
}

void qns_bcast_row(size_t *a, size_t *b, const qns_bcast *p, size_t r)
{
    *a = *b = 0;
    for (int32_t i = p->rank - 1; i-- > 0;) {
        const size_t at = r % (size_t)p->dim[i];
        r /= (size_t)p->dim[i];
        *a += at * (size_t)p->a_step[i];
        *b += at * (size_t)p->b_step[i];
    }
}
