/* SPDX-License-Identifier: MIT */
/* oneDNN handles: making, running and releasing one primitive. */
#include "core/float/onednn.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

qns_status qns_dnn_check(dnnl_status_t s, const char *what, qns_err *err)
{
    if (s == dnnl_success)
        return QNS_OK;
    if (s == dnnl_out_of_memory)
        QNS_FAIL(err, NOMEM, "oneDNN is out of memory: %s", what);
    QNS_FAIL(err, UNSUPPORTED, "oneDNN refuses (%d): %s", (int)s, what);
}

#define TRY_DNN(call, what) QNS_TRY(qns_dnn_check((call), (what), err))

qns_status qns_dnn_describe(dnnl_memory_desc_t *md, int rank, const int64_t *dim,
                            dnnl_format_tag_t tag, qns_err *err)
{
    dnnl_dims_t all = {0}; /* the library may read more than rank entries */

    memcpy(all, dim, (size_t)rank * sizeof *all);
    TRY_DNN(dnnl_memory_desc_init_by_tag(md, rank, all, dnnl_f32, tag), "describing a tensor");
    return QNS_OK;
}

qns_status qns_dnn_init(qns_dnn *d, qns_err *err)
{
    memset(d, 0, sizeof *d);
    TRY_DNN(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "making an engine");
    TRY_DNN(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags),
            "making a stream");
    return QNS_OK;
}

static qns_status append_clamp(dnnl_post_ops_t ops, qns_range clamp, qns_err *err)
{
    const float lo = clamp.lo > -FLT_MAX ? clamp.lo : -FLT_MAX;
    const float hi = clamp.hi < FLT_MAX ? clamp.hi : FLT_MAX;

    if (clamp.lo <= -FLT_MAX && clamp.hi >= FLT_MAX)
        return QNS_OK;
    if (lo == 0.0f && hi == FLT_MAX)
        return qns_dnn_check(dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f),
                             "adding a relu", err);
    return qns_dnn_check(dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_clip, lo, hi),
                         "adding a clip", err);
}

static qns_status fill_attr(dnnl_primitive_attr_t attr, dnnl_post_ops_t ops, qns_range clamp,
                            qns_err *err)
{
    TRY_DNN(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
            "setting the scratchpad mode");
    QNS_TRY(append_clamp(ops, clamp, err));
    TRY_DNN(dnnl_primitive_attr_set_post_ops(attr, ops), "setting post-ops");
    return QNS_OK;
}

qns_status qns_dnn_make(qns_dnn *d, const_dnnl_op_desc_t desc, qns_range clamp, qns_err *err)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    qns_status st;

    QNS_TRY_DONE(qns_dnn_check(dnnl_primitive_attr_create(&attr), "making attributes", err));
    QNS_TRY_DONE(qns_dnn_check(dnnl_post_ops_create(&ops), "making post-ops", err));
    QNS_TRY_DONE(fill_attr(attr, ops, clamp, err));
    QNS_TRY_DONE(qns_dnn_check(dnnl_primitive_desc_create(&d->pd, desc, attr, d->engine, NULL),
                               "describing a primitive", err));
    QNS_TRY_DONE(qns_dnn_check(dnnl_primitive_create(&d->prim, d->pd), "making a primitive", err));
done:
    if (ops)
        dnnl_post_ops_destroy(ops);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

const dnnl_memory_desc_t *qns_dnn_desc(const qns_dnn *d, dnnl_query_t which)
{
    return dnnl_primitive_desc_query_md(d->pd, which, 0);
}

qns_status qns_dnn_arg(int *slot, qns_dnn *d, int id, dnnl_query_t which, qns_err *err)
{
    assert(d->n_arg < QNS_DNN_ARGS);
    dnnl_exec_arg_t *a = &d->arg[d->n_arg];

    TRY_DNN(dnnl_memory_create(&a->memory, qns_dnn_desc(d, which), d->engine, DNNL_MEMORY_NONE),
            "describing memory");
    a->arg = id;
    d->own[d->n_arg] = true;
    *slot = d->n_arg++;
    return QNS_OK;
}

