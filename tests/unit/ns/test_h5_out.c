/* SPDX-License-Identifier: MIT */
/* Several threads write to one file: every byte arrives, whoever writes it, and settle() tells
 * when. */
#include "ns/h5_out.h"

#include "core/base/rng.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 60, EACH = 9, MOST = 30000, ROUND_SIZE = EACH * MOST };

typedef struct writer {
    qns_h5_out *out;
    int number, pieces;
    bool ok, settled;
} writer;

static int file_of(char *path)
{
    strcpy(path, "/tmp/qns-test-");
    memset(path + strlen(path), 'X', 6); /* mkstemp fills these in */
    const int fd = mkstemp(path);
    cr_assert(fd >= 0);
    return fd;
}

/* What thread t puts at byte i of its part of a round. */
static uint8_t value(int t, int round, size_t i)
{
    return (uint8_t)(17 * t + 31 * round + (int)(i % 251) + 1);
}

static uint64_t begin_of(int t, int round)
{
    return ((uint64_t)round * THREADS + (uint64_t)t) * ROUND_SIZE;
}

/* The part as it should be is in the file. */
static bool is_there(const qns_h5_out *o, int t, int round, size_t n)
{
    static _Thread_local uint8_t got[ROUND_SIZE];
    bool same = pread(o->disk->fd, got, n, (off_t)begin_of(t, round)) == (ssize_t)n;
    for (size_t i = 0; i < n && same; i++)
        same = got[i] == value(t, round, i);
    return same;
}

static bool write_round(writer *w, qns_h5_box *b, qns_rng *rng, int round)
{
    size_t n = 0;
    for (int k = 0; k < EACH; k++) {
        qns_h5_piece *p = qns_h5_out_take(w->out, b);
        p->size = 1 + qns_rng_below(rng, MOST);
        p->at = begin_of(w->number, round) + n;
        for (size_t i = 0; i < p->size; i++)
            ((uint8_t *)p->data)[i] = value(w->number, round, n + i);
        n += p->size;
        bool done = false;
        if (k % 3 == 2)
            w->ok &= qns_h5_out_try(&done, w->out, p->at, p->data, p->size);
        if (done)
            p->size = 0;
        w->ok &= qns_h5_out_put(w->out, p);
    }
    w->ok &= qns_h5_out_settle(w->out, b);
    return is_there(w->out, w->number, round, n);
}

static void *work(void *arg)
{
    writer *w = arg;
    qns_h5_box b = {0};
    qns_rng rng;
    qns_rng_seed(&rng, (uint64_t)w->number);
    w->ok = w->settled = qns_h5_box_init(&b, w->pieces, MOST, NULL) == QNS_OK;
    for (int round = 0; round < ROUNDS && w->ok; round++)
        w->settled &= write_round(w, &b, &rng, round);
    qns_h5_box_fini(&b);
    return NULL;
}

static void run_all(qns_h5_out *o, writer *w, int pieces)
{
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++) {
        w[t] = (writer){.out = o, .number = t, .pieces = pieces};
        cr_assert_eq(pthread_create(&thread[t], NULL, work, &w[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
}

Test(h5_out, every_byte_arrives)
{
    for (int pieces = 1; pieces <= QNS_H5_PIECES; pieces++) {
        char path[64] = {0};
        writer w[THREADS];
        qns_h5_out o;
        qns_h5_disk disk = {.fd = file_of(path), .reserve = -1};
        qns_h5_out_init(&o, &disk);
        run_all(&o, w, pieces);
        for (int t = 0; t < THREADS; t++)
            cr_expect(w[t].ok && w[t].settled, "thread %d, %d pieces", t, pieces);
        qns_h5_out_fini(&o);
        close(disk.fd);
        unlink(path);
    }
}

Test(h5_out, a_write_that_fails_is_told_to_all_and_stops_nobody)
{
    char path[64] = {0};
    writer w[THREADS];
    qns_h5_out o;
    close(file_of(path));
    qns_h5_disk disk = {.fd = open(path, O_RDONLY), .reserve = -1};
    qns_h5_out_init(&o, &disk);
    run_all(&o, w, 2);
    for (int t = 0; t < THREADS; t++)
        cr_expect_not(w[t].ok);
    cr_expect_neq(disk.error, 0);
    qns_h5_out_fini(&o);
    close(disk.fd);
    unlink(path);
}
