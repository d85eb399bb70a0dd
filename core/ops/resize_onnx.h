/* SPDX-License-Identifier: MIT */
/* Resize and Upsample as ONNX states them, from opset 7 to 19. */
#ifndef QNS_RESIZE_ONNX_H
#define QNS_RESIZE_ONNX_H

#include "core/graph/op.h"

extern const char *const qns_resize_mode_name[];  /* by qns_resize_mode */
extern const char *const qns_resize_coord_name[]; /* by qns_resize_coord */
extern const char *const qns_resize_round_name[]; /* by qns_resize_round */
extern const qns_onnx_rule qns_resize_rules[];
qns_status qns_resize_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err);

#endif
