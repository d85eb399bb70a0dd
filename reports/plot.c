/* SPDX-License-Identifier: MIT */
/* The child's standard input and output are sockets: writing to a child that died is then an error
 * (MSG_NOSIGNAL) and not a signal to whoever uses this library. Both directions and its complaints
 * are moved in one poll loop, so that no side waits for the other. */
#include "reports/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

const qns_drawer qns_gnuplot = {"gnuplot", "-d", ".gp"};
const qns_drawer qns_dot = {"dot", "-Tsvg", ".dot"};

/* A chart of a thousand layers has about a megabyte. */
enum { MAX_SVG = 64 << 20, MAX_COMPLAINT = 4096 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_pair(int fd[2])
{
    for (int i = 0; i < 2; i++) {
        if (fd[i] >= 0)
            close(fd[i]);
        fd[i] = -1;
    }
}

static qns_status open_pair(int fd[2], qns_err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0) {
        fd[0] = fd[1] = -1;
        QNS_FAIL(err, IO, "cannot make a pipe to draw: %s", strerror(errno));
    }
    return QNS_OK;
}

/* in: the script; out: the picture; log: complaints. Element 1 is the child's end. */
static qns_status start(pid_t *pid, const qns_drawer *d, const char *program, int in[2], int out[2],
                        int log[2], qns_err *err)
{
    char name[16], option[16];
    char *const argv[] = {name, option, NULL};
    snprintf(name, sizeof name, "%s", d->program);
    snprintf(option, sizeof option, "%s", d->option);
    posix_spawn_file_actions_t act;
    if (posix_spawn_file_actions_init(&act) != 0)
        QNS_FAIL(err, NOMEM, "cannot start '%s'", program);
    int e = posix_spawn_file_actions_adddup2(&act, in[1], 0);
    e = e ? e : posix_spawn_file_actions_adddup2(&act, out[1], 1);
    e = e ? e : posix_spawn_file_actions_adddup2(&act, log[1], 2);
    e = e ? e : posix_spawnp(pid, program, &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    if (e == ENOENT || e == EACCES)
        QNS_FAIL(err, NOTFOUND, "'%s' is not installed", program);
    if (e)
        QNS_FAIL(err, IO, "cannot start '%s': %s", program, strerror(e));
    return QNS_OK;
}

/* Reads what is there; false at the end. */
static bool drain(int fd, qns_str *to, size_t max)
{
    char buf[16384];
    const ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n > 0 && to->len < max)
        qns_str_add_n(to, buf, (size_t)n);
    return n > 0;
}

static qns_status talk(qns_str *svg, qns_str *log, int in[2], int out, int complaint,
                       const char *script, int64_t deadline, qns_err *err)
{
    size_t left = strlen(script);
    bool open_out = true, open_log = true;
    while (open_out || open_log) {
        struct pollfd p[3] = {{out, POLLIN, 0}, {complaint, POLLIN, 0}, {in[0], POLLOUT, 0}};
        p[0].fd = open_out ? out : -1;
        p[1].fd = open_log ? complaint : -1;
        const int64_t wait = deadline - now_ms();
        const int n = wait > 0 ? poll(p, 3, (int)wait) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            QNS_FAIL(err, CANCELLED, "it did not finish in time");
        if (p[0].revents)
            open_out = drain(out, svg, MAX_SVG);
        if (p[1].revents)
            open_log = drain(complaint, log, MAX_COMPLAINT);
        if (in[0] >= 0 && p[2].revents) {
            const ssize_t w = send(in[0], script, left, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (w > 0) {
                script += w;
                left -= (size_t)w;
            }
            if (!left || (w < 0 && errno != EAGAIN && errno != EINTR)) {
                close(in[0]);
                in[0] = -1;
            }
        }
    }
    return QNS_OK;
}

/* Waits for the child, which closed its ends but may hang on; kills it at the deadline. */
static bool ended_well(pid_t pid, int64_t deadline)
{
    int how = 0;
    for (;;) {
        const pid_t p = waitpid(pid, &how, WNOHANG);
        if (p == pid)
            return WIFEXITED(how) && WEXITSTATUS(how) == 0;
        if (p < 0 && errno != EINTR)
            return false;
        if (now_ms() >= deadline)
            kill(pid, SIGKILL);
        const struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
    }
}

qns_status qns_plot_run(qns_str *svg, const qns_drawer *d, const char *program, const char *script,
                        uint32_t timeout_ms, qns_err *err)
{
    qns_status st = QNS_OK;
    int in[2] = {-1, -1}, out[2] = {-1, -1}, log[2] = {-1, -1};
    pid_t pid = -1;
    qns_str complaint = {0};
    const int64_t deadline = now_ms() + timeout_ms;
    QNS_TRY_DONE(open_pair(in, err));
    QNS_TRY_DONE(open_pair(out, err));
    QNS_TRY_DONE(open_pair(log, err));
    QNS_TRY_DONE(start(&pid, d, program ? program : d->program, in, out, log, err));
    close(in[1]);
    close(out[1]);
    close(log[1]);
    in[1] = out[1] = log[1] = -1;
    st = talk(svg, &complaint, in, out[0], log[0], script, deadline, err);
    if (in[0] >= 0)
        close(in[0]);
    in[0] = -1;
    const bool well = ended_well(pid, st == QNS_OK ? deadline : 0);
    const char *line = qns_str_get(&complaint);
    line += strspn(line, " \n\t^");
    if (st == QNS_OK && (!well || svg->failed))
        QNS_FAIL_DONE(err, IO, "it failed: %.*s", (int)strcspn(line, "\n"), line);
done:
    close_pair(in);
    close_pair(out);
    close_pair(log);
    qns_str_fini(&complaint);
    return st;
}
