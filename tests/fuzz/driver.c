/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer: every file of a folder, then mutations of them from a fixed
 * seed, so that each test run sees the same bytes.
 *
 *     usage: fuzz_X-replay FOLDER [MUTATIONS [SECONDS [FIRST]]]
 *
 * MUTATIONS of each file (default 0), none is begun after SECONDS (default 10). On a crash the file
 * and the number of the mutation are printed: run again with FIRST set to it and 1 second to see it
 * alone. With FIRST, the bytes are also written to crash.bin in the working folder. */
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/base/vec.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 20 };

typedef struct input {
    char *path, *bytes;
    size_t n;
} input;

typedef struct inputs {
    input *at;
    size_t n, cap;
} inputs;

static char where[400];

static void tell(void)
{
    const size_t n = strlen(where);
    if (write(2, where, n) != (ssize_t)n)
        _exit(70);
}

static void on_signal(int sig)
{
    tell();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* AddressSanitizer calls this before it prints. */
void __asan_on_error(void);
void __asan_on_error(void)
{
    tell();
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const input *)a)->path, ((const input *)b)->path);
}

static qns_status load(inputs *all, const char *folder, qns_err *err)
{
    DIR *d = opendir(folder);
    if (!d)
        QNS_FAIL(err, IO, "cannot open folder '%s'", folder);
    for (const struct dirent *e; (e = readdir(d));) {
        char path[4096];
        input in = {0};
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        QNS_TRY(qns_file_read(&in.bytes, &in.n, path, MAX_FILE, err));
        in.path = qns_strdup(path);
        QNS_VEC_PUSH(all, in, err);
    }
    closedir(d);
    if (!all->n)
        QNS_FAIL(err, IO, "folder '%s' is empty", folder);
    /* The order of readdir() differs between machines, the mutations must not. */
    qsort(all->at, all->n, sizeof *all->at, by_path);
    return QNS_OK;
}

/* One to four changes: a bit, a byte that is likely to matter, a cut, or a piece of another file.
 */
static size_t mutate(unsigned char *p, size_t n, const input *other, qns_rng *r)
{
    static const unsigned char edge[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, '\n', '{', '[', '-'};
    for (uint64_t k = qns_rng_below(r, 4) + 1; k && n; k--) {
        const size_t at = (size_t)qns_rng_below(r, n);
        switch (qns_rng_below(r, 8)) {
        case 0:
        case 1:
        case 2:
            p[at] ^= (unsigned char)(1u << qns_rng_below(r, 8));
            break;
        case 3:
        case 4:
            p[at] = edge[qns_rng_below(r, sizeof edge)];
            break;
        case 5: /* a number of 4 or 8 bytes */
            memset(p + at, qns_rng_below(r, 2) ? 0xff : 0, n - at < 8 ? n - at : 8);
            break;
        case 6:
            if (qns_rng_below(r, 3) == 0)
                n = at;
            break;
        default: {
            const size_t from = (size_t)qns_rng_below(r, other->n ? other->n : 1);
            size_t len = (size_t)qns_rng_below(r, 64);
            len = len < other->n - from ? len : other->n - from;
            len = len < n - at ? len : n - at;
            memcpy(p + at, other->bytes + from, len);
        }
        }
    }
    return n;
}

/* The bytes lie in a block of their own size, so that a sanitizer sees the first one too many. */
static void run(const void *p, size_t n)
{
    unsigned char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static long run_mutations(const inputs *all, long n, double seconds, long first)
{
    long done = 0;
    struct timespec start, now;
    unsigned char *buf = qns_malloc64(MAX_FILE);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long m = first; buf && m < n; m++)
        for (size_t i = 0; i < all->n; i++) {
            qns_rng r;
            const input *in = &all->at[i];
            clock_gettime(CLOCK_MONOTONIC, &now);
            if ((double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec) >
                seconds)
                goto done;
            qns_rng_seed(&r, (uint64_t)m);
            memcpy(buf, in->bytes, in->n);
            const size_t size = mutate(buf, in->n, &all->at[qns_rng_below(&r, all->n)], &r);
            snprintf(where, sizeof where, "driver: %.300s, mutation %ld\n", in->path, m);
            if (first)
                qns_file_write("crash.bin", buf, size, NULL);
            run(buf, size);
            done++;
        }
done:
    qns_free(buf);
    return done;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    inputs all = {0};
    qns_err err = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [MUTATIONS [SECONDS [FIRST]]]\n", argv[0]);
        return 64;
    }
    for (size_t i = 0; i < QNS_ARRAY_LEN(signals); i++)
        signal(signals[i], on_signal);
    if (load(&all, argv[1], &err) != QNS_OK) {
        fprintf(stderr, "driver: %s\n", err.text);
        return 70;
    }
    for (size_t i = 0; i < all.n; i++) {
        snprintf(where, sizeof where, "driver: %.300s\n", all.at[i].path);
        run(all.at[i].bytes, all.at[i].n);
    }
    const long n = argc > 2 ? atol(argv[2]) : 0, first = argc > 4 ? atol(argv[4]) : 0;
    const long done = run_mutations(&all, n, argc > 3 ? atof(argv[3]) : 10, first);
    printf("%zu files, %ld mutations\n", all.n, done);
    for (size_t i = 0; i < all.n; i++) {
        qns_free(all.at[i].path);
        qns_free(all.at[i].bytes);
    }
    qns_free(all.at);
    return 0;
}
