/* SPDX-License-Identifier: MIT */
/* Where input samples come from: .npy, .npz, HDF5 or a data.yaml that names them and says how the
 * numbers are to be read. A sample is one index of the first axis; samples are read one at a time,
 * so memory does not grow with their number. Not thread-safe. */
#ifndef QNS_SOURCE_H
#define QNS_SOURCE_H

#include "core/graph/graph.h"

typedef struct qns_source qns_source;

/* Opens the data for the inputs of a graph, checks shapes and types against them, and reads labels.
 *
 * spec       what -d said: FILE.npy, FILE.npz, FILE.h5, data.yaml, or NAME=FILE.npy; n_spec of them
 *            (more than one only in the NAME=FILE form, one for each graph input).
 * labels     an override for the label file, or NULL.
 * limit      first N samples; 0: all.
 *
 * A file's sample must have the shape of the graph input without its first axis (batch 1), after
 * the layout (NHWC -> NCHW) of a data.yaml was applied; missing or extra axes of size 1 are
 * accepted. Types are converted with a check, never silently clipped. Fails with NOTFOUND (naming
 * the nearest input), SHAPE, FORMAT, IO, DATA. */
qns_status qns_source_open(qns_source **out, const qns_graph *g, const char *const *spec,
                           size_t n_spec, const char *labels, int64_t limit, qns_err *err);
void qns_source_close(qns_source *s);

/* Narrows it, once, to a part: of every `period` samples those from `first` on, `keep` of them.
 * Parts whose ranges do not overlap have no sample in common; spread evenly, they are alike even
 * when the samples are sorted by class. */
void qns_source_part(qns_source *s, int64_t period, int64_t first, int64_t keep);

int64_t qns_source_count(const qns_source *s);
/* Fills in[i].data (the caller's memory, as large as graph input i) with sample number i,
 * row-major, in the dtype of the input. Fails with DATA on NaN or infinity, naming file, sample and
 * position. */
qns_status qns_source_get(qns_tensor *in, qns_source *s, int64_t sample, qns_err *err);
/* NULL when there are no labels; otherwise qns_source_count() class numbers. */
const int64_t *qns_source_labels(const qns_source *s);
const char *qns_source_describe(const qns_source *s); /* "imagenet.yaml: 300 samples, uint8 NHWC" */

#endif
