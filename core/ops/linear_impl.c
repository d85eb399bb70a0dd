/* SPDX-License-Identifier: MIT */
/* Implementations of linear: codes for both roundings, oneDNN, and the reference. */
#include "core/ops/linear_impl.h"

#include "core/float/matmul.h"
#include "core/ops/conv_impl.h"
#include "core/ops/gemm_quant.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

/* Rows of the input and output. */
static size_t rows_of(const qns_call *c)
{
    return qns_shape_span(&c->in[0].shape, 0, c->in[0].shape.rank - 1);
}

static void tiles_of(qns_tiles *t, const qns_call *c, size_t size, bool quad)
{
    const qns_shape *w = &c->in[1].shape;

    qns_tiles_linear(t, rows_of(c), (size_t)w->dim[1], (size_t)w->dim[0], size, quad);
}

/* ---- codes ---- */

static const char *reject_fbgemm(const qns_call *c)
{
    if (c->be->accum == QNS_ACCUM_PAIRS)
        return "the backend's pairs of products saturate";
    return qns_gemm_quant_reject(c, QNS_GEMM_FBGEMM);
}

static const char *reject_pairs(const qns_call *c)
{
    if (c->be->accum != QNS_ACCUM_PAIRS)
        return "the backend's sums are exact";
    return qns_gemm_quant_reject(c, QNS_GEMM_FBGEMM);
}

static const char *reject_onnx(const qns_call *c)
{
    return qns_gemm_quant_reject(c, QNS_GEMM_ONNX);
}

static const char *reject_qnnpack(const qns_call *c)
{
    return qns_gemm_quant_reject(c, QNS_GEMM_QNNPACK);
}

static qns_status prepare(void **packed, const qns_call *c, qns_qgemm_kind kind, qns_arena *a,
                          qns_err *err)
{
    qns_tiles t;

    tiles_of(&t, c, 1, true);
    return qns_qgemm_create((qns_qgemm **)packed, c, &t, c->in[1].data, kind, a, err);
}

static qns_status prepare_fbgemm(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare(packed, c, QNS_QGEMM_FBGEMM, a, err);
}

static qns_status prepare_pairs(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare(packed, c, QNS_QGEMM_PAIRS, a, err);
}

static qns_status prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    return prepare(packed, c, QNS_QGEMM_QNNPACK, a, err);
}

static size_t scratch_codes(const qns_call *c)
{
    return qns_qgemm_scratch(c);
}

static void run_codes(const qns_call *c)
{
    qns_qgemm_run(c->out[0].data, c->packed, c->in[0].data, c);
}

/* ---- float ---- */

static const char *reject_onednn(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);

    if (why)
        return why;
    if (c->engine == QNS_ENGINE_REFERENCE)
        return "the reference engine was asked for";
    if (!c->in[1].data || (qns_call_has(c, 2) && !c->in[2].data))
        return "the weight is not constant";
    return NULL;
}

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_shape *w = &c->in[1].shape;
    const float *bias = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL;

    if (!rows_of(c))
        return QNS_OK;
    return qns_flinear_create((qns_flinear **)packed, (int64_t)rows_of(c), w->dim[0], w->dim[1],
                              qns_cf32(&c->in[1]), bias, c->node->clamp, a, err);
}

static qns_status share_onednn(void **packed, const void *of, qns_err *err)
{
    return qns_flinear_share((qns_flinear **)packed, of, err);
}

static void release_onednn(void *packed)
{
    qns_flinear_free(packed);
}

static size_t scratch_onednn(const qns_call *c)
{
    return c->packed ? qns_flinear_scratch(c->packed) : 0;
}

static void run_onednn(const qns_call *c)
{
    if (c->packed)
        qns_flinear_run(qns_f32(&c->out[0]), c->packed, qns_cf32(&c->in[0]), c->scratch);
}

/* packed: NULL when the weight is no constant and is packed in every run. */
typedef struct reference {
    qns_tiles t;
    float *packed;
} reference;

static qns_status prepare_reference(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    reference *r;

    QNS_TRY(qns_arena_new((void **)&r, a, 1, sizeof *r, err));
    tiles_of(&r->t, c, sizeof(float), false);
    *packed = r;
    if (!c->in[1].data)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&r->packed, a, qns_fgemm_pack_size(&r->t), sizeof(float), err));
    qns_fgemm_pack(r->packed, &r->t, qns_cf32(&c->in[1]));
    return QNS_OK;
}

static size_t pack_bytes(const reference *r)
{
    return (qns_fgemm_pack_size(&r->t) * sizeof(float) + 63) / 64 * 64;
}

static size_t scratch_reference(const qns_call *c)
{
    const reference *r = c->packed;

    return (size_t)r->t.threads * qns_tile_mem_size(&r->t) + (r->packed ? 0 : pack_bytes(r));
}

static void run_reference(const qns_call *c)
{
    const reference *r = c->packed;
    char *scratch = c->scratch;
    qns_fgemm f = {&r->t, r->packed, NULL, c->node->clamp};

    if (qns_call_has(c, 2))
        f.bias = qns_cf32(&c->in[2]);
    if (!r->packed) {
        qns_fgemm_pack((float *)(void *)scratch, &r->t, qns_cf32(&c->in[1]));
        f.packed = (float *)(void *)scratch;
        scratch += pack_bytes(r);
    }
    qns_fgemm_run(qns_f32(&c->out[0]), &f, qns_cf32(&c->in[0]), c->k, scratch);
}

const qns_impl qns_linear_u8s8_fbgemm = {
    .name = "linear.u8s8.fbgemm",
    .reject = reject_fbgemm,
    .prepare = prepare_fbgemm,
    .scratch_size = scratch_codes,
    .run = run_codes,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_linear_u8s8_fbgemm_pairs = {
    .name = "linear.u8s8.fbgemm_pairs",
    .reject = reject_pairs,
    .prepare = prepare_pairs,
    .scratch_size = scratch_codes,
    .run = run_codes,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_linear_u8s8_onnx = {
    .name = "linear.u8s8.onnx",
    .reject = reject_onnx,
    .prepare = prepare_fbgemm, /* the same rounding; the bias tells where it is added */
    .scratch_size = scratch_codes,
    .run = run_codes,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_linear_u8s8_qnnpack = {
    .name = "linear.u8s8.qnnpack",
    .reject = reject_qnnpack,
    .warn = qns_gemm_quant_warn,
    .prepare = prepare_qnnpack,
    .scratch_size = scratch_codes,
    .run = run_codes,
    .on_team = true,
    .reads_first = qns_qgemm_weights,
    .gives_pieces = qns_qgemm_gives_pieces,
};

const qns_impl qns_linear_f32_onednn = {
    .name = "linear.f32.onednn",
    .reject = reject_onednn,
    .prepare = prepare_onednn,
    .share = share_onednn,
    .release = release_onednn,
    .scratch_size = scratch_onednn,
    .run = run_onednn,
};

const qns_impl qns_linear_f32_reference = {
    .name = "linear.f32.reference",
    .reject = qns_reject_not_f32,
    .prepare = prepare_reference,
    .scratch_size = scratch_reference,
    .run = run_reference,
};
