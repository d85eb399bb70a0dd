/* SPDX-License-Identifier: MIT */
#include "core/ops/scatter.h"

#include "core/ops/op_help.h"

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
    if (a->how != QNS_SCATTER_SET)
        QNS_FAIL(err, UNSUPPORTED, "reduction '%s' cannot be written for opset 13", names[a->how]);
    return QNS_OK;
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
    qns_int_put(y, i,
                how == QNS_SCATTER_ADD   ? (int64_t)((uint64_t)p + (uint64_t)v)
                : how == QNS_SCATTER_MUL ? (int64_t)((uint64_t)p * (uint64_t)v)
                : how == QNS_SCATTER_MAX ? (v > p ? v : p)
                                         : (v < p ? v : p));
}
