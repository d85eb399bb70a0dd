/* SPDX-License-Identifier: MIT */
/* linear_dynamic and rnn_dynamic: float in, float out, and codes between. */
#include "core/model/elem.h"
#include "core/ops/op_linear_dynamic.h"
#include "core/quant/weight_dynamic.h"
#include "golden_op.h"

static const qns_range relu = {0.0f, INFINITY};

/* ---- linear ---- */

/* What the layer quantizes its input to. */
static void check_codes(gd *c, const gd_op *r, bool fb8, const char *field, const char *scale_key,
                        const char *zero_key)
{
    const qns_tensor *w = &r->in[1];
    const size_t k = (size_t)w->shape.dim[1], m = qns_tensor_count(&r->in[0]) / k;
    const qns_dynlin_spec spec = {.rule = {qns_backend_find(r->be)->requant, false, fb8},
                                  .n = (size_t)w->shape.dim[0],
                                  .k = k,
                                  .w = w->data,
                                  .qp = w->qp,
                                  .clamp = QNS_NO_CLAMP};
    qns_dynlin *l;
    qk_table table;
    double scale;
    int32_t zero;
    qns_err err = {0};
    qk_table_init(&table, ~0u);
    gd_ok(c, qns_dynlin_create(&l, c->arena, &spec, &err), &err, "layer");
    uint8_t *codes = gd_mem(c, m, qns_dynlin_row(l)), *dense = gd_mem(c, m, k);
    gd_ok(c, qns_dynlin_quantize(codes, &scale, &zero, l, qns_cf32(&r->in[0]), m, &table, &err),
          &err, "quantize");
    for (size_t i = 0; i < m; i++)
        memcpy(dense + i * k, codes + i * qns_dynlin_row(l), k);
    gd_same(c, field, dense, QNS_ELEM_U8, &r->in[0].shape);
    gd_same_number(c, scale_key, scale, gd_num(c, scale_key));
    gd_same_number(c, zero_key, zero, gd_num(c, zero_key));
}

static void linear_by(gd *c, const char *be, bool fb8, const char *y, const char *codes)
{
    const qns_linear_dynamic_attr attr = {.fb8 = fb8};
    const int32_t axis = gd_num(c, "per_channel") != 0 ? 0 : -1;
    gd_op r = {.op = "linear_dynamic",
               .be = be,
               .attr = &attr,
               .in = {gd_tensor(c, "x"),
                      gd_codes(c, "w_q", gd_qp_arrays(c, QNS_I8, axis, "w_scales", NULL))},
               .n_in = 2,
               .constants = 6,
               .clamp = gd_num_or(c, "relu", 0) != 0 ? &relu : NULL};
    if (gd_has(c, "bias"))
        r.in[r.n_in++] = gd_tensor(c, "bias");
    if (r.in[0].shape.rank < 1 || r.in[1].shape.rank != 2 || r.in[1].shape.dim[1] < 1)
        gd_stop(c, "the shapes of x and w do not fit");
    gd_op_check(c, &r, y);
    const bool qnnpack = strcmp(be, "qnnpack") == 0;
    check_codes(c, &r, fb8, codes, qnnpack ? "act_scale_qnnpack" : "act_scale_fbgemm",
                qnnpack ? "act_zp_qnnpack" : "act_zp_fbgemm");
}

static void linear(gd *c)
{
    linear_by(c, "qnnpack", false, "y_qnnpack", "q_act_qnnpack");
    linear_by(c, "fbgemm", false, "y_fbgemm_reduce_range", "q_act_fbgemm");
    linear_by(c, "fbgemm", true, "y_fbgemm_reduce_range_head2026", "q_act_fbgemm_head2026");
}

static void linear_fp16(gd *c)
{
    const qns_linear_dynamic_attr attr = {0};
    gd_op r = {.op = "linear_dynamic",
               .attr = &attr,
               .in = {gd_tensor(c, "x"), gd_tensor(c, "w")},
               .n_in = 2,
               .constants = 6};
    size_t n;
    const float *w = gd_floats(c, "w", &n);
    uint16_t *half = gd_mem(c, n, sizeof *half);
    qns_half_weights(half, w, n);
    gd_same(c, "w_fp16_bits", half, QNS_ELEM_U16, &r.in[1].shape);
    r.in[1].dtype = QNS_F16;
    r.in[1].data = half;
    if (gd_has(c, "bias"))
        r.in[r.n_in++] = gd_tensor(c, "bias");
    gd_op_check(c, &r, "y_fbgemm");
}

/* ---- recurrent layers ---- */

static const float *exactly(gd *c, const char *field, size_t n)
{
    size_t have;
    const float *x = gd_floats(c, field, &have);
    if (have != n)
        gd_stop(c, "'%s' has %zu elements instead of %zu", field, have, n);
    return x;
}

