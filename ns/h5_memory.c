/* SPDX-License-Identifier: MIT */
#include "ns/h5_memory.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/qparams.h"
#include "ns/h5_read_internal.h"

#include <string.h>

static qns_status keep(const char **out, qns_capture *c, const char *s, qns_err *err)
{
    *out = qns_arena_strdup(c->arena, s ? s : "");
    if (!*out)
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    return QNS_OK;
}

static qns_status keep_list(const char *const **out, uint32_t *n, qns_capture *c,
                            const char *const *v, uint32_t count, qns_err *err)
{
    const char **list = NULL;
    QNS_TRY(qns_arena_new((void **)&list, c->arena, count, sizeof *list, err));
    for (uint32_t i = 0; i < count; i++)
        QNS_TRY(keep(&list[i], c, v[i], err));
    *out = list;
    *n = count;
    return QNS_OK;
}

/* The batch axis of size 1 gives way to the axis of samples, as in a file. */
static void set_shape(qns_cap_data *d, const qns_cap_desc *from)
{
    const bool drops =
        qns_group_by_sample(d->group) && from->shape.rank > 0 && from->shape.dim[0] == 1;
    d->shape = (qns_shape){.rank = from->shape.rank - drops};
    for (int32_t i = 0; i < d->shape.rank; i++)
        d->shape.dim[i] = from->shape.dim[i + drops];
    d->count = qns_shape_count(&d->shape);
    d->axis = -1;
    if (!from->qp)
        return;
    d->n_scale = (uint32_t)from->qp->n;
    d->scale = from->qp->scale;
    d->zero = from->qp->zero;
    if (from->qp->n > 1)
        d->axis = from->qp->axis - drops;
}

static qns_status add(uint32_t *index, qns_capture *c, const qns_cap_desc *from, const void *data,
                      qns_err *err)
{
    qns_cap_entry e = {.d = {.group = from->group}, .memory = data, .dtype = from->dtype};
    qns_cap_data *d = &e.d;
    QNS_TRY(keep(&d->name, c, from->name, err));
    QNS_TRY(keep(&d->node, c, from->node, err));
    QNS_TRY(keep(&d->op, c, from->op, err));
    QNS_TRY(keep(&d->impl, c, from->impl, err));
    QNS_TRY(keep(&d->value_origin, c, from->value_origin, err));
    QNS_TRY(keep(&d->activation, c, from->activation, err));
    QNS_TRY(keep_list(&d->origin, &d->n_origin, c, from->origin, from->n_origin, err));
    QNS_TRY(keep_list(&d->inputs, &d->n_inputs, c, from->inputs, from->n_inputs, err));
    d->path = d->name;
    d->index = from->index < 0 ? -1 : from->index;
    d->output = from->output < 0 ? -1 : from->output;
    d->conversion = from->conversion;
    d->macs = from->macs;
    d->dtype = qns_dtype_name(from->dtype);
    e.by_bytes = qns_is_code(from->dtype);
    e.is_signed = from->dtype == QNS_I8;
    d->code_min = e.by_bytes ? qns_dtype_min(from->dtype) : INT32_MIN;
    d->code_max = e.by_bytes ? qns_dtype_max(from->dtype) : INT32_MAX;
    set_shape(d, from);
    *index = (uint32_t)c->entry.n;
    QNS_VEC_PUSH(&c->entry, e, err);
    return QNS_OK;
}

static qns_status add_column(uint32_t *column, void *ctx, const qns_cap_desc *d, qns_err *err)
{
    return add(column, ctx, d, NULL, err);
}

static qns_status add_tensor(void *ctx, const qns_cap_desc *d, const void *data, qns_err *err)
{
    uint32_t index;
    return add(&index, ctx, d, data, err);
}

qns_cap_sink qns_capture_memory_sink(qns_capture *c)
{
    return (qns_cap_sink){c, add_column, add_tensor};
}

static qns_status keep_facts(qns_capture *c, const char *path, const qns_cap_facts *f, qns_err *err)
{
    qns_cap_info *i = &c->info;
    const struct {
        const char **out;
        const char *text;
    } all[] = {{&i->path, path},
               {&i->model, f->model},
               {&i->backend, f->backend},
               {&i->engine, f->engine},
               {&i->build, f->build},
               {&i->graph, f->graph},
               {&i->weights, f->weights},
               {&i->inputs, ""},
               {&i->qparams, f->qparams},
               {&i->source_graph, f->source_graph},
               {&i->source_weights, f->source_weights}};
    for (size_t k = 0; k < QNS_ARRAY_LEN(all); k++)
        QNS_TRY(keep(all[k].out, c, all[k].text, err));
    i->version = QNS_CAPTURE_VERSION;
    i->complete = true;
    i->samples = f->samples;
    return QNS_OK;
}

qns_status qns_capture_memory(qns_capture **out, const char *path, const qns_cap_facts *facts,
                              qns_err *err)
{
    qns_status st = QNS_OK;
    qns_capture *c = NULL;
    QNS_TRY(qns_new((void **)&c, 1, sizeof *c, err));
    c->fd = -1;
    QNS_TRY_DONE(qns_arena_create(&c->arena, err));
    QNS_TRY_DONE(keep_facts(c, path, facts, err));
    *out = c;
    c = NULL;
done:
    qns_capture_close(c);
    return st;
}

void qns_cap_from_memory(void *out, const qns_cap_entry *e, size_t first, size_t n, bool codes)
{
    const size_t size = qns_dtype_size(e->dtype);
    char *at = (char *)(uintptr_t)e->memory + first * size;
    const qns_tensor t = {.dtype = e->dtype, .shape = {1, {(int64_t)n}}, .data = at};
    if (codes)
        memcpy(out, at, n * size);
    else
        qns_tensor_to_float(out, &t);
}
