/* SPDX-License-Identifier: MIT */
/* Pooling over channels-last tensors: every output position collects the taps of its window that
 * lie inside the input, padding never counts, and channels are taken in blocks side by side. The
 * rules by which a sum of codes becomes a code are those of spec section 5.3. */
#ifndef QNS_POOL_H
#define QNS_POOL_H

#include "core/graph/op.h"
#include "core/ops/window.h"

/* The window that covers all of one image. */
qns_window qns_window_global(const qns_shape *in);
/* Shape of the output; input of rank 3 to 5. */
qns_status qns_pool_infer(qns_tensor *out, const qns_window *w, const qns_tensor *in, qns_err *err);

/* uint8, int8 or float32, by the dtype of the call. A window without a tap gives the smallest
 * value. */
void qns_pool_max(const qns_call *c, const qns_window *w);
/* Output 1: the number of the element in the row-major input, batch and channel
 * included, of the first maximum of every window; -1 for a window without a tap. NaN counts as the
 * largest, as in the maximum. */
void qns_pool_argmax(const qns_call *c);

/* Sums in double. include_pad: the divisor counts padding, but nothing beyond it. A window without
 * a tap gives 0. divisor: instead of a count of taps; 0: none. */
void qns_pool_mean_f32(const qns_call *c, const qns_window *w, bool include_pad, size_t divisor);

typedef enum qns_mean_kind {
    QNS_MEAN_WINDOW,   /* "native NHWC" avg_pool: the last channels % 8 take the reciprocal twice */
    QNS_MEAN_ADAPTIVE, /* "native NHWC" adaptive_avg_pool: all channels do */
    QNS_MEAN_PLANAR,   /* "native NCHW" avg_pool: the zero point is added before rounding */
    QNS_MEAN_ADAPTIVE_PLANAR, /* "native NCHW" adaptive_avg_pool: one axis after the other divides
                               */
    QNS_MEAN_QNNPACK          /* divisor is the full window; 16-bit saturation */
} qns_mean_kind;
void qns_pool_mean_u8(const qns_call *c, const qns_window *w, qns_mean_kind kind, bool include_pad,
                      size_t divisor);

/* The windows cut the input into a grid: size[] is that of the output, an entry for each spatial
 * axis. */
void qns_pool_adaptive_f32(const qns_call *c, const int64_t *size);
void qns_pool_adaptive_u8(const qns_call *c, const int64_t *size, qns_mean_kind kind);

/* Code of one mean by the qnnpack rule: sum is of q - zero over the window, n its full size. */
uint8_t qns_mean_qnnpack(int32_t sum, float scale, float n, int32_t zero);

const char *qns_reject_pool_f32(const qns_call *c);
/* Codes of one type whose qparams stay the same. */
const char *qns_reject_pool_codes(const qns_call *c);

#endif
