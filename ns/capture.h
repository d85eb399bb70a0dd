/* SPDX-License-Identifier: MIT */
/* Capture: run a plan over a data source and log weights and activations to HDF5 (h5_layout.h).
 *
 * The run is observed by a tap, which writes each value when it was made. With several lanes one
 * computes while the other writes. Memory does not grow with the number of samples. The file is
 * OUT.partial until it is complete. */
#ifndef QNS_CAPTURE_H
#define QNS_CAPTURE_H

#include "core/exec/plan.h"
#include "core/model/source.h"

enum { /* qns_capture_opts.what */
       QNS_WHAT_WEIGHTS = 1,
       QNS_WHAT_OUTPUTS = 2,
       QNS_WHAT_INPUTS = 4 /* graph inputs */
};

typedef enum qns_capture_policy {
    QNS_CAPTURE_FULL,
    QNS_CAPTURE_SAMPLE, /* sample_n samples, evenly spread over the source; the same ones for every
                           capture of the same data */
    QNS_CAPTURE_STATS   /* statistics over all samples instead of values; no compression */
} qns_capture_policy;

typedef enum qns_compress {
    QNS_COMPRESS_NONE,
    QNS_COMPRESS_DEFLATE,
    QNS_COMPRESS_LZ4
} qns_compress;

typedef struct qns_capture_opts {
    const char *const *layers; /* globs over names of nodes, their outputs and origins; 0: all */
    size_t n_layers;
    unsigned what; /* 0: weights and outputs */
    qns_capture_policy policy;
    int64_t sample_n;
    qns_compress compress;
    const char *model, *backend, *engine; /* as they shall stand in the file; NULL: "" */
    /* Digests (hex) of the fused float graph a quantized graph was made from; NULL: what the
     * graph's metadata say under QNS_META_SOURCE_*, and for a graph without codes its own digests.
     */
    const char *source_graph, *source_weights;
    /* Samples that run side by side (core/exec/lanes.h); 0: 1. More than 1 takes a plan that was
     * made for one thread. The bytes of the file do not depend on it. */
    int lanes;
    void (*progress)(void *ctx, int64_t done, int64_t total); /* after each sample; may be NULL */
    bool (*cancelled)(void *ctx); /* asked before each sample; true stops the run; may be NULL */
    void *ctx;
} qns_capture_opts;

#define QNS_META_SOURCE_GRAPH   "qns.source_graph"
#define QNS_META_SOURCE_WEIGHTS "qns.source_weights"

typedef struct qns_capture_stats {
    int64_t samples;
    uint64_t bytes; /* of values handed to the file, before compression */
    uint32_t activations, weights;
} qns_capture_stats;

/* Writes PATH.partial and renames it to path when all is written. opts and stats may be NULL. The
 * plan's taps are bound here and unbound on return.
 *
 * Fails with NOTFOUND when a glob matches nothing (the nearest name is told), CANCELLED, IO (disk
 * full), UNSUPPORTED, and with whatever the source or the run returns. After CANCELLED and IO the
 * samples that were whole stay in PATH.partial, marked as incomplete; the message says how many. */
qns_status qns_capture_run(qns_capture_stats *stats, const char *path, qns_plan *p, qns_source *s,
                           const qns_capture_opts *opts, qns_err *err);

#endif
