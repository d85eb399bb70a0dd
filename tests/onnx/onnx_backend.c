/* SPDX-License-Identifier: MIT */
/* Runs the node tests of ONNX and closes with a table by operator.
 *
 *     usage: onnx_backend [-v] [-x EXCEPTIONS] [-m MIN_PASSED] FOLDER [TEST...]
 *
 * Exit 0: every test of an operator QNS knows passed or stands in EXCEPTIONS ("name reason" lines),
 * and at least MIN_PASSED passed. 1: not so. 77: the folder is absent. */
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
    int n[5], excepted;
} row;

typedef struct tally {
    row at[512];
    size_t n;
    int total[5], baked, wrong, excepted;
    bool verbose;
    char *exceptions; /* the file */
} tally;

/* The reason why a test need not pass, or NULL. */
static const char *exception_of(char *out, size_t size, const tally *t, const char *name)
{
    const size_t len = strlen(name);
    for (const char *p = t->exceptions; p && *p;) {
        const char *end = strchr(p, '\n');
        const size_t line = end ? (size_t)(end - p) : strlen(p);
        if (line > len && strncmp(p, name, len) == 0 && p[len] == ' ') {
            snprintf(out, size, "%.*s", (int)(line - len - 1), p + len + 1);
            return out;
        }
        p = end ? end + 1 : NULL;
    }
    return NULL;
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
    static const char *const word[] = {"passed", "partly", "FAILED", "REFUSED", "unsupported"};
    char path[1024], reason[512];
    case_report r;
    qns_err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (case_run(&r, path, &err) != QNS_OK) {
        printf("FAILED       %s: %s\n", name, err.text);
        t->wrong++;
        return;
    }
    row *w = row_of(t, r.op);
    const bool bad = r.result == CASE_FAILED || r.result == CASE_REFUSED;
    const char *excuse = exception_of(reason, sizeof reason, t, name);
    w->n[r.result]++;
    t->total[r.result]++;
    t->baked += r.baked && r.result == CASE_PASSED;
    if (bad && excuse) {
        w->excepted++;
        t->excepted++;
    } else if (bad || (r.result == CASE_PASSED && excuse)) {
        t->wrong++;
    }
    if (r.result == CASE_PASSED && excuse)
        printf("PASSED       %s, but is listed as an exception\n", name);
    else if ((bad && !excuse) || (t->verbose && r.result != CASE_PASSED))
        printf("%-12s %s: %s%s%s\n", word[r.result], name, r.why, excuse ? " -- " : "",
               excuse ? excuse : "");
    fflush(stdout);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const row *)a)->op, ((const row *)b)->op);
}

static void print_table(tally *t)
{
    qsort(t->at, t->n, sizeof t->at[0], by_name);
    printf("\n%-28s %7s %7s %7s %8s %12s\n", "operator", "passed", "partly", "failed", "refused",
           "unsupported");
    for (size_t i = 0; i < t->n; i++)
        printf("%-28s %7d %7d %7d %8d %12d\n", t->at[i].op, t->at[i].n[0], t->at[i].n[1],
               t->at[i].n[2], t->at[i].n[3], t->at[i].n[4]);
    printf("\n%d passed (%d with inputs made constants), %d partly (first output only), %d failed, "
           "%d refused, %d unsupported; %d exceptions\n",
           t->total[0], t->baked, t->total[1], t->total[2], t->total[3], t->total[4], t->excepted);
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
    return 0;
}

int main(int argc, char **argv)
{
    static tally t;
    int opt, min_passed = 0;
    size_t n;
    qns_err err = {0};
    qns_log_to(NULL, NULL);
    while ((opt = getopt(argc, argv, "vx:m:")) != -1) {
        if (opt == 'v')
            t.verbose = true;
        else if (opt == 'm')
            min_passed = atoi(optarg);
        else if (opt != 'x' || qns_file_read(&t.exceptions, &n, optarg, 1 << 20, &err) != QNS_OK)
            return fprintf(stderr, "onnx_backend: %s\n", err.text), 64;
    }
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
    qns_free(t.exceptions);
    if (t.total[CASE_PASSED] < min_passed)
        printf("fewer than %d passed\n", min_passed);
    return t.wrong || t.total[CASE_PASSED] < min_passed;
}