static qns_status reorder(qns_dnn *d, dnnl_memory_t to, const dnnl_memory_desc_t *to_desc,
                          const dnnl_memory_desc_t *from, const float *data, qns_err *err)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t prim = NULL;
    dnnl_memory_t src = NULL;
    qns_status st;

    /* The library's interface takes constants through pointers that are not const. */
    QNS_TRY_DONE(qns_dnn_check(dnnl_memory_create(&src, from, d->engine, (void *)(uintptr_t)data),
                               "wrapping weights", err));
    QNS_TRY_DONE(qns_dnn_check(
        dnnl_reorder_primitive_desc_create(&pd, from, d->engine, to_desc, d->engine, NULL),
        "describing a reorder", err));
    QNS_TRY_DONE(qns_dnn_check(dnnl_primitive_create(&prim, pd), "making a reorder", err));
    const dnnl_exec_arg_t arg[] = {{DNNL_ARG_FROM, src}, {DNNL_ARG_TO, to}};
    QNS_TRY_DONE(
        qns_dnn_check(dnnl_primitive_execute(prim, d->stream, 2, arg), "reordering weights", err));
    QNS_TRY_DONE(qns_dnn_check(dnnl_stream_wait(d->stream), "reordering weights", err));
done:
    if (prim)
        dnnl_primitive_destroy(prim);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (src)
        dnnl_memory_destroy(src);
    return st;
}

qns_status qns_dnn_constant(qns_dnn *d, int id, const dnnl_memory_desc_t *to,
                            const dnnl_memory_desc_t *from, const float *data, qns_arena *a,
                            qns_err *err)
{
    assert(d->n_arg < QNS_DNN_ARGS);
    dnnl_exec_arg_t *arg = &d->arg[d->n_arg];
    void *memory;

    QNS_TRY(qns_arena_new(&memory, a, dnnl_memory_desc_get_size(to), 1, err));
    TRY_DNN(dnnl_memory_create(&arg->memory, to, d->engine, memory), "describing weights");
    arg->arg = id;
    d->n_arg++;
    return reorder(d, arg->memory, to, from, data, err);
}

qns_status qns_dnn_scratch(qns_dnn *d, qns_err *err)
{
    const dnnl_memory_desc_t *md = qns_dnn_desc(d, dnnl_query_scratchpad_md);
    int slot;

    d->scratch_size = md ? dnnl_memory_desc_get_size(md) : 0;
    if (!d->scratch_size)
        return QNS_OK;
    QNS_TRY(qns_dnn_arg(&slot, d, DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md, err));
    d->scratch = d->arg[slot].memory;
    return QNS_OK;
}

qns_status qns_dnn_share(qns_dnn *d, const qns_dnn *of, qns_err *err)
{
    *d = *of;
    d->borrowed = true;
    d->stream = NULL;
    d->scratch = NULL;
    for (int i = 0; i < d->n_arg; i++)
        if (d->own[i])
            d->arg[i].memory = NULL;
    TRY_DNN(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags),
            "making a stream");
    for (int i = 0; i < d->n_arg; i++) {
        const dnnl_memory_desc_t *md;
        if (!d->own[i])
            continue;
        TRY_DNN(dnnl_memory_get_memory_desc(of->arg[i].memory, &md), "describing memory");
        TRY_DNN(dnnl_memory_create(&d->arg[i].memory, md, d->engine, DNNL_MEMORY_NONE),
                "describing memory");
        if (of->arg[i].memory == of->scratch)
            d->scratch = d->arg[i].memory;
    }
    return QNS_OK;
}

void qns_dnn_set(qns_dnn *d, int slot, const float *data)
{
    dnnl_memory_set_data_handle(d->arg[slot].memory, (void *)(uintptr_t)data);
}

void qns_dnn_run(qns_dnn *d, void *scratch)
{
    dnnl_status_t s;

    if (d->scratch)
        dnnl_memory_set_data_handle(d->scratch, scratch);
    s = dnnl_primitive_execute(d->prim, d->stream, d->n_arg, d->arg);
    if (s == dnnl_success)
        s = dnnl_stream_wait(d->stream);
    assert(s == dnnl_success);
    (void)s;
}

void qns_dnn_fini(qns_dnn *d)
{
    for (int i = 0; i < QNS_DNN_ARGS; i++)
        if (d->arg[i].memory && (d->own[i] || !d->borrowed))
            dnnl_memory_destroy(d->arg[i].memory);
    if (d->stream)
        dnnl_stream_destroy(d->stream);
    if (d->prim && !d->borrowed)
        dnnl_primitive_destroy(d->prim);
    if (d->pd && !d->borrowed)
        dnnl_primitive_desc_destroy(d->pd);
    if (d->engine && !d->borrowed)
        dnnl_engine_destroy(d->engine);
    memset(d, 0, sizeof *d);
}
