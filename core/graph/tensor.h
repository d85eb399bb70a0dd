/* SPDX-License-Identifier: MIT */
/* A view of a dense array. Never owns its data; copy it freely.
 *
 * The shape is always the model's (N, C, spatial...). The layout says how it lies in memory:
 *   QNS_ROW      row-major in the shape's own order;
 *   QNS_CHLAST   channels-last: N, spatial..., C. Only for rank 3 to 5.
 * Which values lie how is decided by the graph alone (op.h), so the float and the quantized plan of
 * one model agree, and a pair of values is compared in one walk. */
#ifndef QNS_TENSOR_H
#define QNS_TENSOR_H

#include "core/base/team.h"
#include "core/graph/dtype.h"
#include "core/graph/shape.h"

typedef enum qns_layout { QNS_ROW, QNS_CHLAST } qns_layout;

typedef struct qns_qparams qns_qparams;

typedef struct qns_tensor {
    qns_dtype dtype;
    qns_layout layout;
    qns_shape shape;
    void *data;
    const qns_qparams *qp; /* NULL unless the elements are codes */
} qns_tensor;

size_t qns_tensor_count(const qns_tensor *t);
size_t qns_tensor_bytes(const qns_tensor *t);
const float *qns_cf32(const qns_tensor *t); /* asserts the dtype, keeps const */
float *qns_f32(qns_tensor *t);

/* The shape in memory order: dim[1] moves to the end for QNS_CHLAST. */
qns_shape qns_tensor_memory_shape(const qns_tensor *t);
/* Where axis `axis` of the shape lies in the memory shape. */
int32_t qns_memory_axis(qns_layout layout, int32_t rank, int32_t axis);
/* True when both layouts put the elements in the same order (one channel, or one position). */
bool qns_layout_trivial(const qns_shape *s);

/* Copies src to dst, which has the same dtype and shape and maybe another layout. */
void qns_tensor_relayout(void *dst, qns_layout dst_layout, const qns_tensor *src);
/* The same by the threads of a team; by those of OpenMP if there is none. */
void qns_tensor_relayout_on(qns_team *team, void *dst, qns_layout dst_layout,
                            const qns_tensor *src);
/* A part of it: channels first ... first + n - 1 of one image of a channels-last tensor, row-major.
 */
void qns_tensor_channels(void *dst, const qns_tensor *src, size_t image, size_t first, size_t n);
/* Copies src to row-major float, dequantizing codes (spec section 1). F16, plain integers and
 * BOOL are converted.
 * scratch is not needed; dst holds qns_tensor_count(src) floats. */
void qns_tensor_to_float(float *dst, const qns_tensor *src);

#endif
