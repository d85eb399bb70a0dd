/* SPDX-License-Identifier: MIT */
/* Runs the node tests of ONNX and closes with a table by operator.
 *
 *     usage: onnx_backend [-v] [-x EXCEPTIONS] [-m MIN_PASSED] FOLDER [TEST...]
 *
 * Exit 0: every test of an operator QNS knows passed or stands in EXCEPTIONS ("name reason" lines),
 * every exception was needed, and at least MIN_PASSED passed. 1: not so. 77: the folder is absent.
 */
#include "onnx_case.h"

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct row {
    char op[64];
    int n[6], excepted;
} row;

typedef struct exception {
    const char *name, *reason;
    bool used;
} exception;

typedef struct tally {
    row at[512];
    size_t n, n_exceptions;
    exception exception[256];
    int total[6], baked, unwritten, wrong, excepted;
    bool verbose;
} tally;

/* Cuts the file of exceptions into lines "name reason"; '#' begins a comment. */
static void read_exceptions(tally *t, char *text)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *gap = strchr(line, ' ');
        if (line[0] == '#')
            continue;
        if (!gap || t->n_exceptions == QNS_ARRAY_LEN(t->exception)) {
            fprintf(stderr, "onnx_backend: cannot take the exception '%s'\n", line);
            exit(64);
        }
        *gap = '\0';
        t->exception[t->n_exceptions++] = (exception){line, gap + 1, false};
    }
}

/* NULL when the test has to pass. */
static exception *exception_of(tally *t, const char *name)
{
    for (size_t i = 0; i < t->n_exceptions; i++)
        if (strcmp(t->exception[i].name, name) == 0)
            return &t->exception[i];
    return NULL;
}

/* An exception that excused nothing hides the next failure. */
static void find_stale(tally *t)
{
    for (size_t i = 0; i < t->n_exceptions; i++)
        if (!t->exception[i].used) {
            printf("STALE        %s is listed as an exception, but needs none\n",
                   t->exception[i].name);
            t->wrong++;
        }
}

static row *row_of(tally *t, const char *op)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i].op, op) == 0)
            return &t->at[i];
    if (t->n == QNS_ARRAY_LEN(t->at)) {
        fputs("onnx_backend: too many operators\n", stderr);
        exit(70);
    }
    snprintf(t->at[t->n].op, sizeof t->at[0].op, "%s", op);
    return &t->at[t->n++];
}

static void run_one(tally *t, const char *folder, const char *name)
{
    static const char *const word[] = {"passed",  "PARTLY",      "FAILED",
                                       "REFUSED", "unsupported", "other type"};
    char path[1024];
    case_report r;
    qns_err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (case_run(&r, path, &err) != QNS_OK) {
        printf("FAILED       %s: %s\n", name, err.text);
        t->wrong++;
        return;
    }
    row *w = row_of(t, r.op);
    const bool unwritten = r.result == CASE_PASSED && r.unwritten[0];
    const bool bad = (r.result >= CASE_PARTLY && r.result <= CASE_REFUSED) || unwritten;
    exception *excuse = bad ? exception_of(t, name) : NULL;
    w->n[r.result]++;
    t->total[r.result]++;
    t->baked += r.baked && r.result == CASE_PASSED;
    t->unwritten += unwritten;
    if (excuse) {
        excuse->used = true;
        t->excepted++;
    }
    t->wrong += bad && !excuse;
    if ((bad && !excuse) || (t->verbose && (bad || r.result != CASE_PASSED)))
        printf("%-12s %s: %s%s%s\n", unwritten ? "NOT WRITTEN" : word[r.result], name,
               unwritten ? r.unwritten : r.why, excuse ? " -- " : "", excuse ? excuse->reason : "");
    fflush(stdout);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const row *)a)->op, ((const row *)b)->op);
}

static void print_table(tally *t)
{
    qsort(t->at, t->n, sizeof t->at[0], by_name);
    printf("\n%-26s %6s %6s %6s %7s %11s %10s\n", "operator", "passed", "partly", "failed",
           "refused", "unsupported", "other type");
    for (size_t i = 0; i < t->n; i++)
        printf("%-26s %6d %6d %6d %7d %11d %10d\n", t->at[i].op, t->at[i].n[0], t->at[i].n[1],
               t->at[i].n[2], t->at[i].n[3], t->at[i].n[4], t->at[i].n[5]);
    printf(
        "\n%d passed (%d with inputs made constants), %d partly (first output only), %d failed,\n"
        "%d refused, %d of unsupported operators, %d of other types; %d exceptions\n"
        "%d of the passed were written, read again and gave the same\n",
        t->total[0], t->baked, t->total[1], t->total[2], t->total[3], t->total[4], t->total[5],
        t->excepted, t->total[0] - t->unwritten);
}

static int by_text(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int run_folder(tally *t, const char *folder)
{
    struct dirent **list;
    const int n = scandir(folder, &list, NULL, by_text);
    if (n < 0) {
        printf("SKIP: no folder '%s' (Debian package libonnx-testdata)\n", folder);
        return 77;
    }
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.')
            run_one(t, folder, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    find_stale(t);
    return 0;
}

int main(int argc, char **argv)
{
    static tally t;
    int opt, min_passed = 0;
    char *exceptions = NULL;
    size_t n;
    qns_err err = {0};
    qns_log_to(NULL, NULL);
    while ((opt = getopt(argc, argv, "vx:m:")) != -1) {
        if (opt == 'v')
            t.verbose = true;
        else if (opt == 'm')
            min_passed = atoi(optarg);
        else if (opt != 'x' || qns_file_read(&exceptions, &n, optarg, 1 << 20, &err) != QNS_OK)
            return fprintf(stderr, "onnx_backend: %s\n", err.text), 64;
    }
    if (exceptions)
        read_exceptions(&t, exceptions);
    if (optind >= argc)
        return fputs("usage: onnx_backend [-v] [-x EXCEPTIONS] [-m MIN] FOLDER [TEST...]\n",
                     stderr),
               64;
    if (optind + 1 == argc) {
        const int skipped = run_folder(&t, argv[optind]);
        if (skipped)
            return skipped;
    }
    for (int i = optind + 1; i < argc; i++)
        run_one(&t, argv[optind], argv[i]);
    print_table(&t);
    qns_free(exceptions);
    if (t.total[CASE_PASSED] < min_passed)
        printf("fewer than %d passed\n", min_passed);
    return t.wrong || t.total[CASE_PASSED] < min_passed;
}
