/* SPDX-License-Identifier: MIT */
/* The part of Criterion's interface that the kernel checks use, for cross builds: Debian has no
 * Criterion of another architecture beside the machine's own. One process, tests in turn, the first
 * failure ends the run. */
#ifndef CROSS_CRITERION_H
#define CROSS_CRITERION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cross_test {
    const char *suite, *name;
    void (*run)(void);
    struct cross_test *next;
} cross_test;

void cross_add(cross_test *t);
_Noreturn void cross_fail(const char *file, int line, const char *what);
void cross_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define Test(suite_, name_, ...)                                                                   \
    static void suite_##_##name_##_test(void);                                                     \
    static __attribute__((constructor)) void suite_##_##name_##_add(void)                          \
    {                                                                                              \
        static cross_test t = {#suite_, #name_, suite_##_##name_##_test, NULL};                    \
        cross_add(&t);                                                                             \
    }                                                                                              \
    static void suite_##_##name_##_test(void)

/* The message and its arguments are optional, as in Criterion. */
#define CROSS_CHECK(good, what, ...)                                                               \
    do {                                                                                           \
        if (!(good)) {                                                                             \
            cross_say("" __VA_ARGS__);                                                             \
            cross_fail(__FILE__, __LINE__, what);                                                  \
        }                                                                                          \
    } while (0)

#define cr_assert(x, ...)           CROSS_CHECK(x, #x, __VA_ARGS__)
#define cr_assert_eq(x, y, ...)     CROSS_CHECK((x) == (y), #x " == " #y, __VA_ARGS__)
#define cr_assert_geq(x, y, ...)    CROSS_CHECK((x) >= (y), #x " >= " #y, __VA_ARGS__)
#define cr_assert_gt(x, y, ...)     CROSS_CHECK((x) > (y), #x " > " #y, __VA_ARGS__)
#define cr_assert_str_eq(x, y, ...) CROSS_CHECK(strcmp(x, y) == 0, #x " equals " #y, __VA_ARGS__)
#define cr_assert_fail(...)         CROSS_CHECK(0, "fail", __VA_ARGS__)

#endif
