/* SPDX-License-Identifier: MIT */
/* PyTorch's converted graphs: the list of nodes in a golden file becomes a graph of the library,
 * operator by operator, with the listed qparams and weights. */
#ifndef QNS_GOLDEN_NODES_H
#define QNS_GOLDEN_NODES_H

#include "core/exec/plan.h"
#include "golden_case.h"

/* What a graph is made of beside the file's own lists. */
typedef struct gd_net {
    const json_t *nodes;
    /* The same network with the float weights: quantize and dequantize do nothing. */
    bool as_float;
    /* Beside each quantized layer NAME its float twin NAME.shadow on the dequantized inputs. */
    bool shadows;
} gd_net;

/* The graph; every node of the list is an output of its name. *last is the name of the node that
 * the output of the list names. Freed with the case. */
const qns_graph *gd_net_build(const char **last, gd *c, const gd_net *net);

/* Runs the graph on array `x`; see() hears of every value in row-major order. */
typedef void gd_see(gd *c, const qns_value *v, const qns_tensor *t, void *ctx);
void gd_net_run(gd *c, const qns_graph *g, const char *backend, const char *x, gd_see *see,
                void *ctx);

/* Stage 1 of e2e_fx_*: our own fusing, weights and calibration against the listed ones. */
void gd_check_calibration(gd *c, const char *backend);
/* e2e_boundary: our own decisions against the prepared graph. */
void gd_check_boundaries(gd *c);

#endif
