/* SPDX-License-Identifier: MIT */
/* ONNX attributes -> the neutral list that operators read. */
#ifndef QNS_ONNX_ATTR_H
#define QNS_ONNX_ATTR_H

#include "core/graph/attrs.h"
#include "core/model/onnx_data.h"

/* Adds all attributes of the node; graphs, lists of texts and the like become QNS_ATTR_OTHER. */
qns_status qns_onnx_attrs(qns_attrs *out, qns_onnx_place *place, const Onnx__NodeProto *n,
                          qns_err *err);
/* The tensor that a Constant node stands for, in the arena. */
qns_status qns_onnx_constant_node(qns_tensor *out, qns_onnx_place *place, const Onnx__NodeProto *n,
                                  qns_arena *a, qns_err *err);

#endif
