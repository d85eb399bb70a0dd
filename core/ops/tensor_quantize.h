/* SPDX-License-Identifier: MIT */
/* Quantized tensors by the names that PyTorch gives their functions. A quantized tensor is a
 * qns_tensor with qparams; numbers are those of PyTorch with FBGEMM (spec section 1). */
#ifndef QNS_TENSOR_QUANTIZE_H
#define QNS_TENSOR_QUANTIZE_H

#include "core/base/arena.h"
#include "core/graph/qparams.h"

/* torch.quantize_per_tensor(x, scale, zero_point, dtype): dtype is QNS_U8, QNS_I8 or QNS_I32. x is
 * float32 of any layout, which *out has, too. Codes and qparams are the arena's. Fails with DATA
 * when the scale is not finite and above 0 or the zero point is outside of the dtype, SHAPE when x
 * is not float32. */
qns_status qns_quantize_per_tensor(qns_tensor *out, qns_arena *a, const qns_tensor *x, double scale,
                                   int32_t zero_point, qns_dtype dtype, qns_err *err);
/* torch.quantize_per_channel(x, scales, zero_points, axis, dtype): one pair for each index of the
 * axis. */
qns_status qns_quantize_per_channel(qns_tensor *out, qns_arena *a, const qns_tensor *x,
                                    const double *scales, const int32_t *zero_points, int32_t axis,
                                    qns_dtype dtype, qns_err *err);
/* q.dequantize(): float32, row-major. q must have qparams. */
qns_status qns_dequantize(qns_tensor *out, qns_arena *a, const qns_tensor *q, qns_err *err);

/* q.int_repr(): the codes as plain numbers; the memory is q's. */
qns_tensor qns_int_repr(const qns_tensor *q);
/* q.q_scale(), q.q_zero_point(): q is quantized per tensor. */
double qns_q_scale(const qns_tensor *q);
int32_t qns_q_zero_point(const qns_tensor *q);
/* q.q_per_channel_scales(), ..._zero_points(): as many as the shape has along the axis; q is
 * quantized per channel. */
const double *qns_q_per_channel_scales(const qns_tensor *q);
const int32_t *qns_q_per_channel_zero_points(const qns_tensor *q);
int32_t qns_q_per_channel_axis(const qns_tensor *q);

#endif
