/* SPDX-License-Identifier: MIT */
/* qns bench: the table of benchmarks, and the options they share. */
#include "core/base/str.h"
#include "tools/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const qns_bench *const benches[] = {
    &qns_bench_model_cmd,     &qns_bench_layers_cmd,  &qns_bench_kernels_cmd,
    &qns_bench_capture_cmd,   &qns_bench_compare_cmd, &qns_bench_shadow_cmd,
    &qns_bench_calibrate_cmd, &qns_bench_memory_cmd,  &qns_bench_serve_cmd};

enum { KEY_RUNS = 3000, KEY_JSON, KEY_QUIET };

static const struct argp_option shared_options[] = {
    {"threads", 'j', "N[,N]", 0, "numbers of threads; default: 1 and all cores", 90},
    {"runs", KEY_RUNS, "N", 0, "runs that count, of each thing measured", 90},
    {"json", KEY_JSON, 0, 0, "print the result as JSON on standard output", 90},
    {"quiet", KEY_QUIET, 0, 0, "no progress", 90},
    {0},
};

static void parse_threads(qns_bench_opts *o, struct argp_state *state, const char *list)
{
    char one[16];
    o->n_threads = 0;
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ","), at);
        const int n = (int)qns_parse_count(state, "-j", one, 1024);
        if (n == 0 || o->n_threads == QNS_BENCH_MAX_THREADS)
            argp_error(state, "-j takes up to %d numbers of threads, each at least 1, not '%s'",
                       QNS_BENCH_MAX_THREADS, list);
        o->threads[o->n_threads++] = n;
    }
}

static void default_threads(qns_bench_opts *o)
{
    const int all = qns_bench_cores();
    o->threads[0] = 1;
    o->threads[1] = all;
    o->n_threads = all > 1 ? 2 : 1;
}

static error_t parse_shared(int key, char *arg, struct argp_state *state)
{
    qns_bench_opts *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *o = (qns_bench_opts){.common = {.cpu_mask = ~0u}};
        default_threads(o);
        state->child_inputs[0] = &o->common;
        return 0;
    case 'j':
        parse_threads(o, state, arg);
        return 0;
    case KEY_RUNS:
        o->runs = (int)qns_parse_count(state, "--runs", arg, 1000000);
        return 0;
    case KEY_JSON:
        o->common.json = true;
        return 0;
    case KEY_QUIET:
        o->common.quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child shared_children[] = {{&qns_engine_argp, 0, "Running models:", 50},
                                                    {0}};
const struct argp qns_bench_argp = {
    .options = shared_options, .parser = parse_shared, .children = shared_children};

/* Help is made from the table. */
static char *list_benches(int key, const char *text, void *unused)
{
    (void)unused;
    qns_str s = {0};
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text; /* argp's own way to say: unchanged */
    for (size_t i = 0; i < QNS_ARRAY_LEN(benches); i++)
        qns_str_addf(&s, "  %-9s %s\n", benches[i]->name, benches[i]->summary);
    qns_str_addf(&s, "\n'qns bench WHAT --help' tells about one of them.");
    return s.s ? s.s : (char *)(uintptr_t)text;
}

static const struct argp argp = {
    .args_doc = "WHAT [OPTION...] [ARGUMENT...]",
    .doc = "How fast is QNS on this machine, and how far from what the machine can do? Every "
           "benchmark measures the machine's peaks itself, runs what it compares in turns, and "
           "tells the median and the range that holds 8 of 10 runs.\v ",
    .help_filter = list_benches};

static int run(int argc, char **argv)
{
    const char *names[QNS_ARRAY_LEN(benches)];
    if (argc < 2 || argv[1][0] == '-') {
        const bool asked =
            argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0);
        argp_help(&argp, asked ? stdout : stderr,
                  asked ? ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK
                        : ARGP_HELP_USAGE | ARGP_HELP_SEE,
                  argv[0]);
        return asked ? QNS_EXIT_OK : QNS_EXIT_USAGE;
    }
    for (size_t i = 0; i < QNS_ARRAY_LEN(benches); i++) {
        names[i] = benches[i]->name;
        if (strcmp(names[i], argv[1]) != 0)
            continue;
        char full[64];
        snprintf(full, sizeof full, "qns bench %s", names[i]);
        argv[1] = full;
        return benches[i]->run(argc - 1, argv + 1);
    }
    const int64_t near = qns_nearest(argv[1], names, QNS_ARRAY_LEN(benches));
    fprintf(stderr, "qns: '%s' is not a benchmark. See 'qns help bench'.\n", argv[1]);
    if (near >= 0)
        fprintf(stderr, "\nThe most similar benchmark is\n\t%s\n", names[near]);
    return QNS_EXIT_USAGE;
}

extern const qns_cmd qns_cmd_bench;
const qns_cmd qns_cmd_bench = {
    "bench", "WHAT", "how fast, and how far from the machine's peak", "look closer", &argp, run};