static qns_rnn_matrix matrix(gd *c, const char *which, const char *suffix, size_t n, size_t k)
{
    const char *weight = gd_name(c, "weight_%s%s", which, suffix);
    const char *bias = gd_name(c, "bias_%s%s", which, suffix);
    const qns_shape s = {2, {(int64_t)n, (int64_t)k}};
    qns_rnn_matrix m;
    qns_err err = {0};
    gd_ok(c,
          qns_dynamic_matrix(&m, c->arena, QNS_DYN_S8, exactly(c, weight, n * k),
                             gd_has(c, bias) ? exactly(c, bias, n) : NULL, n, k, &err),
          &err, weight);
    if (gd_has(c, gd_name(c, "q_%s", weight))) {
        const float scale = (float)m.qp->scale[0];
        gd_same(c, gd_name(c, "q_%s", weight), m.w, QNS_ELEM_I8, &s);
        gd_same_floats(c, gd_name(c, "scale_%s", weight), &scale, 1);
    }
    return m;
}

static qns_rnn_spec spec_of(gd *c, bool cell)
{
    const qns_shape x = gd_get(c, "x").shape, h = gd_get(c, "h0").shape;
    if (x.rank < 2 || h.rank < 2)
        gd_stop(c, "x or h0 has too few axes");
    qns_rnn_spec s = {.kind = strncmp(c->kind, "LSTM", 4) == 0  ? QNS_RNN_LSTM
                              : strncmp(c->kind, "GRU", 3) == 0 ? QNS_RNN_GRU
                                                                : QNS_RNN_TANH,
                      .rule = {.scheme = QNS_REQUANT_QNNPACK},
                      .input = (size_t)x.dim[x.rank - 1],
                      .hidden = (size_t)h.dim[h.rank - 1],
                      .layers = cell ? 1 : (size_t)gd_int(c, "layers"),
                      .bidirectional = !cell && gd_num(c, "bidirectional") != 0};
    const size_t dirs = s.bidirectional ? 2 : 1, rows = qns_rnn_n_gates(s.kind) * s.hidden;
    qns_rnn_weights *w = gd_mem(c, s.layers * dirs, sizeof *w);
    for (size_t i = 0; i < s.layers * dirs; i++) {
        const char *suffix =
            cell ? "" : gd_name(c, "_l%zu%s", i / dirs, i % dirs ? "_reverse" : "");
        w[i].ih = matrix(c, "ih", suffix, rows, i < dirs ? s.input : dirs * s.hidden);
        w[i].hh = matrix(c, "hh", suffix, rows, s.hidden);
    }
    s.w = w;
    return s;
}

static void recurrent(gd *c)
{
    const bool cell = strstr(c->kind, "Cell") != NULL;
    const qns_rnn_spec s = spec_of(c, cell);
    const size_t dirs = s.bidirectional ? 2 : 1;
    const qns_shape xs = gd_get(c, "x").shape;
    qns_rnn_io io = {.steps = cell ? 1 : (size_t)xs.dim[0], .batch = (size_t)xs.dim[cell ? 0 : 1]};
    const size_t n_state = s.layers * dirs * io.batch * s.hidden;
    const size_t n_y = io.steps * io.batch * dirs * s.hidden;
    float *y = io.y = gd_mem(c, n_y, sizeof *y);
    qns_rnn *r;
    qk_table k;
    qns_err err = {0};
    qk_table_init(&k, ~0u);
    gd_ok(c, qns_rnn_create(&r, c->arena, &s, &err), &err, "create");
    io.x = exactly(c, "x", io.steps * io.batch * s.input);
    io.h0 = exactly(c, "h0", n_state);
    io.c0 = s.kind == QNS_RNN_LSTM ? exactly(c, "c0", n_state) : NULL;
    io.hn = gd_mem(c, n_state, sizeof *y);
    io.cn = gd_mem(c, n_state, sizeof *y);
    void *scratch = gd_mem(c, qns_rnn_scratch(r, io.steps, io.batch), 1);
    gd_ok(c, qns_rnn_run(&io, r, &k, scratch, &err), &err, "run");
    gd_close(c, cell ? "h1" : "y", y, n_y, 1e-6, 0);
    gd_close(c, cell ? "h1" : "hn", io.hn, n_state, 1e-6, 0);
    if (s.kind == QNS_RNN_LSTM)
        gd_close(c, cell ? "c1" : "cn", io.cn, n_state, 1e-6, 0);
}

const gd_kind gd_dynamic_kinds[] = {
    {"linear_dynamic", "linear_dynamic", linear},
    {"linear_dynamic", "linear_dynamic_fp16", linear_fp16},
    {"rnn_dynamic", NULL, recurrent},
    {NULL, NULL, NULL},
};
