/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_input.h"

#include "core/base/log.h"
#include "core/base/str.h"
#include "core/model/onnx_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Onnx__TensorShapeProto__Dimension dimension;

/* 0 or less: the axis has no size in the file (old writers say 0 or -1 for that). */
static int64_t fixed_size(const dimension *d)
{
    return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? d->dim_value : 0;
}

/* NULL when it has none. */
static const char *symbol(const dimension *d)
{
    return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param &&
                   d->dim_param[0]
               ? d->dim_param
               : NULL;
}

/* The symbol of the axis, or "<input>.<axis>" when it has none. */
static void axis_name(char *out, size_t size, const char *input, size_t axis, const dimension *d)
{
    if (symbol(d))
        snprintf(out, size, "%s", symbol(d));
    else
        snprintf(out, size, "%s.%zu", input, axis);
}

static qns_status split(int64_t *value, size_t *len, const char *option, qns_err *err)
{
    const char *eq = strrchr(option, '=');
    char *end = NULL;
    errno = 0;
    *value = eq ? strtoll(eq + 1, &end, 10) : 0;
    if (!eq || eq == option || !end || *end || errno || *value < 1)
        QNS_FAIL(err, CONFIG, "'%s' is no size of an axis; write name=number", option);
    *len = (size_t)(eq - option);
    return QNS_OK;
}

/* 0 when no option names the axis. */
static qns_status from_options(int64_t *out, const char *name, const qns_onnx_opts *opts,
                               qns_err *err)
{
    *out = 0;
    for (size_t i = 0; opts && i < opts->n_dim; i++) {
        int64_t v;
        size_t len;
        QNS_TRY(split(&v, &len, opts->dim[i], err));
        if (strlen(name) == len && memcmp(name, opts->dim[i], len) == 0)
            *out = v;
    }
    return QNS_OK;
}

static qns_status resolve(int64_t *out, const char *input, size_t axis, const dimension *d,
                          const qns_onnx_opts *opts, qns_err *err)
{
    char name[256];
    *out = fixed_size(d);
    if (*out > 0)
        return QNS_OK;
    axis_name(name, sizeof name, input, axis, d);
    QNS_TRY(from_options(out, name, opts, err));
    if (*out > 0)
        return QNS_OK;
    if (axis > 0)
        QNS_FAIL(err, CONFIG,
                 "axis %zu ('%s') of input '%s' has no size; give it one with "
                 "--dim '%s=SIZE'",
                 axis, name, input, name);
    *out = opts && opts->batch > 0 ? opts->batch : 1;
    return QNS_OK;
}

static qns_status input_dtype(qns_dtype *dtype, const char *name, int32_t type, qns_err *err)
{
    *dtype = qns_onnx_dtype(type);
    if (*dtype == QNS_DTYPE_COUNT)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' has data type %s (%" PRId32 ")", name,
                 qns_onnx_dtype_name(type), type);
    if (*dtype == QNS_F32 && type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        qns_log(QNS_LOG_WARN, "input '%s' is %s; it is computed as float32", name,
                qns_onnx_dtype_name(type));
    return QNS_OK;
}

qns_status qns_onnx_input(qns_dtype *dtype, qns_shape *shape, const Onnx__ValueInfoProto *v,
                          const qns_onnx_opts *opts, qns_err *err)
{
    const Onnx__TypeProto *type = v->type;
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !type->tensor_type)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' is not a tensor", v->name);
    const Onnx__TypeProto__Tensor *t = type->tensor_type;
    QNS_TRY(input_dtype(dtype, v->name, t->elem_type, err));
    if (!t->shape)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' has no shape, not even a number of axes", v->name);
    if (t->shape->n_dim > QNS_MAX_RANK)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' has %zu axes; %d are supported", v->name,
                 t->shape->n_dim, QNS_MAX_RANK);
    *shape = (qns_shape){.rank = (int32_t)t->shape->n_dim};
    for (size_t i = 0; i < t->shape->n_dim; i++)
        QNS_TRY(resolve(&shape->dim[i], v->name, i, t->shape->dim[i], opts, err));
    const qns_status st = qns_shape_check(shape, err);
    if (st != QNS_OK)
        qns_err_note(err, "input '%s'", v->name);
    return st;
}

const char *qns_onnx_batch_name(const Onnx__ValueInfoProto *v)
{
    const Onnx__TensorShapeProto *s = v->type->tensor_type->shape;
    return s->n_dim ? symbol(s->dim[0]) : NULL;
}

/* Calls every open axis by its name: true when one has it; the names go into list. */
static bool find_axis(qns_str *list, const Onnx__GraphProto *g, const char *name, size_t len)
{
    bool found = false;
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__TypeProto *type = g->input[i]->type;
        if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
            !type->tensor_type || !type->tensor_type->shape || !g->input[i]->name)
            continue;
        const Onnx__TensorShapeProto *s = type->tensor_type->shape;
        for (size_t k = 0; k < s->n_dim && k < QNS_MAX_RANK; k++) {
            char axis[256];
            if (fixed_size(s->dim[k]) > 0)
                continue;
            axis_name(axis, sizeof axis, g->input[i]->name, k, s->dim[k]);
            found |= strlen(axis) == len && memcmp(axis, name, len) == 0;
            if (list->len < 200)
                qns_str_addf(list, "%s'%s'", list->len ? ", " : "", axis);
        }
    }
    return found;
}

qns_status qns_onnx_check_dims(const Onnx__GraphProto *g, const qns_onnx_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    for (size_t i = 0; opts && i < opts->n_dim && st == QNS_OK; i++) {
        qns_str list = {0};
        int64_t value;
        size_t len;
        st = split(&value, &len, opts->dim[i], err);
        if (st == QNS_OK && !find_axis(&list, g, opts->dim[i], len))
            st = qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__,
                             "'%s' names no open axis of an input; open axes: %s", opts->dim[i],
                             list.len ? qns_str_get(&list) : "none");
        qns_str_fini(&list);
    }
    return st;
}
