/* SPDX-License-Identifier: MIT */
/* qns bench memory: what a command needs, in a process of its own. A benchmark that runs several
 * things in turns holds all of them at once, so its own peak says nothing about one. */
#include "tools/bench.h"
#include "tools/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct memory_args {
    bool json;
    char **command; /* of qns, with its arguments; ends with NULL */
} memory_args;

enum { KEY_JSON = 3300 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, 0, 0, "print the result as JSON on standard output", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    memory_args *a = state->input;
    switch (key) {
    case KEY_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        (void)arg;
        a->command = &state->argv[state->next - 1];
        state->next = state->argc; /* the rest is not ours */
        return 0;
    case ARGP_KEY_END:
        if (!a->command)
            argp_error(state, "a command is needed: qns bench memory compare FLOAT.h5 QUANT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "COMMAND [ARGUMENT...]",
    .doc = "Run a command of qns and tell its peak memory.\vWhat the command prints on standard "
           "output is dropped; when it fails, so does this, with its exit code.\n\n"
           "Example: qns bench memory shadow model.onnx quant.onnx -d eval.yaml"};

/* In the child. This program is small, so what the child had in memory before it started anew,
 * which the system counts, too, is less than any command needs. */
static void start(char **command)
{
    static char name[] = "qns";
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    command[-1] = name;
    if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
        execv("/proc/self/exe", command - 1);
    fprintf(stderr, "qns: cannot start itself: %s\n", strerror(errno));
    _exit(QNS_EXIT_FAILURE);
}

static int run(int argc, char **argv)
{
    memory_args a = {0};
    struct rusage used;
    int state;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, 0, &a);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        start(a.command);
    if (child < 0 || wait4(child, &state, 0, &used) != child) {
        fprintf(stderr, "qns: cannot run '%s': %s\n", a.command[0], strerror(errno));
        return QNS_EXIT_FAILURE;
    }
    if (!WIFEXITED(state))
        return QNS_EXIT_FAILURE;
    if (WEXITSTATUS(state) != QNS_EXIT_OK)
        return WEXITSTATUS(state);
    const int64_t peak = (int64_t)used.ru_maxrss * 1024;
    char size[24];
    if (a.json)
        qns_bench_finish_json(
            "memory",
            json_pack("[{s:s, s:I}]", "command", a.command[0], "peak_memory", (json_int_t)peak),
            true, ~0u);
    else
        printf("peak memory of qns %s: %s\n", a.command[0], qns_ui_bytes(size, (uint64_t)peak));
    return QNS_EXIT_OK;
}

const qns_bench qns_bench_memory_cmd = {"memory", "COMMAND [ARGUMENT...]",
                                        "peak memory of a command", run};
