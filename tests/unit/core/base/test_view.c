/* SPDX-License-Identifier: MIT */
#include "core/base/view.h"

#include <criterion/criterion.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE = 9 << 20, PIECE = 100003 };

static int fd;

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 24);
}

static void make_file(void)
{
    char path[] = "/tmp/qns-test-......";
    unsigned char *p = malloc(SIZE);
    memset(path + sizeof path - 7, 'X', 6); /* mkstemp fills these in */
    fd = mkstemp(path);
    cr_assert(fd >= 0 && p);
    unlink(path);
    for (size_t i = 0; i < SIZE; i++)
        p[i] = byte_at(i);
    cr_assert_eq(write(fd, p, SIZE), SIZE);
    free(p);
}

static void close_file(void)
{
    close(fd);
}

TestSuite(view, .init = make_file, .fini = close_file);

Test(view, shows_the_file_across_windows)
{
    qns_view v;
    qns_view_init(&v);
    for (size_t at = 1; at + PIECE <= SIZE; at += PIECE) {
        const unsigned char *p = qns_view_get(&v, fd, at, PIECE, SIZE - at);
        cr_assert_not_null(p);
        for (size_t i = 0; i < PIECE; i++)
            cr_assert_eq(p[i], byte_at(at + i), "%zu", at + i);
        cr_assert_lt(v.size, SIZE / 2, "the window is bounded");
    }
    cr_assert_not(qns_view_lost(&v));
    qns_view_fini(&v);
}

Test(view, refuses_what_is_better_read)
{
    const int none = -1;
    qns_view v;
    qns_view_init(&v);
    cr_assert_null(qns_view_get(&v, fd, 0, 100, 100), "too little");
    cr_assert_null(qns_view_get(&v, fd, SIZE - PIECE + 1, PIECE, PIECE), "behind the end");
    cr_assert_null(qns_view_get(&v, fd, UINT64_MAX - 10, PIECE, PIECE), "no such place");
    cr_assert_null(qns_view_get(&v, fd, 0, SIZE, SIZE), "more than a window");
    cr_assert_null(qns_view_get(&v, none, 0, PIECE, PIECE), "no file");
    cr_assert_not_null(qns_view_get(&v, fd, SIZE - PIECE, PIECE, PIECE));
    qns_view_fini(&v);
}

static unsigned sum(const unsigned char *p, size_t n)
{
    unsigned s = 0;
    for (size_t i = 0; i < n; i++)
        s += p[i];
    return s;
}

Test(view, a_file_that_is_cut_becomes_zeros)
{
    qns_view whole, cut;
    qns_view_init(&whole);
    qns_view_init(&cut);
    const unsigned char *p = qns_view_get(&whole, fd, 0, PIECE, PIECE);
    const unsigned char *q = qns_view_get(&cut, fd, SIZE / 2, PIECE, PIECE);
    cr_assert(p && q);
    cr_assert_eq(ftruncate(fd, SIZE / 2), 0);
    cr_assert_gt(sum(p, PIECE), 0);
    cr_assert_not(qns_view_lost(&whole));
    cr_assert_not(qns_view_lost(&cut), "nobody looked");
    cr_assert_eq(sum(q, PIECE), 0);
    cr_assert(qns_view_lost(&cut));
    cr_assert_not(qns_view_lost(&whole));
    cr_assert_null(qns_view_get(&cut, fd, SIZE / 2 + PIECE, PIECE, PIECE));
    qns_view_fini(&cut);
    cr_assert_gt(sum(p, PIECE), 0);
    qns_view_fini(&whole);
}

static volatile sig_atomic_t n_signals;

static void count(int sig)
{
    (void)sig;
    n_signals++;
}

Test(view, leaves_other_signals_alone)
{
    struct sigaction now;
    qns_view v;
    signal(SIGBUS, count);
    qns_view_init(&v);
    cr_assert_not_null(qns_view_get(&v, fd, 0, PIECE, PIECE));
    raise(SIGBUS);
    cr_assert_eq(n_signals, 1);
    cr_assert_not(qns_view_lost(&v));
    qns_view_fini(&v);
    sigaction(SIGBUS, NULL, &now);
    cr_assert(now.sa_handler == count);
}

Test(view, others_die_as_before, .signal = SIGBUS)
{
    qns_view v;
    signal(SIGBUS, SIG_DFL);
    qns_view_init(&v);
    raise(SIGBUS);
    cr_assert_fail("alive");
}
