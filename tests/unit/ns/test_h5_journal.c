/* SPDX-License-Identifier: MIT */
/* What is found beside a file is done again when it is whole, and changes nothing when it is not.
 */
#include "ns/h5_journal.h"

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/unit/ns/cap_help.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

enum { SIZE = 1000, MAX_TEXT = 4096 };

TestSuite(h5_journal, .init = make_folder, .fini = drop_folder);

static qns_err err;
static char before[SIZE], after[SIZE];

/* The file `f` with its old bytes. */
static void start(void)
{
    memset(before, 'a', SIZE);
    memcpy(after, before, SIZE);
    memset(after + 10, 'x', 20);
    memset(after + 25, 'y', 5); /* over the first piece */
    memset(after + SIZE - 3, 'z', 3);
    OK(qns_file_write(in_folder("f"), before, SIZE, &err));
}

static void add_all(qns_journal *j)
{
    cr_assert(qns_journal_add(j, 10, "xxxxxxxxxxxxxxxxxxxx", 20));
    cr_assert(qns_journal_add(j, 25, "yyyyy", 5));
    cr_assert(qns_journal_add(j, SIZE - 3, "zzz", 3));
}

/* What a process leaves that is killed before the first piece is in its place. */
static size_t leave(char text[MAX_TEXT])
{
    qns_journal j = {0};
    char *got;
    size_t n;
    add_all(&j);
    /* A file that cannot be written keeps the one beside. */
    const int fd = open(in_folder("f"), O_RDONLY);
    cr_assert_neq(qns_journal_write(&j, fd, in_folder("f")), 0);
    close(fd);
    qns_journal_fini(&j);
    OK(qns_file_read(&got, &n, in_folder("f.flush"), MAX_TEXT, &err));
    memcpy(text, got, n);
    qns_free(got);
    return n;
}

static bool file_is(const char *want)
{
    char *got;
    size_t n;
    OK(qns_file_read(&got, &n, in_folder("f"), MAX_TEXT, &err));
    const bool same = n == SIZE && memcmp(got, want, SIZE) == 0;
    qns_free(got);
    return same;
}

Test(h5_journal, a_flush_is_written_and_leaves_nothing)
{
    qns_journal j = {0};
    start();
    add_all(&j);
    const int fd = open(in_folder("f"), O_WRONLY);
    cr_assert_eq(qns_journal_write(&j, fd, in_folder("f")), 0);
    cr_assert_eq(j.n, 0);
    close(fd);
    qns_journal_fini(&j);
    cr_assert(file_is(after));
    cr_assert_not(qns_file_exists(in_folder("f.flush")));
}

Test(h5_journal, what_is_held_back_is_what_is_read)
{
    qns_journal j = {0};
    char part[SIZE];
    start();
    add_all(&j);
    for (size_t at = 0; at < SIZE; at += 7)
        for (size_t n = 1; n <= 40 && at + n <= SIZE; n++) {
            memcpy(part, before + at, n);
            qns_journal_overlay(&j, at, part, n);
            cr_assert_eq(memcmp(part, after + at, n), 0, "%zu bytes at %zu", n, at);
        }
    qns_journal_fini(&j);
}

Test(h5_journal, a_whole_one_is_done_again)
{
    char text[MAX_TEXT];
    start();
    leave(text);
    OK(qns_journal_finish(in_folder("f"), &err));
    cr_assert(file_is(after));
    cr_assert_not(qns_file_exists(in_folder("f.flush")));
}

Test(h5_journal, one_that_is_not_whole_changes_nothing)
{
    char text[MAX_TEXT];
    start();
    const size_t n = leave(text);
    for (size_t k = 0; k < n; k++) {
        OK(qns_file_write(in_folder("f.flush"), text, k, &err));
        OK(qns_journal_finish(in_folder("f"), &err));
        cr_assert(file_is(before), "the first %zu of %zu bytes", k, n);
        text[k] ^= 1;
        OK(qns_file_write(in_folder("f.flush"), text, n, &err));
        OK(qns_journal_finish(in_folder("f"), &err));
        cr_assert(file_is(before), "byte %zu of %zu", k, n);
        text[k] ^= 1;
    }
}

/* With a right digest, so that only the places tell. */
Test(h5_journal, a_piece_behind_the_end_changes_nothing)
{
    static const uint64_t bad[][2] = {
        {SIZE - 2, 3}, {SIZE + 1, 3}, {UINT64_MAX - 1, 3}, {10, 4}, {10, UINT64_MAX - 15}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        char text[8 + 8 + 16 + 16 + 3] = "QNSFLUSH";
        const uint64_t n = 16 + 3;
        memcpy(text + 8, &n, 8);
        memcpy(text + 32, bad[i], 16);
        memcpy(text + 48, "!!!", 3);
        const qns_digest d = qns_digest_of(text + 32, n);
        memcpy(text + 16, d.byte, 16);
        start();
        OK(qns_file_write(in_folder("f.flush"), text, sizeof text, &err));
        OK(qns_journal_finish(in_folder("f"), &err));
        cr_assert(file_is(before), "case %zu", i);
    }
}

Test(h5_journal, that_of_a_living_process_is_left_alone)
{
    char text[MAX_TEXT];
    start();
    leave(text);
    const int fd = open(in_folder("f.flush"), O_RDONLY);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    OK(qns_journal_finish(in_folder("f"), &err));
    cr_assert(file_is(before));
    cr_assert(qns_file_exists(in_folder("f.flush")));
    close(fd);
}
