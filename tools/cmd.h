/* SPDX-License-Identifier: MIT */
/* The command line: one struct for each subcommand. Options are argp tables, so that help, usage
 * and completion come from the same data as parsing. */
#ifndef QNS_CMD_H
#define QNS_CMD_H

#include "core/exec/plan.h"
#include "core/quant/model.h"

#include <argp.h>

/* What every command understands. */
typedef struct qns_common {
    int threads;
    bool json, quiet, verbose;
    const char *out;
    qns_engine engine;
    unsigned cpu_mask;
    const char *dim[8]; /* --dim NAME=VALUE */
    size_t n_dim;
} qns_common;

extern const struct argp qns_common_argp; /* a child parser; its input is a qns_common */
extern const struct argp qns_engine_argp; /* how models run; its input is the same qns_common */

/* -d and its friends. */
typedef struct qns_data_args {
    const char *spec[16];
    size_t n;
    const char *labels;
    int64_t limit;
} qns_data_args;

extern const struct argp qns_data_argp; /* its input is a qns_data_args */

/* The three parsers above, for a command that runs a model over data, and what its ARGP_KEY_INIT
 * and ARGP_KEY_ARG do with them. */
extern const struct argp_child qns_model_children[];
void qns_model_child_inputs(struct argp_state *state, qns_data_args *d, qns_common *c);
void qns_take_model(struct argp_state *state, const char **model, const char *arg);

typedef struct qns_cmd {
    const char *name, *args, *summary;
    const char *group;                 /* heading in `qns help` */
    const struct argp *argp;           /* for `qns help NAME` */
    int (*run)(int argc, char **argv); /* returns the exit code */
} qns_cmd;

/* NULL-terminated, in the order of `qns help`. */
extern const qns_cmd *const qns_cmds[];

enum {
    QNS_EXIT_OK = 0,
    QNS_EXIT_DIFFERENT = 1,
    QNS_EXIT_NOT_COMPARABLE = 2,
    QNS_EXIT_BAD_DATA = 3,
    QNS_EXIT_USAGE = 64,
    QNS_EXIT_FAILURE = 70,
    QNS_EXIT_INTERRUPTED = 130
};

/* May start the program anew; returns when there is nothing to set. */
void qns_set_wait_policy(char **argv);

/* Prints the error with its trail and gives the exit code its status stands for. */
int qns_report_error(const qns_err *err);

qns_model_opts qns_model_opts_of(const qns_common *c, const char *backend);
qns_exec_opts qns_exec_opts_of(const qns_common *c, const qns_model *m);

/* Appends the argument of an option that may be repeated up to max times; argp_error() beyond. */
void qns_take_text(struct argp_state *state, const char *option, const char **list, size_t *n,
                   size_t max, const char *arg);
/* Parses a non-negative number option; argp_error() with the option's name when it is none. */
int64_t qns_parse_count(struct argp_state *state, const char *option, const char *text,
                        int64_t max);

#endif
