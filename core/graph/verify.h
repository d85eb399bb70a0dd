/* SPDX-License-Identifier: MIT */
/* The invariants of a finished graph. Run at every qns_gb_finish(), so that a pass that breaks one
 * is found where it broke it. */
#ifndef QNS_VERIFY_H
#define QNS_VERIFY_H

#include "core/graph/graph.h"

/* Every use comes after its producer; codes have qparams and the axis of per-channel ones has as
 * many channels; names are unique; constants have data. */
qns_status qns_graph_verify(const qns_graph *g, qns_err *err);

#endif
