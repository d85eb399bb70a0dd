/* SPDX-License-Identifier: MIT */
/* How OpenMP threads wait. Left alone, libgomp spins for many milliseconds before a thread sleeps;
 * when the machine has other work (a CI server, two runs side by side) the spinning thread holds
 * the core that the working one needs, and a run becomes ten times slower. A thread that sleeps has
 * to be woken for the next layer, which takes some 50 microseconds: a network of 100 layers then
 * gains nothing from a second thread. So threads spin about 200 microseconds, which bridges two
 * layers, where a core is free for each; on a busy machine about 10. Teams (core/base/team.h) wait
 * as long.
 *
 * libgomp reads its environment when it is loaded, before main() can say anything, so the program
 * starts itself once more with the variable set. A user's own setting wins. Where threads are bound
 * to processors the first one is bound by then, too, and a program that it starts would have that
 * processor only: there all stays as it is. */
#include "tools/cmd.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Threads of all programs that want to run now, this one included; 0 when nobody knows. */
static int running(void)
{
    int n = 0;
    FILE *f = fopen("/proc/loadavg", "r");
    if (f) {
        if (fscanf(f, "%*f %*f %*f %d/", &n) != 1)
            n = 0;
        fclose(f);
    }
    return n;
}

void qns_set_wait_policy(char **argv)
{
    static const char *const own[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_PROC_BIND",
                                      "OMP_PLACES", "GOMP_CPU_AFFINITY"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(own); i++)
        if (getenv(own[i]))
            return;
    const bool idle = running() <= omp_get_num_procs() / 2 + 1;
    if (setenv("GOMP_SPINCOUNT", idle ? "5000" : "200", 1) == 0)
        execv("/proc/self/exe", argv); /* comes back only when it failed: then we go on as we are */
}
