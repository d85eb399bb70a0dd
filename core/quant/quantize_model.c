/* SPDX-License-Identifier: MIT */
#include "core/quant/quantize_model.h"

qns_status qns_quantize(qns_graph **qdq, qns_decisions **decisions, const qns_graph *fused,
                        const qns_qconfig_set *set, const qns_calibration *c, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_decisions *d = NULL;
    QNS_TRY_DONE(qns_prepare(&d, fused, set, err));
    QNS_TRY_DONE(qns_calibrate(d, c, err));
    QNS_TRY_DONE(qns_convert(qdq, d, err));
    if (decisions) {
        *decisions = d;
        d = NULL;
    }
done:
    qns_decisions_free(d);
    return st;
}
