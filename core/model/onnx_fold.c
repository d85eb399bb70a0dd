/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_fold.h"

#include "core/base/mem.h"

#include <string.h>

#define MAX_FOLDED ((size_t)512 << 20)
#define MAX_MACS   (UINT64_C(1) << 30)

void qns_folder_init(qns_folder *f)
{
    *f = (qns_folder){0};
    qk_table_init(&f->kernels, 0);
}

/* Constants are row-major; an operator that wants channels-last would have to be given a copy. */
static bool fits_layout(const qns_op *op, const qns_tensor *t, uint32_t n)
{
    for (uint32_t i = 0; i < n && op->layout == QNS_LAYOUT_CHLAST; i++)
        if (t[i].dtype != QNS_DTYPE_COUNT && t[i].shape.rank >= 3)
            return false;
    return true;
}

/* False when a value that the node reads is not known. */
static bool view_inputs(qns_tensor *in, const qns_onnx_node *n)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        in[i] = (qns_tensor){.dtype = QNS_DTYPE_COUNT};
        if (!qns_has(n->in[i]))
            continue;
        const qns_value *v = qns_gb_value(n->gb, n->in[i]);
        if (!v->constant || v->qp)
            return false;
        /* A tensor has one type for both uses; constants are never written through it. */
        in[i] = (qns_tensor){v->dtype, QNS_ROW, v->shape, (void *)(uintptr_t)v->constant, NULL};
    }
    return n->n_in > 0;
}

static bool may_fold(const qns_onnx_node *n)
{
    const qns_op *op = n->op;
    return op != qns_op_find("quantize") && op != qns_op_find("dequantize") &&
           n->n_in >= op->min_in && n->n_in <= op->max_in && n->n_out >= 1 && n->n_out <= op->n_out;
}

static qns_status run(bool *done, qns_call *c, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_arena *a = NULL;
    void *scratch = NULL;
    const char *why;
    const qns_impl *impl = qns_impl_select(&why, c, NULL, NULL);
    if (!impl)
        return QNS_OK;
    QNS_TRY(qns_arena_create(&a, err));
    if (impl->prepare)
        QNS_TRY_DONE(impl->prepare(&c->packed, c, a, err));
    const size_t size = impl->scratch_size ? impl->scratch_size(c) : 0;
    if (!(scratch = qns_malloc64(size ? size : 1)))
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes of scratch memory", size);
    c->scratch = scratch;
    impl->run(c);
    *done = true;
done:
    if (impl->release && c->packed)
        impl->release(c->packed);
    qns_free(scratch);
    qns_arena_free(a);
    return st;
}

/* Shapes of the outputs and memory for them; *ok is false when they are too large to keep. */
static qns_status make_outputs(bool *ok, qns_tensor *out, qns_folder *f, const qns_onnx_node *n,
                               const qns_node *node, const qns_tensor *in, qns_err *err)
{
    size_t bytes = 0;
    memset(out, 0, QNS_MAX_OUT * sizeof *out);
    QNS_TRY(node->op->infer(out, node, in, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        QNS_TRY(qns_shape_check(&out[i].shape, err));
        bytes += qns_tensor_bytes(&out[i]);
        out[i].layout = QNS_ROW;
    }
    *ok = bytes <= MAX_FOLDED - f->bytes && fits_layout(node->op, out, n->n_out) &&
          !(node->op->macs && node->op->macs(node, in, out) > MAX_MACS);
    if (!*ok)
        return QNS_OK;
    f->bytes += bytes;
    for (uint32_t i = 0; i < n->n_out; i++)
        QNS_TRY(qns_arena_new(&out[i].data, qns_gb_arena(n->gb), qns_tensor_count(&out[i]),
                              qns_dtype_size(out[i].dtype), err));
    return QNS_OK;
}

qns_status qns_onnx_fold(bool *done, qns_tensor *out, qns_folder *f, const qns_onnx_node *n,
                         const void *attr, qns_err *err)
{
    qns_tensor in[QNS_MAX_IN];
    qns_vid ids[QNS_MAX_OUT];
    bool ok;
    *done = false;
    if (!may_fold(n) || !view_inputs(in, n) || !fits_layout(n->op, in, n->n_in))
        return QNS_OK;
    for (uint32_t i = 0; i < n->op->min_in; i++)
        if (!qns_has(n->in[i]))
            return QNS_OK; /* the builder says which input is missing */
    for (uint32_t i = 0; i < QNS_MAX_OUT; i++)
        ids[i] = QNS_NO_VALUE;
    const qns_node node = {.id = {QNS_NONE},
                           .op = n->op,
                           .name = n->name,
                           .attr = attr,
                           .clamp = n->clamp,
                           .in = n->in,
                           .out = ids,
                           .n_in = n->n_in,
                           .n_out = n->n_out};
    QNS_TRY(make_outputs(&ok, out, f, n, &node, in, err));
    if (!ok)
        return QNS_OK;
    qns_call c = {.node = &node,
                  .be = qns_backend_find("fbgemm"),
                  .k = &f->kernels,
                  .engine = QNS_ENGINE_REFERENCE,
                  .in = in,
                  .out = out};
    return run(done, &c, err);
}

bool qns_onnx_is_shape_op(const char *type)
{
    return strcmp(type, "Shape") == 0 || strcmp(type, "Size") == 0;
}

/* A bound of Shape's start and end: negative ones count from the end, all are clamped. */
static int32_t bound(int64_t v, int32_t rank)
{
    v = v < 0 ? v + rank : v;
    return v < 0 ? 0 : v > rank ? rank : (int32_t)v;
}

qns_status qns_onnx_shape_op(qns_tensor *out, qns_onnx_node *n, qns_err *err)
{
    int64_t start = 0, end = INT64_MAX;
    if (n->n_in != 1 || !qns_has(n->in[0]))
        QNS_FAIL(err, FORMAT, "has %u inputs; %s takes 1", n->n_in, n->type);
    const qns_shape s = qns_gb_value(n->gb, n->in[0])->shape;
    const bool size = strcmp(n->type, "Size") == 0;
    if (!size && n->opset >= 15) {
        QNS_TRY(qns_attrs_int(&start, n->attrs, "start", 0, err));
        QNS_TRY(qns_attrs_int(&end, n->attrs, "end", INT64_MAX, err));
    }
    const char *unused = qns_attrs_unused(n->attrs);
    if (unused)
        QNS_FAIL(err, UNSUPPORTED, "attribute '%s' is not supported", unused);
    const int32_t from = bound(start, s.rank), to = bound(end, s.rank);
    const int32_t count = size ? 1 : to > from ? to - from : 0;
    *out = (qns_tensor){.dtype = QNS_I64, .shape = {.rank = !size, .dim = {count}}};
    QNS_TRY(qns_arena_new(&out->data, qns_gb_arena(n->gb), (size_t)count, sizeof(int64_t), err));
    for (int32_t i = 0; i < count; i++)
        ((int64_t *)out->data)[i] = size ? (int64_t)qns_shape_count(&s) : s.dim[from + i];
    return QNS_OK;
}
