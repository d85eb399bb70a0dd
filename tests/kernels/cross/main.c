/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdarg.h>

#include "kernels/cpu.h"

static cross_test *first, **last = &first;

void cross_add(cross_test *t)
{
    *last = t;
    last = &t->next;
}

void cross_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

void cross_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "\n%s:%d: %s\n", file, line, what);
    exit(1);
}

int main(void)
{
    unsigned n = 0;
    printf("cpu: %s\n", qk_cpu_text(qk_cpu_detect()));
    for (const cross_test *t = first; t; t = t->next, n++) {
        printf("%s::%s\n", t->suite, t->name);
        fflush(stdout);
        t->run();
    }
    printf("%u passed, 0 failed\n", n);
    return n == 0;
}
