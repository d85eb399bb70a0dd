/* SPDX-License-Identifier: MIT */
/* Fusion by ability: an affine (batch norm) behind an op that can fold it, a clamp (relu, clip)
 * behind an op that can take it. No pattern names an operator; op.h says who can what. */
#ifndef QNS_FUSE_H
#define QNS_FUSE_H

#include "core/graph/graph.h"

/* A new float graph. The outputs of a fused group keep the name of the last value, so that they are
 * the same number the float model computes there; nodes list all their origins. `in` must outlive
 * it. */
qns_status qns_fuse(qns_graph **out, const qns_graph *in, qns_err *err);

#endif
