/* SPDX-License-Identifier: MIT */
/* Graph inputs: their types, and sizes for the axes that a model leaves open. */
#ifndef QNS_ONNX_INPUT_H
#define QNS_ONNX_INPUT_H

#include "core/graph/shape.h"
#include "core/graph/dtype.h"
#include "core/model/onnx_read.h"
#include "onnx/onnx.pb-c.h"

/* Type and shape of one input; every axis has a size afterwards. Fails with UNSUPPORTED, CONFIG. */
qns_status qns_onnx_input(qns_dtype *dtype, qns_shape *shape, const Onnx__ValueInfoProto *v,
                          const qns_onnx_opts *opts, qns_err *err);
/* The symbol of the first axis, or NULL when it has a size or no name. Lives as long as v,
 * which qns_onnx_input() has taken. */
const char *qns_onnx_batch_name(const Onnx__ValueInfoProto *v);
/* Fails with CONFIG when an option is not name=size, with NOTFOUND when no input has such an axis.
 */
qns_status qns_onnx_check_dims(const Onnx__GraphProto *g, const qns_onnx_opts *opts, qns_err *err);

#endif
