/* SPDX-License-Identifier: MIT */
/* What LSTM, GRU and RNN share: attributes, inputs, shapes, and the walk over time. An operator
 * adds the arithmetic of one step.
 *
 * Inputs, as ONNX has them (G gates, H hidden, D directions): X [time, batch, in], W [D, G H, in],
 * R [D, G H, H], B [D, 2 G H], sequence lengths [batch], first h [D, batch, H], and for LSTM first
 * c and peepholes [D, 3 H]. With batch_first, batch comes before time and before D. */
#ifndef QNS_RECURRENT_H
#define QNS_RECURRENT_H

#include "core/graph/op.h"

enum { QNS_FORWARD, QNS_REVERSE, QNS_BIDIRECTIONAL };

typedef enum qns_activation {
    QNS_ACT_SIGMOID,
    QNS_ACT_TANH,
    QNS_ACT_RELU,
    QNS_ACT_AFFINE,
    QNS_ACT_LEAKY_RELU,
    QNS_ACT_THRESHOLDED_RELU,
    QNS_ACT_SCALED_TANH,
    QNS_ACT_HARD_SIGMOID,
    QNS_ACT_ELU,
    QNS_ACT_SOFTSIGN,
    QNS_ACT_SOFTPLUS,
    QNS_ACT_COUNT
} qns_activation;

typedef struct qns_recurrent_attr {
    int64_t hidden, direction, batch_first;
    int64_t linear_before_reset; /* GRU */
    int64_t input_forget;        /* LSTM: the forget gate is 1 - input gate */
    int64_t custom;              /* activations were given */
    int64_t act[6];              /* for each direction as many as the operator has */
    float alpha[6], beta[6];
    float clip; /* of what goes into an activation; 0: none */
} qns_recurrent_attr;

/* One sequence in one direction, while it runs. Vectors of H, or of G H for x and r. */
typedef struct qns_cell {
    const qns_recurrent_attr *a;
    int32_t first_act; /* of this direction, in a->act */
    size_t hidden;
    const float *x;        /* W x + Wb: all gates of this step */
    const float *r;        /* R h + Rb */
    const float *w_r;      /* R with gates innermost: [H][G H] */
    const float *b_r;      /* Rb; never NULL */
    const float *peephole; /* NULL: none */
    float *h, *c;          /* the state; changed by the step */
    float *tmp;            /* 2 H to play with */
} qns_cell;

typedef struct qns_recurrent {
    const char *type;
    size_t gates, activations;
    qns_activation def[3];
    bool has_c;
    void (*step)(const qns_cell *cell);
    uint8_t torch_gate[4]; /* where PyTorch's gates i f g o, or r z n, stand here */
} qns_recurrent;

float qns_cell_act(const qns_cell *c, int i, float x); /* clipped, then activation i */
/* out[j] += sum over k of h[k] * w[k * stride + j], j < n, k < hidden. */
void qns_cell_product(float *out, const float *h, const float *w, size_t hidden, size_t stride,
                      size_t n);

/* Members of the operator, whose family is a qns_recurrent. */
qns_status qns_recurrent_read(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_recurrent_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n,
                               qns_err *err);
qns_status qns_recurrent_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in,
                               qns_err *err);
void qns_recurrent_describe(char *out, size_t size, const qns_node *n);
uint64_t qns_recurrent_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out);
const char *qns_recurrent_reject(const qns_call *c);
size_t qns_recurrent_scratch(const qns_call *c);
void qns_recurrent_run(const qns_call *c);

/* The same layer with weights W and R of int8 codes or float16, as PyTorch's dynamic layers compute
 * it (rnn_dynamic.h). Codes have one scale for all, for each direction (axis 0), or with one
 * direction for each row (axis 1). */
const char *qns_recurrent_reject_dynamic(const qns_call *c);
qns_status qns_recurrent_prepare_dynamic(void **packed, const qns_call *c, qns_arena *a,
                                         qns_err *err);
size_t qns_recurrent_scratch_dynamic(const qns_call *c);
void qns_recurrent_run_dynamic(const qns_call *c);

#endif
