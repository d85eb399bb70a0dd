/* SPDX-License-Identifier: MIT */
/* A look at a protobuf file before it is unpacked. protobuf-c follows nesting with recursion,
 * merges repeated sub-messages and allocates as it goes; after this check, depth and memory are
 * bounded and a cut-off file is reported with the place where it ends. */
#ifndef QNS_ONNX_WIRE_H
#define QNS_ONNX_WIRE_H

#include "core/base/status.h"

struct ProtobufCMessageDescriptor;

/* Fails with FORMAT, naming the byte, when the n bytes at p are not a whole message of this type.
 */
qns_status qns_onnx_check_wire(const struct ProtobufCMessageDescriptor *type, const void *p,
                               size_t n, qns_err *err);

#endif
