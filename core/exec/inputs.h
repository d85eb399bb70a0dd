/* SPDX-License-Identifier: MIT */
/* Memory for the inputs of one sample, as sources fill it and plans read it. */
#ifndef QNS_INPUTS_H
#define QNS_INPUTS_H

#include "core/graph/graph.h"

/* A tensor for each input of the graph, row-major. After a failure, too, *out is NULL or to be
 * freed. */
qns_status qns_inputs_create(qns_tensor **out, const qns_graph *g, qns_err *err);
void qns_inputs_free(qns_tensor *in, const qns_graph *g);
/* Of one input the digest of its bytes, of several that of their digests; QNS_MAX_IN at most. */
qns_digest qns_inputs_digest(const qns_tensor *in, const qns_graph *g);

#endif
