/* SPDX-License-Identifier: MIT */
/* A capture without a file: the descriptions of a graph's datasets as qns_capture_open() would give
 * them, so that pairing, coverage and advice are the same code for files and for live runs. Weights
 * can be read; activations have descriptions only. */
#ifndef QNS_H5_MEMORY_H
#define QNS_H5_MEMORY_H

#include "ns/capture_plan.h"
#include "ns/h5_read.h"

/* facts are copied. path is what messages call it. Close with qns_capture_close(). */
qns_status qns_capture_memory(qns_capture **out, const char *path, const qns_cap_facts *facts,
                              qns_err *err);
/* For qns_capture_declare(). Data of tensors is not copied: the graph must outlive the capture. */
qns_cap_sink qns_capture_memory_sink(qns_capture *c);

#endif
