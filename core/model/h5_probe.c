/* SPDX-License-Identifier: MIT */
#include "core/model/h5_probe.h"

#include "core/model/h5_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 30 }; /* of the processor: a slow disk is no damage */

/* Never returns. Leaves by _exit(): what the parent registered to happen at its end is not ours. */
static void be_child(const char *path, qns_h5_try *fn, void *ctx)
{
    static const int deadly[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGABRT, SIGXCPU, SIGINT, SIGTERM};
    const struct rlimit no_core = {0, 0};
    struct rlimit cpu;
    setrlimit(RLIMIT_CORE, &no_core);
    if (getrlimit(RLIMIT_CPU, &cpu) == 0 && cpu.rlim_cur > SECONDS) {
        cpu.rlim_cur = SECONDS;
        setrlimit(RLIMIT_CPU, &cpu);
    }
    for (size_t i = 0; i < QNS_ARRAY_LEN(deadly); i++)
        signal(deadly[i], SIG_DFL);
    /* The C library and sanitizers print when they abort; the parent's message says enough. */
    const int quiet = open("/dev/null", O_WRONLY);
    if (quiet >= 0) {
        dup2(quiet, 1);
        dup2(quiet, 2);
    }
    fn(path, ctx);
    _exit(0);
}

void qns_h5_probe_start(qns_h5_child *out, const char *path, qns_h5_try *fn, void *ctx)
{
    qns_h5_lock();
    const pid_t pid = fork();
    qns_h5_unlock();
    if (pid == 0)
        be_child(path, fn, ctx);
    *out = (qns_h5_child){path, (int)pid};
}

qns_status qns_h5_probe_wait(const qns_h5_child *c, qns_err *err)
{
    int status = 0;
    const char *path = c->path;
    if (c->pid < 0)
        return QNS_OK;
    while (waitpid(c->pid, &status, 0) < 0)
        if (errno != EINTR)
            return QNS_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return QNS_OK;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        QNS_FAIL(err, FORMAT, "'%s' is damaged: HDF5 does not come to an end with it", path);
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
        QNS_FAIL(err, CANCELLED, "stopped while reading '%s'", path);
    QNS_FAIL(err, FORMAT, "'%s' is damaged: HDF5 crashes when it reads it", path);
}

qns_status qns_h5_probe(const char *path, qns_h5_try *fn, void *ctx, qns_err *err)
{
    qns_h5_child c;
    qns_h5_probe_start(&c, path, fn, ctx);
    return qns_h5_probe_wait(&c, err);
}
