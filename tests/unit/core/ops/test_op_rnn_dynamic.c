/* SPDX-License-Identifier: MIT */
#include "core/ops/op_rnn_dynamic.h"
#include "op_run.h"

#include <math.h>

enum { I = 3, H = 5, T = 4, B = 2 };

/* One layer: x, h0, c0, W_ih, W_hh, b_ih, b_hh. */
static void set_up(op_run *r, qns_rng *rng, qns_rnn_dynamic_attr *a, const char *be)
{
    const int64_t rows = (int64_t)qns_rnn_n_gates(a->kind) * H;
    *r = (op_run){
        .op = "rnn_dynamic", .be = be, .attr = a, .n_in = 7, .n_out = 3, .constants = 0x78};
    a->hidden = H;
    a->layers = 1;
    r->in[0] = op_random(r, rng, op_shape(3, T, B, I, 0), -1, 1);
    r->in[1] = op_random(r, rng, op_shape(3, 1, B, H, 0), -1, 1);
    r->in[2] = op_random(r, rng, op_shape(3, 1, B, H, 0), -1, 1);
    r->in[3] = op_codes(r, rng, op_shape(2, rows, I, 0, 0), op_qp(r, QNS_I8, 0.0078125, 0));
    r->in[4] = op_codes(r, rng, op_shape(2, rows, H, 0, 0), op_qp(r, QNS_I8, 0.0078125, 0));
    r->in[5] = op_random(r, rng, op_shape(1, rows, 0, 0, 0), -1, 1);
    r->in[6] = op_random(r, rng, op_shape(1, rows, 0, 0, 0), -1, 1);
}

static double sigma(double x)
{
    return 1 / (1 + exp(-x));
}

/* One gate sum in double. */
static double dot(const qns_tensor *w, const qns_tensor *b, int64_t row, const float *x)
{
    const int64_t k = w->shape.dim[1];
    double s = (double)qns_cf32(b)[row];
    for (int64_t i = 0; i < k; i++)
        s += 0.0078125 * ((const int8_t *)w->data)[row * k + i] * (double)x[i];
    return s;
}

/* The float layer with the same weights: quantizing the input costs little. */
Test(rnn_dynamic_op, near_the_float_layer)
{
    static const qns_rnn_kind kinds[] = {QNS_RNN_LSTM, QNS_RNN_GRU, QNS_RNN_TANH, QNS_RNN_RELU};
    static const char *const backends[] = {"fbgemm", "qnnpack"};
    qns_rng rng;
    qns_rng_seed(&rng, 31);
    for (size_t at = 0; at < 8; at++) {
        qns_rnn_dynamic_attr a = {.kind = kinds[at / 2]};
        op_run r;
        set_up(&r, &rng, &a, backends[at % 2]);
        cr_assert(op_execute(&r));
        double worst = 0;
        for (size_t b = 0; b < B; b++) {
            float h[H], c[H];
            memcpy(h, qns_cf32(&r.in[1]) + b * H, sizeof h);
            memcpy(c, qns_cf32(&r.in[2]) + b * H, sizeof c);
            for (size_t t = 0; t < T; t++) {
                const float *x = qns_cf32(&r.in[0]) + (t * B + b) * I;
                double g[4 * H], q[4 * H];
                for (size_t j = 0; j < qns_rnn_n_gates(a.kind) * H; j++) {
                    g[j] = dot(&r.in[3], &r.in[5], (int64_t)j, x);
                    q[j] = dot(&r.in[4], &r.in[6], (int64_t)j, h);
                }
                for (size_t j = 0; j < H; j++) {
                    const double one = sigma(g[j] + q[j]);
                    double now = tanh(g[j] + q[j]);
                    if (a.kind == QNS_RNN_LSTM) {
                        c[j] = (float)(sigma(g[H + j] + q[H + j]) * (double)c[j] +
                                       one * tanh(g[2 * H + j] + q[2 * H + j]));
                        now = sigma(g[3 * H + j] + q[3 * H + j]) * tanh((double)c[j]);
                    } else if (a.kind == QNS_RNN_GRU) {
                        const double z = sigma(g[H + j] + q[H + j]);
                        now = tanh(g[2 * H + j] + one * q[2 * H + j]) * (1 - z) + z * (double)h[j];
                    } else if (a.kind == QNS_RNN_RELU) {
                        now = fmax(g[j] + q[j], 0);
                    }
                    h[j] = (float)now;
                    const float y = qns_f32(&r.out[0])[(t * B + b) * H + j];
                    worst = fmax(worst, fabs((double)y - now) / (1 + fabs(now)));
                }
            }
        }
        cr_expect_lt(worst, 0.06, "%s %d: %g", backends[at % 2], a.kind, worst);
        cr_expect_gt(worst, 0);
        op_finish(&r);
    }
}

Test(rnn_dynamic_op, what_does_not_fit_is_refused)
{
    qns_rnn_dynamic_attr a = {.kind = QNS_RNN_LSTM};
    qns_rng rng;
    op_run r;
    qns_rng_seed(&rng, 32);
    set_up(&r, &rng, &a, "qnnpack");
    r.want_refusal = true;
    a.layers = 2;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    a.layers = INT64_MAX;
    cr_expect_not(op_execute(&r));
    a.layers = 1;
    a.hidden = H + 1;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    a.hidden = H;
    r.in[0].shape.dim[2] = I + 1;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.in[0].shape.dim[2] = I;
    r.in[3].dtype = QNS_F16;
    r.in[3].data = op_bytes(&r, qns_tensor_bytes(&r.in[3]));
    cr_expect_not(op_execute(&r));
    cr_expect(r.st == QNS_OK && strstr(r.why, "float16"), "%s", r.why);
    op_finish(&r);
}
