/* SPDX-License-Identifier: MIT */
/* The capture file, format version 1. HDF5, written with the oldest features, so that every reader
 * of HDF5 1.8 and later opens it.
 *
 *   /                        attributes
 *       qns_capture          int, format version
 *       complete             int, 0 while being written and after an interruption
 *       model, backend, engine, build         text
 *       graph, weights, inputs, qparams       text, 32 hex digits (128-bit XXH3); "" unknown
 *       source_graph, source_weights          digests of the fused float graph; equal to graph and
 *                                             weights in a float capture
 *   /samples                 int64 [samples]; ids: number of the sample in its data source
 *   /sample_inputs           uint8 [samples, 16]; digest of each sample's inputs
 *   /labels                  int64 [samples]; when known
 *   /activations/NAME        [samples, ...] float32 or codes (uint8, int8), in the model's own axis
 *                            order without the batch axis of size 1
 *   /inputs/NAME             the same, of graph inputs
 *   /weights/NAME            whole tensors, after fusion
 *   /biases/NAME             the same; int32 codes where the backend has integer biases
 *   /statistics/NAME         int64 [bins], instead of /activations and /inputs when only statistics
 *                            were asked for: a histogram of the value over all samples, codes
 *                            dequantized
 *
 * NAME is value_origin (below), so that float and int8 captures of one model agree, with '/' ->
 * '.', because HDF5 takes slashes for groups; a collision gets "~2". Attributes of a dataset, all
 * optional for the reader:
 *
 *       name           text, the value's name in the model
 *       node, op, impl text, who made it (of a weight: who uses it), with which implementation
 *       index          int, execution order
 *       origin         text [k], nodes of the original float model this node stands for
 *       value_origin   text, value of the original float model this one stands for: equal
 *                      value_origin is what pairs float with int8
 *       inputs         text [k], value_origin of the activations the node reads
 *       activation     text, of weights and biases: value_origin of the node's output
 *       scale          double [1 or channels]     real = scale * (code - zero_point)
 *       zero_point     int32 [the same]
 *       axis           int, channel axis of the dataset; -1 per tensor
 *       macs           uint64, multiply-adds of one sample
 *       output         int, number of the graph output; absent when it is none
 *       conversion     int 1: the same value in another type (quantize node), not a layer
 *       lo, width      double, of statistics: where the first bin begins; width of each
 *       min, max, mean, std    double, of statistics: of all finite numbers
 *       count, nan, inf        uint64, of statistics: finite numbers; the others
 *
 * A chunk is one sample, or as many samples as fit into 1 MiB when a sample is smaller. A foreign
 * file needs only datasets below activations/ and weights/, nested or not.
 *
 * Example, shortened from h5dump:
 *
 *   GROUP "activations" {
 *      DATASET "features.0.conv" {
 *         DATATYPE  H5T_STD_U8LE
 *         DATASPACE  SIMPLE { ( 1000, 16, 14, 14 ) / ( H5S_UNLIMITED, 16, 14, 14 ) }
 *         ATTRIBUTE "name" { "/features.0/conv" }
 *         ATTRIBUTE "op" { "conv" }
 *         ATTRIBUTE "index" { 1 }
 *         ATTRIBUTE "origin" { "conv1", "bn1", "relu1" }
 *         ATTRIBUTE "value_origin" { "/relu1_output_0" }
 *         ATTRIBUTE "scale" { 0.0231 }
 *         ATTRIBUTE "zero_point" { 0 }
 *         ATTRIBUTE "axis" { -1 }
 *      }
 *   }
 *
 * What holds when a run ends early. While it runs the file is OUT.partial with complete = 0; whole
 * samples are flushed every two seconds, /samples says how many. An interrupt leaves
 * exactly the whole samples; after a full disk datasets may be longer than /samples says, and the
 * rows behind mean nothing. A killed process (SIGKILL) leaves the samples of the last flush;
 * killed within a flush it leaves the changes beside, in OUT.partial.flush, and every qns command
 * that opens OUT.partial finishes them first. For h5py let one do so: qns inspect OUT.partial. */
#ifndef QNS_H5_LAYOUT_H
#define QNS_H5_LAYOUT_H

#define QNS_CAPTURE_VERSION 1

#define QNS_G_ACTIVATIONS   "activations"
#define QNS_G_INPUTS        "inputs"
#define QNS_G_WEIGHTS       "weights"
#define QNS_G_BIASES        "biases"
#define QNS_G_STATISTICS    "statistics"
#define QNS_D_SAMPLES       "samples"
#define QNS_D_SAMPLE_INPUTS "sample_inputs"
#define QNS_D_LABELS        "labels"

#define QNS_A_VERSION  "qns_capture"
#define QNS_A_COMPLETE "complete"

enum {
    QNS_CHUNK_BYTES = 1 << 20,
    QNS_HEX_LEN = 32,
    QNS_MAX_CHANNELS = 1 << 24, /* of scale and zero_point */
    QNS_MAX_DATASETS = 100 * 1000
};

typedef enum qns_group { /* where a dataset lies */
                         QNS_GROUP_ACTIVATION,
                         QNS_GROUP_INPUT,
                         QNS_GROUP_WEIGHT,
                         QNS_GROUP_BIAS,
                         QNS_GROUP_STATISTICS,
                         QNS_GROUP_COUNT
} qns_group;

/* "activations", ... */
const char *qns_group_name(qns_group g);
static inline int qns_group_by_sample(qns_group g)
{
    return g == QNS_GROUP_ACTIVATION || g == QNS_GROUP_INPUT;
}

#endif
