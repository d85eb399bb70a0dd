/* SPDX-License-Identifier: MIT */
/* Functions of one number. */
#include "core/ops/lut_unary.h"

#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <math.h>

qns_status qns_unary_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    QNS_TRY(qns_infer_unary(out, n, in, err));
    out[0].qp = NULL;
    return QNS_OK;
}

void qns_unary_apply_f32(const qns_call *c, qns_unary_fn *f)
{
    const size_t n = qns_tensor_count(&c->in[0]);
    const float *x = qns_cf32(&c->in[0]);
    float *y = qns_f32(&c->out[0]);
    const void *attr = c->node->attr;
#pragma omp parallel for schedule(static) if (n > QNS_PAR_MIN / 16)
    for (size_t i = 0; i < n; i++)
        y[i] = f(x[i], attr);
}

static const qns_unary *family(const qns_call *c)
{
    return c->node->op->family;
}

void qns_unary_run_f32(const qns_call *c)
{
    qns_unary_apply_f32(c, family(c)->value);
}

const char *qns_unary_reject(const qns_call *c)
{
    if (!qns_is_code(c->in[0].dtype))
        return "the input is neither uint8 nor int8";
    if (c->in[0].layout != c->out[0].layout)
        return "input and output lie differently in memory";
    return qns_reject_codes(&c->in[0], &c->out[0], c->in[0].dtype);
}

const char *qns_unary_reject_qnnpack(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_unary_reject(c);
}

bool qns_unary_out_is(const qns_call *c, double scale, int32_t zero)
{
    const qns_qparams *qp = c->out[0].qp;
    return qp && qp->axis < 0 && qp->scale[0] == scale && qp->zero[0] == zero;
}

typedef struct tables {
    qns_code_table vector, scalar;
} tables;

static int32_t code_of_bits(qns_dtype type, int32_t bits)
{
    return type == QNS_I8 && bits > 127 ? bits - 256 : bits;
}

qns_status qns_unary_prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_unary *u = family(c);
    const qns_qparams *in = c->in[0].qp, *out = c->out[0].qp;
    const int32_t lo = qns_dtype_min(out->dtype), hi = qns_dtype_max(out->dtype);
    const float s = (float)in->scale[0], inv = 1.0f / (float)out->scale[0];
    const float inv_vector = u->double_inv ? (float)(1.0 / out->scale[0]) : inv;
    tables *t;
    QNS_TRY(qns_arena_new((void **)&t, a, 1, sizeof *t, err));
    for (int32_t i = 0; i < 256; i++) {
        const int32_t q = code_of_bits(in->dtype, i);
        const float v = u->value(qns_value_of_fma(q, s, in->zero[0]), c->node->attr);
        const float w = u->value(qns_value_of(q, s, in->zero[0]), c->node->attr);
        t->vector.at[i] = (uint8_t)qns_code_of_array(v, inv_vector, out->zero[0], lo, hi);
        t->scalar.at[i] = (uint8_t)qns_code_of(w, inv, out->zero[0], lo, hi);
    }
    *packed = t;
    return QNS_OK;
}

qns_status qns_unary_prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    const qns_unary *u = family(c);
    const qns_qparams *in = c->in[0].qp;
    tables *t;
    QNS_TRY(qns_arena_new((void **)&t, a, 1, sizeof *t, err));
    for (int32_t q = 0; q < 256; q++) {
        const float x = u->code(qns_value_of(q, (float)in->scale[0], in->zero[0]), c);
        const float code = x < 0.0f ? 0.0f : x > 255.0f ? 255.0f : x;
        t->vector.at[q] = (uint8_t)qk_rne(code);
    }
    t->scalar = t->vector;
    *packed = t;
    return QNS_OK;
}

/* A multiple of 64: every piece but the last is all vector blocks. */
enum { BLOCK = 64, RUN = 1 << 16 };

static void look_up(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const tables *t = c->packed;
    const size_t n = qns_tensor_count(&c->in[0]), at = first * RUN;
    const size_t len = (end * RUN < n ? end * RUN : n) - at, blocks = len / BLOCK * BLOCK;
    const uint8_t *x = (const uint8_t *)c->in[0].data + at;
    uint8_t *y = (uint8_t *)c->out[0].data + at;
    c->k->lut_u8(y, x, blocks, t->vector.at);
    c->k->lut_u8(y + blocks, x + blocks, len - blocks, t->scalar.at);
}

void qns_unary_run(const qns_call *c)
{
    qns_parallel_ranges(c->team, (qns_tensor_count(&c->in[0]) + RUN - 1) / RUN, 1, look_up, c);
}
