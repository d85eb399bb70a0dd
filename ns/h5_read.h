/* SPDX-License-Identifier: MIT */
/* Reads capture files, ours and foreign ones (h5_layout.h). A foreign file needs datasets below
 * activations/ and weights/, nested or not, samples on the first axis; any float or integer type;
 * all attributes are optional. What is no array of numbers is skipped and told.
 *
 * Everything in the file is untrusted. Reading is thread-safe; calls into HDF5 take turns. */
#ifndef QNS_H5_READ_H
#define QNS_H5_READ_H

#include "core/base/view.h"
#include "core/graph/shape.h"
#include "ns/compare/stats.h"
#include "ns/h5_layout.h"

typedef struct qns_capture qns_capture;

typedef struct qns_cap_info {
    const char *path;
    int64_t version;                              /* 0: a foreign file */
    bool complete;                                /* foreign files are */
    const char *model, *backend, *engine, *build; /* "" when unknown, as all below */
    const char *graph, *weights, *inputs, *qparams, *source_graph, *source_weights;
    int64_t samples;             /* that every dataset has; 0 when there are no activations */
    const int64_t *id;           /* of each sample; 0, 1, ... when the file has none */
    bool has_id;                 /* the file has them */
    const uint8_t (*digest)[16]; /* of each sample's inputs; NULL when the file has none */
    const int64_t *label;        /* NULL when the file has none */
    const char *const *skipped;  /* "activations/x: why" */
    uint32_t n_skipped;
} qns_cap_info;

typedef struct qns_cap_data { /* a dataset */
    qns_group group;
    const char *path;                      /* "activations/conv1" */
    const char *name;                      /* the attribute, else the path below the group */
    const char *node, *op, *impl;          /* "" when unknown */
    const char *value_origin, *activation; /* "" when unknown */
    const char *const *origin, *const *inputs;
    uint32_t n_origin, n_inputs;
    const qns_stats *stats; /* of QNS_GROUP_STATISTICS, else NULL */
    int64_t index;          /* -1: unknown */
    int64_t output;         /* -1: no graph output, or unknown */
    bool conversion;
    uint64_t macs;
    const char *dtype; /* "float32", "uint8", ... as stored */
    qns_shape shape;   /* of one sample; of the tensor for weights and biases */
    size_t count;      /* its elements */
    /* Quantization; n_scale 0 when there is none. axis is one of shape, -1 per tensor. */
    int32_t axis;
    uint32_t n_scale;
    const double *scale;
    const int32_t *zero;
    int32_t code_min, code_max; /* of the stored type */
} qns_cap_data;

/* Fails with IO (no such file), FORMAT (no HDF5, damaged, or none of it is a capture),
 * UNSUPPORTED (a later format version). */
qns_status qns_capture_open(qns_capture **out, const char *path, qns_err *err);
/* n of them; all or none. Faster than one after the other. */
qns_status qns_capture_open_all(qns_capture **out, const char *const *path, size_t n, qns_err *err);
void qns_capture_close(qns_capture *c);

const qns_cap_info *qns_capture_info(const qns_capture *c);
uint32_t qns_capture_n(const qns_capture *c);
const qns_cap_data *qns_capture_at(const qns_capture *c, uint32_t i);

/* Chunks are compressed, or otherwise made of more than the numbers. */
bool qns_capture_filtered(const qns_capture *c, uint32_t i);

/* Elements first ... first + n - 1 of each of n_rows samples from row `row` on (rows, not ids), as
 * floats; codes dequantized (spec section 1). More than one row only with whole samples. For
 * weights and biases row is 0 and n_rows 1. out holds n_rows * n floats. */
typedef struct qns_cap_part {
    uint32_t data;
    int64_t row, n_rows;
    size_t first, n;
} qns_cap_part;
qns_status qns_capture_read(float *out, qns_capture *c, const qns_cap_part *p, qns_err *err);
/* 8-bit codes may also be read as they are, where kernels can take them: zero points are small. */
bool qns_capture_has_codes(const qns_capture *c, uint32_t i);
qns_status qns_capture_read_codes(uint8_t *out, qns_capture *c, const qns_cap_part *p,
                                  qns_err *err);
/* What these two would read, floats or codes as they are stored, where it lies in the file; until
 * the next call with this view, and good if qns_view_lost() is false when all is done. NULL: read
 * it. */
const void *qns_capture_view(qns_view *v, qns_capture *c, const qns_cap_part *p);

#endif
