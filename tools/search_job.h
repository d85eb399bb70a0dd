/* SPDX-License-Identifier: MIT */
/* What 'qns search' does between its options and its result. */
#ifndef QNS_SEARCH_JOB_H
#define QNS_SEARCH_JOB_H

#include "ns/search_world.h"
#include "tools/trial_data.h"
#include "tools/ui.h"

enum { QNS_SEARCH_MAX_STEPS = 8, QNS_SEARCH_MAX_GROUPS = 64 };

typedef struct qns_search_args {
    qns_common common;
    qns_data_args data;
    const char *model, *qconfig, *backend, *calib, *verify;
    const char *target, *strategy, *by, *cost, *budget, *eval_cmd, *log, *html, *groups_file;
    const char *group[QNS_SEARCH_MAX_GROUPS];
    size_t n_groups;
    double eval_timeout;
    int64_t seed;
    const char *command; /* as it was typed */
} qns_search_args;

/* The words of the options, understood. */
typedef struct qns_search_plan {
    qns_target target;
    const qns_searcher *step[QNS_SEARCH_MAX_STEPS];
    size_t n_steps;
    qns_rank_by by;
    qns_cost cost;
    uint32_t max_runs;
    double max_seconds;
} qns_search_plan;

typedef struct qns_search_job {
    const qns_search_args *a;
    qns_search_plan plan;
    qns_arena *arena;
    qns_model *model;
    qns_qconfig_set *set;
    qns_trial_data data;
    qns_trials *trials;
    qns_progress bar;
    qns_search_result *result;
} qns_search_job;

/* Reads words and looks at where the results go; nothing is run. */
qns_status qns_search_plan_make(qns_search_plan *p, const qns_search_args *a, qns_err *err);
/* Start from {0}; fini in every case. */
qns_status qns_search_job_run(qns_search_job *j, const qns_search_args *a, qns_err *err);
void qns_search_job_fini(qns_search_job *j);

/* search_files.c: groups from the options and from --groups, in the arena. */
qns_status qns_search_groups(qns_trials_spec *s, const qns_search_args *a, qns_arena *arena,
                             qns_err *err);
/* Can a file of that name be made? IO, naming it. */
qns_status qns_search_can_write(const char *path, qns_err *err);
/* The settings with the answer's layers skipped, behind a comment that says where they come from.
 */
qns_status qns_search_write_qconfig(const char *path, const qns_search_job *j, qns_err *err);
/* Arguments as a line for a shell, in the arena; NULL when out of memory. */
const char *qns_search_command(qns_arena *arena, int argc, char **argv);

#endif
