/* SPDX-License-Identifier: MIT */
/* Recurrent layers with dynamically quantized (or float16) weights, spec section 6. The product of
 * the input with W_ih is one dynamic linear layer over the whole sequence, that of the hidden state
 * with W_hh one for each step; gates and states are float.
 *
 *   LSTM   gates i f g o:  c = f * c + i * g;  h = o * tanh(c)
 *   GRU    gates r z n:    n = tanh(in + hn * r);  h = (h - n) * z + n
 *   TANH, RELU             h = tanh or relu of ih + hh
 *
 * A cell (LSTMCell, GRUCell, RNNCell) is one layer and one step. exp and tanh are taken in double
 * and rounded once. Arrays are row-major: sequences [steps][batch][features], states
 * [layers * directions][batch][hidden], forward before reverse. */
#ifndef QNS_RNN_DYNAMIC_H
#define QNS_RNN_DYNAMIC_H

#include "core/ops/dynamic_linear.h"

typedef enum qns_rnn_kind { QNS_RNN_LSTM, QNS_RNN_GRU, QNS_RNN_TANH, QNS_RNN_RELU } qns_rnn_kind;

/* A matrix of gates * hidden rows: codes with qparams, or float16. */
typedef struct qns_rnn_matrix {
    const int8_t *w;
    const qns_qparams *qp; /* per tensor, or one scale for each row */
    const uint16_t *half;
    const float *bias; /* NULL: none */
} qns_rnn_matrix;

typedef struct qns_rnn_weights { /* of one layer in one direction */
    qns_rnn_matrix ih; /* rows of `input`; behind the first layer of directions * hidden */
    qns_rnn_matrix hh; /* rows of `hidden` */
} qns_rnn_weights;

typedef struct qns_rnn_spec {
    qns_rnn_kind kind;
    qns_dynlin_rule rule;
    size_t input, hidden, layers; /* at least 1 */
    bool bidirectional;
    const qns_rnn_weights *w; /* [layer * directions + direction] */
} qns_rnn_spec;

typedef struct qns_rnn qns_rnn;

/* Copies what it needs into the arena. */
qns_status qns_rnn_create(qns_rnn **out, qns_arena *a, const qns_rnn_spec *spec, qns_err *err);
size_t qns_rnn_n_gates(qns_rnn_kind kind); /* 4, 3, 1, 1 */

typedef struct qns_rnn_io {
    size_t steps, batch;
    const float *x;       /* [steps][batch][input] */
    const float *h0, *c0; /* NULL: zeros; c0 is for LSTM */
    float *y;             /* [steps][batch][directions * hidden] */
    float *hn, *cn;       /* NULL: not wanted */
} qns_rnn_io;

/* Bytes of scratch, aligned to 64. */
size_t qns_rnn_scratch(const qns_rnn *r, size_t steps, size_t batch);
/* Fails with DATA when an input or state of a matrix with codes is not finite; the outputs are NaN
 * then. */
qns_status qns_rnn_run(const qns_rnn_io *io, const qns_rnn *r, const qk_table *k, void *scratch,
                       qns_err *err);

#endif
