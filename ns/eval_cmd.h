/* SPDX-License-Identifier: MIT */
/* A user's command that judges a model: it prints a number.
 *
 * The command is run by /bin/sh. Every {model} in it becomes the path of the model in single quotes
 * (and QNS_MODEL holds the path, unquoted); so the user writes {model} without quotes around it.
 * Its standard input is empty; what counts of its output is the last line that is not blank, which
 * must be a number and nothing else. */
#ifndef QNS_EVAL_CMD_H
#define QNS_EVAL_CMD_H

#include "core/base/str.h"

/* Fails with CONFIG when {model} is missing or stands in quotes. */
qns_status qns_eval_cmd_check(const char *command, qns_err *err);
/* The text for the shell; model may hold any characters. */
void qns_eval_cmd_fill(qns_str *out, const char *command, const char *model);

/* Runs it once. Fails with DATA when it exits with anything but 0, is killed, takes longer than
 * timeout seconds (it and what it started are then killed) or prints no number, quoting what it
 * said; with CANCELLED; with IO when it cannot be started. cancelled may be NULL. */
qns_status qns_eval_cmd_run(double *out, const char *command, const char *model, double timeout,
                            bool (*cancelled)(void *ctx), void *ctx, qns_err *err);

#endif
