/* SPDX-License-Identifier: MIT */
/* What every oneDNN primitive of core/float needs. Included by core/float/ only: nobody else sees
 * the library. */
#ifndef QNS_ONEDNN_H
#define QNS_ONEDNN_H

#include "core/base/arena.h"
#include "core/graph/qparams.h"

#include <dnnl.h>

enum { QNS_DNN_ARGS = 5 };

/* A primitive with its memory objects. The memory of the arguments that change from run to run is
 * set before each run. One run at a time. */
typedef struct qns_dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t prim;
    dnnl_exec_arg_t arg[QNS_DNN_ARGS];
    int n_arg;
    bool own[QNS_DNN_ARGS]; /* arguments whose memory is set before a run; the others are constants
                             */
    bool borrowed;          /* primitive, engine and constants are another one's */
    dnnl_memory_t scratch;
    size_t scratch_size;
} qns_dnn;

/* A dense float tensor; rank entries of dim are read. */
qns_status qns_dnn_describe(dnnl_memory_desc_t *md, int rank, const int64_t *dim,
                            dnnl_format_tag_t tag, qns_err *err);
/* Engine and stream. */
qns_status qns_dnn_init(qns_dnn *d, qns_err *err);
/* Makes the primitive. clamp becomes an element-wise post-op; the scratchpad is the caller's. */
qns_status qns_dnn_make(qns_dnn *d, const_dnnl_op_desc_t desc, qns_range clamp, qns_err *err);
/* The description of an argument as the primitive wants it: dnnl_query_src_md and so on. */
const dnnl_memory_desc_t *qns_dnn_desc(const qns_dnn *d, dnnl_query_t which);
/* An argument whose memory comes with each run, at index *slot of arg[]. */
qns_status qns_dnn_arg(int *slot, qns_dnn *d, int id, dnnl_query_t which, qns_err *err);
/* A constant argument: `data`, which lies as `from` says, is copied into memory of the arena that
 * lies as `to` says. The arena must outlive the primitive. */
qns_status qns_dnn_constant(qns_dnn *d, int id, const dnnl_memory_desc_t *to,
                            const dnnl_memory_desc_t *from, const float *data, qns_arena *a,
                            qns_err *err);
/* The scratchpad argument; call it last. */
qns_status qns_dnn_scratch(qns_dnn *d, qns_err *err);
/* One that runs at the same time: primitive and constants of `of`, which must live longer; memory
 * objects and stream of its own. */
qns_status qns_dnn_share(qns_dnn *d, const qns_dnn *of, qns_err *err);
void qns_dnn_set(qns_dnn *d, int slot, const float *data);
/* scratch: scratch_size bytes, aligned to 64. Cannot fail for a primitive that was made. */
void qns_dnn_run(qns_dnn *d, void *scratch);
void qns_dnn_fini(qns_dnn *d);

/* Maps a status of the library. */
qns_status qns_dnn_check(dnnl_status_t s, const char *what, qns_err *err);

#endif
