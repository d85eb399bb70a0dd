/* SPDX-License-Identifier: MIT */
/* An unpacked ONNX graph, node by node, into a builder. */
#ifndef QNS_ONNX_IMPORT_H
#define QNS_ONNX_IMPORT_H

#include "core/model/onnx_data.h"
#include "core/model/onnx_fold.h"
#include "core/model/onnx_meta.h"
#include "core/model/onnx_order.h"
#include "core/model/onnx_read.h"

typedef struct qns_onnx_import {
    const Onnx__GraphProto *g;
    const qns_onnx_opts *opts;
    int opset;
    qns_gb *gb;
    qns_onnx_place place;
    qns_lineage *lineage; /* may be NULL */
    qns_onnx_names names;
    qns_map values;     /* ONNX name -> qns_vid of the builder */
    qns_map widths;     /* ONNX name -> ONNX type, of values that float32 stands for here */
    qns_map node_names; /* names that the file itself gives */
    qns_folder folder;
} qns_onnx_import;

/* Adds inputs, constants, nodes and outputs. names must be initialized; every node's type is known
 * to be supported. */
qns_status qns_onnx_import_graph(qns_onnx_import *im, qns_err *err);
void qns_onnx_import_fini(qns_onnx_import *im);
/* True for ai.onnx itself. */
bool qns_onnx_is_default_domain(const char *domain);
/* The type as the rules of operators name it: "Conv", "com.microsoft.QLinearAdd". Returns out, or
 * the node's own text when nothing has to be put in front. */
const char *qns_onnx_type(char *out, size_t size, const Onnx__NodeProto *n);

#endif
