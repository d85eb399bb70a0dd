/* SPDX-License-Identifier: MIT */
/* Inputs: x [steps, batch, input]; first hidden and cell states [layers * directions, batch,
 * hidden], each may be left out; then for every layer and direction (forward first) W_ih, W_hh,
 * b_ih, b_hh with gates * hidden rows. Outputs: y, last hidden states, and for LSTM last cell
 * states. */
#ifndef QNS_OP_RNN_DYNAMIC_H
#define QNS_OP_RNN_DYNAMIC_H

#include "core/ops/rnn_dynamic.h"

enum { QNS_RNN_MAX_DIRECTIONS = 15 }; /* layers * directions */

typedef struct qns_rnn_dynamic_attr {
    qns_rnn_kind kind;
    int64_t hidden, layers;
    bool bidirectional;
    bool full_range, fb8; /* as for linear_dynamic */
} qns_rnn_dynamic_attr;

#endif
