/* SPDX-License-Identifier: MIT */
/* From a float model to a quantized one in one call: prepare, calibrate, convert. */
#ifndef QNS_QUANTIZE_MODEL_H
#define QNS_QUANTIZE_MODEL_H

#include "core/quant/calibrate.h"
#include "core/quant/convert.h"
#include "core/quant/fuse.h"
#include "core/quant/lower.h"

/* fused   what qns_fuse() made; must outlive both results.
 * set     must outlive the decisions; it names the backend.
 * The decisions may be NULL when nobody asks for reasons. Fails with what the three steps fail
 * with. */
qns_status qns_quantize(qns_graph **qdq, qns_decisions **decisions, const qns_graph *fused,
                        const qns_qconfig_set *set, const qns_calibration *c, qns_err *err);

#endif
