/* SPDX-License-Identifier: MIT */
/* Lineage as JSON in the model's metadata:
 *   {"values": {"name": "origin", ...}, "nodes": {"name": ["origin", ...], ...}}
 * Only what differs from its own name is listed. Damaged lineage is ignored with a warning: it
 * decides what is compared with what, never what is computed. */
#ifndef QNS_ONNX_META_H
#define QNS_ONNX_META_H

#include "core/graph/graph.h"

#define QNS_META_LINEAGE "qns.lineage"
#define QNS_META_VERSION "qns.version"
/* What the file calls the open first axis of its inputs. Of the graph in memory only: in a file the
 * axis itself says it. */
#define QNS_META_BATCH "onnx.batch_axis"

typedef struct qns_lineage qns_lineage;

enum { QNS_MAX_ORIGINS = 256 };

/* *out is NULL when text is NULL or damaged. Fails with NOMEM only. */
qns_status qns_lineage_parse(qns_lineage **out, const char *text, qns_err *err);
void qns_lineage_free(qns_lineage *l);
/* NULL when nothing is said; l may be NULL. The text lives as long as l. */
const char *qns_lineage_value(const qns_lineage *l, const char *name);
/* Number of origins of the node, 0 when nothing is said. */
uint32_t qns_lineage_node(const char **origin, const qns_lineage *l, const char *name);

/* The other way. What is written behind a node as nodes of their own, the sum with its bias called
 * add_name[node] and its clamp called clamp_name[node] (NULL: there is none), gets the last of its
 * origins. Free *out with qns_free(). */
qns_status qns_lineage_text(char **out, const qns_graph *g, const char *const *add_name,
                            const char *const *clamp_name, qns_err *err);

#endif
