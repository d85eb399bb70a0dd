/* SPDX-License-Identifier: MIT */
/* Which samples calibrate, which are searched with, and which check what was found. No sample is
 * used twice: what has no data of its own gets an evenly spread part of -d. */
#ifndef QNS_TRIAL_DATA_H
#define QNS_TRIAL_DATA_H

#include "core/quant/calibrate.h"
#include "tools/cmd.h"

typedef struct qns_trial_data {
    qns_source *calib, *search, *check;
    int64_t n_calib, n_search, n_check;
    int64_t *labels;   /* of search, then check; NULL: not both have them */
    char told[3][160]; /* what each is: "eval.yaml, 2 of every 4 samples" */
} qns_trial_data;

enum { QNS_DATA_CALIB, QNS_DATA_SEARCH, QNS_DATA_CHECK };

/* calib and check: what --calib and --verify said, or NULL. Fails with DATA when there are too few
 * samples, and as qns_source_open() does. Start from {0}; close in every case. */
qns_status qns_trial_data_open(qns_trial_data *d, const qns_graph *g, const qns_data_args *data,
                               const char *calib, const char *check, qns_err *err);
void qns_trial_data_close(qns_trial_data *d);
/* The samples of search, followed by those of check; d must stay where it is. */
qns_samples qns_trial_data_eval(qns_trial_data *d);

#endif
