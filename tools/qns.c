/* SPDX-License-Identifier: MIT */
/* qns: the table of commands, and what happens around every one of them. */
#include "core/base/str.h"
#include "qns_version.h"
#include "tools/cmd.h"
#include "tools/ui.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const qns_cmd qns_cmd_quantize, qns_cmd_run, qns_cmd_capture, qns_cmd_compare,
    qns_cmd_report, qns_cmd_shadow, qns_cmd_skiplist, qns_cmd_gate, qns_cmd_selftest,
    qns_cmd_inspect, qns_cmd_bench, qns_cmd_sensitivity, qns_cmd_search, qns_cmd_help,
    qns_cmd_version;

const qns_cmd *const qns_cmds[] = {
    &qns_cmd_quantize, &qns_cmd_capture,     &qns_cmd_compare,  &qns_cmd_report,
    &qns_cmd_shadow,   &qns_cmd_sensitivity, &qns_cmd_inspect,  &qns_cmd_run,
    &qns_cmd_bench,    &qns_cmd_search,      &qns_cmd_skiplist, &qns_cmd_gate,
    &qns_cmd_selftest, &qns_cmd_help,        &qns_cmd_version,  NULL,
};

const char *argp_program_version = "qns " QNS_VERSION " (" QNS_GIT ")";

static int exit_code(qns_status st)
{
    switch (st) {
    case QNS_OK:
        return QNS_EXIT_OK;
    case QNS_E_MISMATCH:
        return QNS_EXIT_NOT_COMPARABLE;
    case QNS_E_FORMAT:
    case QNS_E_SHAPE:
    case QNS_E_DATA:
        return QNS_EXIT_BAD_DATA;
    case QNS_E_CONFIG:
    case QNS_E_NOTFOUND:
        return QNS_EXIT_USAGE;
    case QNS_E_CANCELLED:
        return QNS_EXIT_INTERRUPTED;
    default:
        return QNS_EXIT_FAILURE;
    }
}

int qns_report_error(const qns_err *err)
{
    fflush(stdout);
    fprintf(stderr, "qns: %s%s%s\n", err->trail, err->trail[0] ? ": " : "", err->text);
    const char *debug = getenv("QNS_DEBUG");
    if (debug && *debug)
        fprintf(stderr, "     (%s, noticed at %s:%d)\n", qns_status_text(err->code), err->file,
                err->line);
    return exit_code(err->code);
}

static int unknown_command(const char *name)
{
    const char *names[QNS_ARRAY_LEN(qns_cmds)];
    size_t n = 0;
    for (; qns_cmds[n]; n++)
        names[n] = qns_cmds[n]->name;
    const int64_t near = qns_nearest(name, names, n);
    fprintf(stderr, "qns: '%s' is not a qns command. See 'qns help'.\n", name);
    if (near >= 0)
        fprintf(stderr, "\nThe most similar command is\n\t%s\n", names[near]);
    return QNS_EXIT_USAGE;
}

/* A full disk or a closed pipe shows when the last of standard output is written. */
static int close_stdout(int code)
{
    const bool bad = fflush(stdout) != 0 || ferror(stdout);
    if (bad && errno != EPIPE) {
        fprintf(stderr, "qns: cannot write to standard output: %s\n", strerror(errno));
        return code == QNS_EXIT_OK ? QNS_EXIT_FAILURE : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    qns_set_wait_policy(argv);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, not a death */
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    for (size_t i = 0; qns_cmds[i]; i++) {
        if (strcmp(qns_cmds[i]->name, name) != 0)
            continue;
        char full[64];
        char *no_args[] = {full, NULL};
        snprintf(full, sizeof full, "qns %s", name);
        if (argc > 1)
            argv[1] = full;
        const int code =
            argc > 1 ? qns_cmds[i]->run(argc - 1, argv + 1) : qns_cmds[i]->run(1, no_args);
        return close_stdout(argc > 1 ? code : QNS_EXIT_USAGE);
    }
    return unknown_command(name);
}
