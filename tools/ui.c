/* SPDX-License-Identifier: MIT */
#include "tools/ui.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double qns_ui_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void qns_progress_start(qns_progress *p, const char *label, bool quiet)
{
    *p = (qns_progress){
        .label = label, .on = !quiet && isatty(STDERR_FILENO), .started = qns_ui_now()};
}

static void draw(const qns_progress *p, int64_t done, int64_t total, double now)
{
    char bar[25];
    const int full = total > 0 ? (int)(24 * done / total) : 0;
    memset(bar, '.', 24);
    memset(bar, '#', (size_t)full);
    bar[24] = 0;
    const double spent = now - p->started;
    const double left = done > 0 ? spent / (double)done * (double)(total - done) : 0;
    fprintf(stderr, "\r%-12.12s [%s] %" PRId64 "/%" PRId64 "  %.0f s, %.0f s left \033[K", p->label,
            bar, done, total, spent, left);
    fflush(stderr);
}

void qns_progress_at(void *progress, int64_t done, int64_t total)
{
    qns_progress *p = progress;
    const double now = qns_ui_now();
    if (!p->on || (now - p->drawn < 0.1 && done != total))
        return;
    p->drawn = now;
    draw(p, done, total, now);
}

void qns_progress_end(qns_progress *p)
{
    if (p->on)
        fprintf(stderr, "\r\033[K");
    p->on = false;
}

int qns_ui_width(void)
{
    struct winsize w;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
        return w.ws_col;
    return 80;
}

bool qns_ui_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

int64_t qns_ui_peak_memory(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (int64_t)u.ru_maxrss * 1024 : 0;
}

const char *qns_ui_bytes(char out[24], uint64_t n)
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)n;
    size_t i = 0;
    for (; x >= 1024 && i + 1 < sizeof unit / sizeof unit[0]; i++)
        x /= 1024;
    snprintf(out, 24, x < 10 && i ? "%.1f %s" : "%.0f %s", x, unit[i]);
    return out;
}

/* The handler may run in any thread, that of a capture's writer too; a lock-free flag may be set
 * there. */
static atomic_bool stop;

static void on_signal(int sig)
{
    if (atomic_exchange(&stop, true))
        _exit(128 + sig);
}

void qns_ui_catch_signals(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

bool qns_ui_cancelled(void *unused)
{
    (void)unused;
    return atomic_load(&stop);
}
