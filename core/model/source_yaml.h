/* SPDX-License-Identifier: MIT */
/* data.yaml -> qns_data_spec.
 *
 *     inputs:
 *       NAME:                    the model's input. With one input: NAME, or "data", or no NAME at
 * all file: images.npy       relative to the yaml; .npy, .npz, .h5 dataset: images        which
 * array of a .npz or HDF5 file layout: NHWC           of the file: NCHW, NHWC, NCW, NWC, NCDHW,
 * NDHWC dtype: uint8           a check: what the file must hold channel_order: BGR     what the
 * model wants; files are RGB scale: 0.0039          x = (value * scale - mean) / std, each one
 * number or one per channel mean: [0.5, 0.5, 0.5] std: 0.25 labels: labels.npy         or {file:
 * ..., dataset: ...} limit: 100                 first N samples; all when there are fewer
 */
#ifndef QNS_SOURCE_YAML_H
#define QNS_SOURCE_YAML_H

#include "core/graph/graph.h"
#include "core/model/source_spec.h"

/* spec has arena and in set up for the graph's inputs. Fails with IO, FORMAT, CONFIG, NOTFOUND. */
qns_status qns_data_spec_read(qns_data_spec *spec, const char *path, const qns_graph *g,
                              qns_err *err);
/* The same from memory; path is where it would be. */
qns_status qns_data_spec_parse(qns_data_spec *spec, const char *text, size_t n, const char *path,
                               const qns_graph *g, qns_err *err);

#endif
