/* SPDX-License-Identifier: MIT */
#include "reports/result_keys.h"

#define DIFF(name)                                                                                 \
    {                                                                                              \
#name, offsetof(qns_diff, name)                                                            \
    }

const qns_result_key qns_diff_keys[] = {
    DIFF(sqnr_db),  DIFF(sqnr_db_min), DIFF(sqnr_db_p5), DIFF(sqnr_db_median),
    DIFF(rmse),     DIFF(rmse_steps),  DIFF(max_abs),    DIFF(max_abs_steps),
    DIFF(cosine),   DIFF(bias),        DIFF(gain),       DIFF(bias_sigma),
    DIFF(clipped),  DIFF(ref_min),     DIFF(ref_max),    DIFF(ref_rms),
    DIFF(test_min), DIFF(test_max),    {NULL, 0},
};

const qns_result_key qns_side_keys[] = {
    {"file", offsetof(qns_side, file)},       {"model", offsetof(qns_side, model)},
    {"backend", offsetof(qns_side, backend)}, {"engine", offsetof(qns_side, engine)},
    {"build", offsetof(qns_side, build)},     {NULL, 0},
};

const qns_result_key qns_ident_keys[] = {
    {"graph", offsetof(qns_side, graph_id)},
    {"weights", offsetof(qns_side, weights_id)},
    {"inputs", offsetof(qns_side, inputs_id)},
    {"qparams", offsetof(qns_side, qparams_id)},
    {NULL, 0},
};
