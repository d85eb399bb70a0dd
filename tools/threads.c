/* SPDX-License-Identifier: MIT */
/* How OpenMP threads wait. Left alone, libgomp spins for many milliseconds before a thread sleeps;
 * when the machine has other work (a CI server, two runs side by side) the spinning thread holds
 * the core that the working one needs, and a run becomes ten times slower. About ten microseconds
 * of spinning are enough to catch the next layer.
 *
 * libgomp reads its environment when it is loaded, before main() can say anything, so the program
 * starts itself once more with the variable set. A user's own setting wins. */
#include "tools/cmd.h"

#include <stdlib.h>
#include <unistd.h>

void qns_set_wait_policy(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "200", 1) == 0)
        execv("/proc/self/exe", argv); /* comes back only when it failed: then we go on as we are */
}
