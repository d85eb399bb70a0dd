/* SPDX-License-Identifier: MIT */
/* One node test of ONNX: a folder with a model and its test_data_set_* of inputs and outputs. */
#ifndef QNS_ONNX_CASE_H
#define QNS_ONNX_CASE_H

#include "core/base/arena.h"
#include "core/base/status.h"

typedef enum case_result {
    CASE_PASSED,
    CASE_PARTLY,      /* the first output is right, QNS does not give the optional others */
    CASE_FAILED,      /* other numbers, shapes or types, or an error that is no refusal */
    CASE_REFUSED,     /* QNS knows the operators, but refuses this use of them, and says so */
    CASE_UNSUPPORTED, /* has an operator that QNS does not know */
    CASE_OTHER_TYPE   /* is of texts, complex numbers, sequences or optionals: QNS claims none */
} case_result;

typedef struct case_report {
    case_result result;
    char op[64];   /* the operator, or "(functions)" for a model of several */
    char why[512]; /* unless it passed */
    char
        unwritten[512]; /* why the graph was not written, read again and run with the same result */
    bool partly;
    bool baked; /* inputs had to be made constants first */
} case_report;

/* Runs all data sets of the folder. QNS wants some inputs (weights, shapes, axes, scales) to be
 * constants, which the tests give as inputs of the graph: when a model is refused as it is, all
 * inputs but the first, and then all, are made initializers of the values of the data set. Fails
 * only when the test itself cannot be read. */
qns_status case_run(case_report *out, const char *folder, qns_err *err);

#endif
