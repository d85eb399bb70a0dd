/* SPDX-License-Identifier: MIT */
/* One input of the model and the array that fills it: do they fit, and how does a sample become a
 * tensor. */
#ifndef QNS_SOURCE_INPUT_H
#define QNS_SOURCE_INPUT_H

#include "core/graph/graph.h"
#include "core/model/dataset.h"
#include "core/model/source_spec.h"

typedef struct qns_source_input qns_source_input;

/* spec must outlive the result. exact: the array must have the input's name (qns_dataset_open).
 *
 * Fit: the sample's shape and the input's, both without their axes of size 1, must be equal, after
 * the channels of the file were moved to where the model has them. A channels-last file whose shape
 * is that of the input as it stands is taken as it is: then the model has its channels last, too.
 */
qns_status qns_source_input_open(qns_source_input **out, const qns_value *v,
                                 const qns_input_spec *spec, bool exact, qns_err *err);
void qns_source_input_close(qns_source_input *in);
const qns_dataset *qns_source_input_data(const qns_source_input *in);
/* dst has the count and type of the model's input; row-major. */
qns_status qns_source_input_read(void *dst, qns_source_input *in, int64_t sample, qns_err *err);

#endif
