/* SPDX-License-Identifier: MIT */
/* Shadow runs: the float and the quantized graph side by side over a data source. Every sample runs
 * through both and is measured at once; nothing is stored, memory does not grow with the number of
 * samples.
 *
 *   activation   cumulative: each graph on its own values. What qns_compare() says of two full
 *                captures of the same samples: counts, ranges, largest errors and flags are equal;
 *                sums are made in the order of memory, not of the file, and differ by 1e-12 of
 *                their terms at most.
 *   local        this layer alone: the quantized layer on the float graph's inputs, quantized with
 *                the quantized graph's own scales (shadow_local.h). A layer that was left in float
 *                reads the same floats on both sides: its local error is exact unless its weights
 *                or its implementation differ.
 *   weight       as in qns_compare().
 *
 * Ranking, verdicts, advice and findings are those of compare.h; histograms are not made, because
 * their range is known only after a first pass. */
#ifndef QNS_SHADOW_H
#define QNS_SHADOW_H

#include "core/exec/plan.h"
#include "core/model/source.h"
#include "ns/result.h"

/* Up to so many samples count for the 5th percentile and the median; beyond, evenly spread ones.
 * Minimum and worst sample are always over all. */
enum { QNS_SHADOW_KEPT = 4096 };

typedef struct qns_shadow_side {
    const qns_graph *graph;                      /* fused, or lowered */
    const qns_exec_opts *exec;                   /* keep_all is set by the run itself */
    const char *file, *model, *backend, *engine; /* for the result; NULL: "" */
} qns_shadow_side;

typedef struct qns_shadow_opts {
    const char *const *layers; /* globs over layer names and origins; 0: all */
    size_t n_layers;
    uint32_t n_detail; /* layers with weight channels; 0: 5 */
    bool per_channel;  /* activations by channel, too */
    bool force;        /* although the float weights behind the two differ; becomes a finding */
    /* Both may be NULL; one call at a time, but from any thread. progress: after each sample.
     * cancelled: asked before each sample. */
    void (*progress)(void *ctx, int64_t done, int64_t total);
    bool (*cancelled)(void *ctx);
    void *ctx;
} qns_shadow_opts;

/* Samples run side by side, as many as test->exec->threads says (core/exec/lanes.h), which the
 * result does not depend on. The data source was opened for the float graph. opts may be NULL. Free
 * the result with qns_result_free().
 *
 * Fails with MISMATCH when the two graphs do not belong together: other inputs, other float
 * weights, no layer in common, the first one is quantized; with NOTFOUND when a glob matches
 * nothing; CANCELLED; and with whatever the source returns. */
qns_status qns_shadow(qns_result **out, const qns_shadow_side *ref, const qns_shadow_side *test,
                      qns_source *s, const qns_shadow_opts *opts, qns_err *err);

#endif
