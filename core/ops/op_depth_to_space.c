/* SPDX-License-Identifier: MIT */
/* DepthToSpace and SpaceToDepth: channels become positions within a block, and back. */
#include "core/ops/op_help.h"
#include "core/ops/strided.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct d2s_attr {
    int64_t block, crd, back; /* crd: channels are outermost; back: SpaceToDepth */
} d2s_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const d2s_attr *a = n->attr;
    const int64_t b = a->block;
    QNS_TRY(qns_infer_same(out, n, in, err));
    qns_shape *s = &out[0].shape;
    if (s->rank != 4 || (a->back ? s->dim[2] % b || s->dim[3] % b : s->dim[1] % (b * b)))
        QNS_FAIL(err, SHAPE, "%s does not fit to blocks of %" PRId64, qns_shape_str(s).s, b);
    s->dim[1] = a->back ? s->dim[1] * b * b : s->dim[1] / (b * b);
    s->dim[2] = a->back ? s->dim[2] / b : s->dim[2] * b;
    s->dim[3] = a->back ? s->dim[3] / b : s->dim[3] * b;
    return qns_shape_check(s, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    d2s_attr *a = attr;
    const char *mode;
    a->back = strcmp(n->type, "SpaceToDepth") == 0;
    QNS_TRY(qns_attrs_int(&a->block, n->attrs, "blocksize", 0, err));
    QNS_TRY(qns_attrs_text(&mode, n->attrs, "mode", "DCR", err));
    if (a->block < 1 || a->block > 4096)
        QNS_FAIL(err, FORMAT, "attribute 'blocksize' is %" PRId64, a->block);
    a->crd = strcmp(mode, "CRD") == 0;
    if (!a->crd && strcmp(mode, "DCR") != 0)
        QNS_FAIL(err, FORMAT, "attribute 'mode' is '%.40s'", mode);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const d2s_attr *a = n->attr;
    w->type = a->back ? "SpaceToDepth" : "DepthToSpace";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "blocksize", a->block, err));
    return a->back ? QNS_OK : qns_attrs_add_text(&w->attrs, "mode", a->crd ? "CRD" : "DCR", err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const d2s_attr *a = n->attr;
    snprintf(out, size, "%s blocks of %" PRId64 "%s", a->back ? "from" : "to", a->block,
             a->crd ? ", channels outermost" : "");
}

/* Axes of the copy: image, channel, block row, block column, row, column. `deep` has them as
 * channels, `wide` as positions. */
static void run(const qns_call *c)
{
    const d2s_attr *a = c->node->attr;
    const qns_shape *wide = a->back ? &c->in[0].shape : &c->out[0].shape;
    const int64_t b = a->block, ch = wide->dim[1], h = wide->dim[2] / b, w = wide->dim[3] / b;
    const int64_t hw = h * w;
    qns_block_copy k = {.shape = {.rank = 6, .dim = {wide->dim[0], ch, b, b, h, w}},
                        .size = qns_dtype_size(c->in[0].dtype)};
    const int64_t deep_crd[] = {ch * b * b * hw, b * b * hw, b * hw, hw, w, 1};
    const int64_t deep_dcr[] = {ch * b * b * hw, hw, b * ch * hw, ch * hw, w, 1};
    const int64_t flat[] = {ch * b * b * hw, b * b * hw, b * w, 1, b * b * w, b};
    const int64_t *deep = a->crd ? deep_crd : deep_dcr;
    memcpy(k.src_step, a->back ? flat : deep, sizeof deep_crd);
    memcpy(k.dst_step, a->back ? deep : flat, sizeof deep_crd);
    qns_copy_block(c->out[0].data, c->in[0].data, &k);
}

static const qns_impl any = {.name = "depth_to_space", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"DepthToSpace", 1, read}, {"SpaceToDepth", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_depth_to_space = {
    .name = "depth_to_space",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(d2s_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
