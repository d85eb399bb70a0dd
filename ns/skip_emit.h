/* SPDX-License-Identifier: MIT */
/* What the writers of skip lists share. One format is one row in skip_emit.c and, unless a plain
 * list does, one function; each appends the body below the header that skip_emit.c writes. */
#ifndef QNS_SKIP_EMIT_H
#define QNS_SKIP_EMIT_H

#include "ns/skiplist.h"

typedef void qns_skip_emit_fn(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                              const char *const *name, size_t n);

/* VAR = [ one quoted name a line ] */
qns_skip_emit_fn qns_emit_list;

/* skip_emit_module.c: tools that know PyTorch's modules. */
qns_skip_emit_fn qns_emit_fx, qns_emit_eager, qns_emit_pt2e_x86, qns_emit_pt2e_xnnpack,
    qns_emit_aimet, qns_emit_modelopt_torch, qns_emit_quanto, qns_emit_mqbench, qns_emit_mct;

/* skip_emit_node.c: tools that know nodes or tensors. */
qns_skip_emit_fn qns_emit_qns, qns_emit_ort_json, qns_emit_optimum, qns_emit_ort, qns_emit_ort16,
    qns_emit_tflite, qns_emit_ai_edge, qns_emit_nncf, qns_emit_inc, qns_emit_inc3,
    qns_emit_polygraphy, qns_emit_modelopt, qns_emit_ppq, qns_emit_aimet_onnx, qns_emit_qnn,
    qns_emit_one;

/* The items of a list, each on a line of its own and followed by a comma but for the last:
 * before "name" after */
void qns_emit_items(qns_str *out, const char *before, const char *after, const char *const *name,
                    size_t n);

#endif
