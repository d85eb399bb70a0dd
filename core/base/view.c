/* SPDX-License-Identifier: MIT */
#include "core/base/view.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* WINDOW: so large that mapping does not count beside reading. SMALL: less is copied sooner than
 * mapped. */
enum { WINDOW = 4 << 20, SMALL = 64 * 1024 };

#if defined(MAP_POPULATE)
enum { HOW = MAP_SHARED | MAP_POPULATE };
#else
enum { HOW = MAP_SHARED };
#endif

static _Thread_local qns_view *mine;

static struct {
    pthread_mutex_t mutex;
    size_t n; /* views of all threads */
    struct sigaction before;
} all_views = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A signal that is not ours: as if we were not there. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *a = &all_views.before;
    if (a->sa_flags & SA_SIGINFO) {
        a->sa_sigaction(sig, info, context);
    } else if (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN) {
        a->sa_handler(sig);
    } else {
        signal(sig, SIG_DFL);
        raise(sig); /* comes when this handler has returned */
    }
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr;
    for (qns_view *v = mine; v; v = v->next) {
        const uintptr_t from = (uintptr_t)v->window;
        if (!v->window || at < from || at - from >= v->size)
            continue;
        v->lost = true;
        if (mmap(v->window, v->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
            MAP_FAILED)
            return;
    }
    pass_on(sig, info, context);
}

void qns_view_init(qns_view *v)
{
    struct sigaction a = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    *v = (qns_view){.fd = -1, .next = mine};
    mine = v;
    sigemptyset(&a.sa_mask);
    pthread_mutex_lock(&all_views.mutex);
    if (all_views.n++ == 0)
        sigaction(SIGBUS, &a, &all_views.before);
    pthread_mutex_unlock(&all_views.mutex);
}

static void drop_window(qns_view *v)
{
    if (v->window)
        munmap(v->window, v->size);
    v->window = NULL;
}

void qns_view_fini(qns_view *v)
{
    qns_view **at = &mine;
    drop_window(v);
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    pthread_mutex_lock(&all_views.mutex);
    if (--all_views.n == 0)
        sigaction(SIGBUS, &all_views.before, NULL);
    pthread_mutex_unlock(&all_views.mutex);
}

/* From the page of `at` on. */
static bool map_window(qns_view *v, int fd, uint64_t at, size_t size, uint64_t all)
{
    struct stat s;
    const uint64_t first = at - at % (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t wanted = at - first + (all > size ? all : size);
    drop_window(v);
    if (at - first + size > WINDOW || fstat(fd, &s) != 0 || (uint64_t)s.st_size < at + size)
        return false;
    wanted = wanted < WINDOW ? wanted : WINDOW;
    wanted = wanted < (uint64_t)s.st_size - first ? wanted : (uint64_t)s.st_size - first;
    void *p = mmap(NULL, (size_t)wanted, PROT_READ, HOW, fd, (off_t)first);
    if (p == MAP_FAILED)
        return false;
    v->fd = fd;
    v->first = first;
    v->size = (size_t)wanted;
    v->window = p;
    return true;
}

const void *qns_view_get(qns_view *v, int fd, uint64_t at, size_t size, uint64_t all)
{
    const bool here = v->window && v->fd == fd && at >= v->first && at - v->first <= v->size &&
                      size <= v->size - (at - v->first);
    if (!here && (all < SMALL || at > INT64_MAX - WINDOW || !map_window(v, fd, at, size, all)))
        return NULL;
    return v->window + (at - v->first);
}

bool qns_view_lost(const qns_view *v)
{
    return v->lost;
}
