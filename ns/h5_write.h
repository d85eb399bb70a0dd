/* SPDX-License-Identifier: MIT */
/* Writes a capture file (h5_layout.h). Knows nothing of graphs and plans; ns/capture.c does.
 *
 * Several samples can be on their way at once, each in a lane of its own. They begin in their
 * order, which is when their rows get their places in the file, and end in their order, which is
 * when they count; in between any thread may write any row. So the bytes of the file do not depend
 * on lanes.
 *
 * The file is PATH.partial until qns_cap_commit(). */
#ifndef QNS_H5_WRITE_H
#define QNS_H5_WRITE_H

#include "core/base/digest.h"
#include "core/graph/tensor.h"
#include "ns/capture.h"
#include "ns/compare/stats.h"
#include "ns/h5_layout.h"

typedef struct qns_cap_writer qns_cap_writer;

/* True when values of this type can be stored. */
bool qns_h5_storable(qns_dtype t);

typedef struct qns_cap_facts { /* of the file; NULL is "" */
    const char *model, *backend, *engine, *build;
    const char *graph, *weights, *qparams, *source_graph, *source_weights;
    bool statistics; /* the file has that group */
    int64_t samples; /* at most so many will come; 0: unknown. Chunks need not be longer */
    int lanes;       /* samples on their way at once; 0: 1 */
    bool labels;     /* samples have one */
} qns_cap_facts;

typedef struct qns_cap_desc { /* of a dataset; texts NULL: attribute left out */
    qns_group group;
    const char *name, *node, *op, *impl, *value_origin, *activation;
    const char *const *origin, *const *inputs;
    uint32_t n_origin, n_inputs;
    int64_t index;  /* < 0: left out */
    int64_t output; /* < 0: none */
    bool conversion;
    uint64_t macs;
    qns_dtype dtype;        /* F32, U8, I8, I32 or I64; of one sample for activations and inputs */
    qns_shape shape;        /* as in the model, with the batch axis */
    const qns_qparams *qp;  /* NULL: plain numbers */
    const qns_stats *stats; /* of QNS_GROUP_STATISTICS */
} qns_cap_desc;

/* Fails with IO, or UNSUPPORTED when the compression is not available. */
qns_status qns_cap_create(qns_cap_writer **out, const char *path, const qns_cap_facts *facts,
                          qns_compress compress, qns_err *err);
/* Declares a dataset of samples; *column counts from 0. All are declared before the first row. */
qns_status qns_cap_column(uint32_t *column, qns_cap_writer *w, const qns_cap_desc *d, qns_err *err);
/* Writes a whole tensor, for weights and biases. data is row-major. */
qns_status qns_cap_tensor(qns_cap_writer *w, const qns_cap_desc *d, const void *data, qns_err *err);

/* The next sample begins. One call at a time, in the order of samples. */
qns_status qns_cap_begin(qns_cap_writer *w, int lane, qns_err *err);
/* Its row of a column, in any layout; row-major in the file. Beside calls for other lanes. */
qns_status qns_cap_append(qns_cap_writer *w, int lane, uint32_t column, const qns_tensor *t,
                          qns_err *err);
/* It is whole: all columns got their row. One call at a time, in the order of samples. Flushes when
 * the last flush was two seconds ago. label: when samples have one. */
qns_status qns_cap_sample(qns_cap_writer *w, int lane, int64_t id, const qns_digest *inputs,
                          int64_t label, qns_err *err);

/* Writes what is left, the digest of all inputs, complete = 1, and renames. w is freed in every
 * case. On failure the partial file keeps the whole samples. */
qns_status qns_cap_commit(qns_cap_writer *w, qns_err *err);
/* Keeps the whole samples in PATH.partial, complete = 0; *samples says how many. When not even that
 * can be written (a full disk), the file stays as the last flush left it. Frees w; NULL is fine.
 * false: the file may not be readable. */
bool qns_cap_abandon(int64_t *samples, qns_cap_writer *w);
/* Closes and removes PATH.partial: nothing worth keeping was written. */
void qns_cap_discard(qns_cap_writer *w);
const char *qns_cap_partial(const qns_cap_writer *w); /* PATH.partial */

#endif
