/* SPDX-License-Identifier: MIT */
/* Sensitivities (ns/sensitivity.h) as a document and as a report; reports/kind.h is how to get
 * there. */
#ifndef QNS_SENSITIVITY_JSON_H
#define QNS_SENSITIVITY_JSON_H

#include "ns/sensitivity.h"
#include "reports/report.h"

#include <jansson.h>

/* Fails with FORMAT. */
qns_status qns_sensitivity_from_doc(qns_sensitivity **out, const json_t *doc, qns_err *err);
qns_status qns_sensitivity_build(qns_report **out, const qns_sensitivity *s, qns_err *err);

#endif
