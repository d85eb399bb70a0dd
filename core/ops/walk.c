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

double qns_real_at(const qns_tensor *t, size_t i)
{
    return t->dtype == QNS_F32 ? (double)((const float *)t->data)[i] : (double)qns_int_at(t, i);
}

int64_t qns_int_at(const qns_tensor *t, size_t i)
{
    switch (t->dtype) {
    case QNS_U8:
        return ((const uint8_t *)t->data)[i];
    case QNS_I8:
        return ((const int8_t *)t->data)[i];
    case QNS_I32:
        return ((const int32_t *)t->data)[i];
    case QNS_BOOL:
        return ((const uint8_t *)t->data)[i] != 0;
    default:
        return ((const int64_t *)t->data)[i];
    }
}

void qns_int_put(const qns_tensor *t, size_t i, int64_t v)
{
    switch (t->dtype) {
    case QNS_U8:
    case QNS_I8:
        ((uint8_t *)t->data)[i] = (uint8_t)v;
        break;
    case QNS_BOOL:
        ((uint8_t *)t->data)[i] = v != 0;
        break;
    case QNS_I32:
        ((int32_t *)t->data)[i] = (int32_t)(uint32_t)v;
        break;
    default:
        ((int64_t *)t->data)[i] = v;
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
