/* SPDX-License-Identifier: MIT */
#include "core/ops/walk.h"

void qns_walk_init(qns_walk *w, const qns_shape *shape)
{
    *w = (qns_walk){.shape = *shape};
}

void qns_walk_broadcast(qns_walk *w, int k, const qns_shape *s)
{
    const int32_t lead = w->shape.rank - s->rank;
    int64_t step = 1;
    for (int32_t i = s->rank; i-- > 0;) {
        w->step[k][lead + i] = s->dim[i] == 1 ? 0 : step;
        step *= s->dim[i];
    }
}

const char *qns_reject_not_plain(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in + c->node->n_out; i++) {
        const qns_tensor *t = i < c->node->n_in ? &c->in[i] : &c->out[i - c->node->n_in];
        if (t->dtype == QNS_DTYPE_COUNT)
            continue;
        if (t->qp)
            return "it works on plain numbers, not on codes";
        if (t->dtype == QNS_F16)
            return "float16 is not supported";
        if (t->layout != QNS_ROW && !qns_layout_trivial(&t->shape))
            return "a tensor is not row-major";
    }
    return NULL;
}
