/* SPDX-License-Identifier: MIT */
/* The main job: two captures become one result (result.h).
 *
 * Files are read in blocks, so memory does not grow with them; layers are spread over threads, and
 * the numbers do not depend on how many. A first pass measures every pair; a second one looks
 * closer (histograms, channels) at the worst layers only.
 *
 * Ranking, worst first: layers with NaN or infinity on the test side; then by SQNR of the
 * activation (of the weight where there is no activation), lowest first; then layers without a
 * number; exact layers last. Ties keep execution order. */
#ifndef QNS_COMPARE_H
#define QNS_COMPARE_H

#include "ns/result.h"

typedef struct qns_compare_opts {
    const char *const *layers; /* globs over layer names and origins; 0: all */
    size_t n_layers;
    uint32_t n_detail;     /* layers of the second pass; 0: 5 */
    int threads;           /* 0: as many as OpenMP would take */
    bool allow_incomplete; /* compare what is there of a capture that was interrupted */
    bool force;            /* compare although identities differ; becomes a finding */
    void (*progress)(void *ctx, uint32_t done, uint32_t total); /* layers; one thread at a time */
    void *ctx;
} qns_compare_opts;

/* opts may be NULL. Free the result with qns_result_free().
 *
 * Fails with MISMATCH (exit code 2) when the two cannot be compared: other inputs, other float
 * weights, an incomplete capture, no sample or layer in common; with FORMAT or IO when a file is
 * damaged, or cut while it is read; with NOTFOUND when a glob matches nothing. NaN in the data is a
 * finding, not a failure. SIGBUS is handled meanwhile (core/base/view.h), and as before afterwards.
 */
qns_status qns_compare(qns_result **out, const char *ref, const char *test,
                       const qns_compare_opts *opts, qns_err *err);

#endif
