/* SPDX-License-Identifier: MIT */
/* Float convolution, and transposed convolution, by oneDNN: channels-last activations, weights
 * copied once into the format the library likes best on this machine. */
#ifndef QNS_FLOAT_CONV_H
#define QNS_FLOAT_CONV_H

#include "core/base/arena.h"
#include "core/graph/qparams.h"

typedef struct qns_fconv qns_fconv;

/* spatial: 1..3 axes; the arrays have that many entries. in_ch and out_ch count all groups. */
typedef struct qns_fconv_spec {
    int32_t spatial;
    int64_t batch, in_ch, out_ch, groups;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad_lo[3], pad_hi[3];
    qns_range clamp;
    bool transposed; /* 0 <= pad_lo < the kernel's span, -stride < pad_hi */
} qns_fconv_spec;

/* w in ONNX order [out_ch, in_ch / groups, kernel...]; bias may be NULL. Both are copied into
 * the arena, which must outlive the convolution. Fails with NOMEM, or UNSUPPORTED when the library
 * has no such primitive. */
qns_status qns_fconv_create(qns_fconv **out, const qns_fconv_spec *s, const float *w,
                            const float *bias, qns_arena *a, qns_err *err);
/* One that runs at the same time, with the weights of `of`, which must live longer. */
qns_status qns_fconv_share(qns_fconv **out, const qns_fconv *of, qns_err *err);
void qns_fconv_free(qns_fconv *f);
size_t qns_fconv_scratch(const qns_fconv *f);
void qns_fconv_run(float *out, qns_fconv *f, const float *in, void *scratch);

#endif
