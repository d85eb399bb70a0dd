/* SPDX-License-Identifier: MIT */
#include "core/ops/scatter.h"

#include "core/ops/op_help.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[] = {"none", "add", "mul", "max", "min"};

qns_status qns_scatter_read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_scatter_attr *a = attr;
    const char *how;
    QNS_TRY(qns_attrs_text(&how, n->attrs, "reduction", "none", err));
    for (size_t i = 0; i < QNS_ARRAY_LEN(names); i++)
        if (strcmp(how, names[i]) == 0) {
            a->how = (int64_t)i;
            return QNS_OK;
        }
    QNS_FAIL(err, UNSUPPORTED, "attribute 'reduction' is '%.40s'", how);
}

qns_status qns_scatter_write(qns_onnx_out *w, const char *type, const qns_node *n, qns_err *err)
{
    const qns_scatter_attr *a = n->attr;
    w->type = type;
    if (a->how == QNS_SCATTER_SET)
        return QNS_OK;
    w->since = a->how >= QNS_SCATTER_MAX ? 18 : 16;
    return qns_attrs_add_text(&w->attrs, "reduction", names[a->how], err);
}

void qns_scatter_put(const qns_tensor *y, size_t i, const qns_tensor *u, size_t k, int64_t how)
{
    if (how == QNS_SCATTER_SET) {
        const size_t size = qns_dtype_size(y->dtype);
        memcpy((char *)y->data + i * size, (const char *)u->data + k * size, size);
        return;
    }
    if (y->dtype == QNS_F32) {
        float *p = (float *)y->data + i;
        const float v = ((const float *)u->data)[k];
        *p = how == QNS_SCATTER_ADD   ? *p + v
             : how == QNS_SCATTER_MUL ? *p * v
             : how == QNS_SCATTER_MAX ? (v > *p ? v : *p)
                                      : (v < *p ? v : *p);
        return;
    }
    const int64_t p = qns_int_at(y, i), v = qns_int_at(u, k);
    const bool above = qns_int_rank(y->dtype, v) > qns_int_rank(y->dtype, p);
    qns_int_put(y, i,
                how == QNS_SCATTER_ADD              ? (int64_t)((uint64_t)p + (uint64_t)v)
                : how == QNS_SCATTER_MUL            ? (int64_t)((uint64_t)p * (uint64_t)v)
                : (how == QNS_SCATTER_MAX) == above ? v
                                                    : p);
}

qns_status qns_index_check(const qns_shape *x, int32_t axis, const qns_tensor *at, qns_err *err)
{
    if (at->dtype != QNS_I64 && at->dtype != QNS_I32)
        QNS_FAIL(err, SHAPE, "indices are %s, must be int64 or int32", qns_dtype_name(at->dtype));
    bool fits = at->shape.rank == x->rank;
    for (int32_t i = 0; fits && i < x->rank; i++)
        fits = i == axis ? x->dim[i] > 0 : at->shape.dim[i] <= x->dim[i];
    if (!fits)
        QNS_FAIL(err, SHAPE, "indices %s do not fit to data %s", qns_shape_str(&at->shape).s,
                 qns_shape_str(x).s);
    for (size_t i = 0; at->data && i < qns_tensor_count(at); i++) {
        const int64_t k = qns_int_at(at, i), d = x->dim[axis];
        if (k < -d || k >= d)
            QNS_FAIL(err, SHAPE, "index %" PRId64 " is outside axis %d of %s", k, (int)axis,
                     qns_shape_str(x).s);
    }
    return QNS_OK;
}

void qns_index_init(qns_index_walk *w, const qns_shape *x, const qns_tensor *at, int64_t axis)
{
    const int32_t a = (int32_t)(axis < 0 ? axis + x->rank : axis);
    *w = (qns_index_walk){.at = at, .size = x->dim[a]};
    qns_walk_init(&w->w, &at->shape);
    for (int32_t i = 0; i < x->rank; i++)
        w->w.step[0][i] = (int64_t)qns_shape_span(x, i + 1, x->rank);
    w->step = w->w.step[0][a];
    w->w.step[0][a] = 0;
}

size_t qns_index_next(qns_index_walk *w)
{
    const int64_t k = qns_index_within(qns_int_at(w->at, w->i++), w->size);
    const int64_t pos = w->w.pos[0] + k * w->step;
    qns_walk_next(&w->w);
    return (size_t)pos;
}
