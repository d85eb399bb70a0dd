/* SPDX-License-Identifier: MIT */
/* The command gets a process group of its own, so that a timeout reaches what it started, too. Of
 * its two outputs only the ends are kept: they may be of any length. */
#include "ns/eval_cmd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 4096, TICK_MS = 50 };

static const char word[] = "{model}";

qns_status qns_eval_cmd_check(const char *command, qns_err *err)
{
    char quote = 0;
    bool found = false;
    for (const char *s = command; *s; s++) {
        if (strncmp(s, word, sizeof word - 1) == 0) {
            found = true;
            if (quote)
                QNS_FAIL(err, CONFIG,
                         "{model} stands in quotes in the command '%.200s': write it bare, it is "
                         "put in quotes when it is filled in",
                         command);
        }
        if (*s == '\\' && quote != '\'' && s[1])
            s++;
        else if (quote ? *s == quote : (*s == '\'' || *s == '"'))
            quote = quote ? 0 : *s;
    }
    if (!found)
        QNS_FAIL(err, CONFIG,
                 "the command '%.200s' does not say {model}, where the path of the model "
                 "to judge is filled in",
                 command);
    return QNS_OK;
}

void qns_eval_cmd_fill(qns_str *out, const char *command, const char *model)
{
    for (const char *s = command; *s; s++) {
        if (strncmp(s, word, sizeof word - 1) != 0) {
            qns_str_add_n(out, s, 1);
            continue;
        }
        qns_str_add(out, "'");
        for (const char *m = model; *m; m++)
            qns_str_add_n(out, *m == '\'' ? "'\\''" : m, *m == '\'' ? 4 : 1);
        qns_str_add(out, "'");
        s += sizeof word - 2;
    }
}

/* ---- the end of an output ---- */

typedef struct tail {
    char s[2 * KEPT + 1];
    size_t n;
    int fd; /* -1: ended */
} tail;

static void tail_read(tail *t)
{
    char in[KEPT];
    const ssize_t n = read(t->fd, in, sizeof in);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        close(t->fd);
        t->fd = -1;
        return;
    }
    if (t->n + (size_t)n > sizeof t->s - 1) {
        memmove(t->s, t->s + t->n - KEPT, KEPT);
        t->n = KEPT;
    }
    memcpy(t->s + t->n, in, (size_t)n);
    t->n += (size_t)n;
    t->s[t->n] = 0;
}

/* Cuts blank ends off and gives the last line; "" when there is none. */
static const char *last_line(tail *t)
{
    while (t->n && isspace((unsigned char)t->s[t->n - 1]))
        t->s[--t->n] = 0;
    for (size_t i = 0; i < t->n; i++)
        if (!t->s[i])
            t->s[i] = '?'; /* a zero byte would hide the rest */
    const char *line = strrchr(t->s, '\n');
    line = line ? line + 1 : t->s;
    return line + strspn(line, " \t\r");
}

/* ---- the process ---- */

typedef struct child {
    pid_t pid;
    tail out, err;
    int status;
    bool ended, late;
} child;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void become(const char *text, const char *model, int out, int errors)
{
    const int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0 ||
        setenv("QNS_MODEL", model, 1) != 0)
        _exit(127);
    execl("/bin/sh", "sh", "-c", text, (char *)NULL);
    _exit(127);
}

/* Both ends are closed in whatever the program starts. */
static qns_status make_pipe(int end[2], qns_err *err)
{
    if (pipe(end) != 0)
        QNS_FAIL(err, IO, "cannot make a pipe for the command: %s", strerror(errno));
    fcntl(end[0], F_SETFD, FD_CLOEXEC);
    fcntl(end[1], F_SETFD, FD_CLOEXEC);
    return QNS_OK;
}

static void close_pipe(const int end[2])
{
    if (end[0] >= 0)
        close(end[0]);
    if (end[1] >= 0)
        close(end[1]);
}

static qns_status start(child *c, const char *text, const char *model, qns_err *err)
{
    qns_status st = QNS_OK;
    int out[2] = {-1, -1}, errors[2] = {-1, -1};
    QNS_TRY_DONE(make_pipe(out, err));
    QNS_TRY_DONE(make_pipe(errors, err));
    c->pid = fork();
    if (c->pid < 0)
        QNS_FAIL_DONE(err, IO, "cannot start the command: %s", strerror(errno));
    if (c->pid == 0)
        become(text, model, out[1], errors[1]);
    setpgid(c->pid, c->pid); /* whichever of the two is first */
    c->out.fd = out[0];
    c->err.fd = errors[0];
    out[0] = errors[0] = -1;
done:
    close_pipe(out);
    close_pipe(errors);
    return st;
}

static void look(child *c)
{
    struct pollfd p[2] = {{c->out.fd, POLLIN, 0}, {c->err.fd, POLLIN, 0}};
    poll(p, 2, TICK_MS);
    if (c->out.fd >= 0 && p[0].revents)
        tail_read(&c->out);
    if (c->err.fd >= 0 && p[1].revents)
        tail_read(&c->err);
    /* A grandchild may hold the pipe open for ever; the end of the command is what counts. */
    if (!c->ended)
        c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static bool drained(const child *c)
{
    struct pollfd p[2] = {{c->out.fd, POLLIN, 0}, {c->err.fd, POLLIN, 0}};
    return poll(p, 2, 0) <= 0;
}

static void finish(child *c)
{
    kill(-c->pid, SIGKILL);
    while (!c->ended && waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
        ;
    c->ended = true;
    if (c->out.fd >= 0)
        close(c->out.fd);
    if (c->err.fd >= 0)
        close(c->err.fd);
}

static qns_status judge(double *out, child *c, const char *text, double timeout, qns_err *err)
{
    const char *said = last_line(&c->err), *line = last_line(&c->out);
    char *end;
    if (c->late)
        QNS_FAIL(err, DATA, "the command did not end within %g s and was killed: %.160s", timeout,
                 text);
    if (WIFSIGNALED(c->status))
        QNS_FAIL(err, DATA, "the command was killed by signal %d: %.160s", WTERMSIG(c->status),
                 text);
    if (WEXITSTATUS(c->status) != 0)
        QNS_FAIL(err, DATA, "the command failed with exit code %d%s%.160s: %.160s",
                 WEXITSTATUS(c->status), said[0] ? ", saying " : "", said, text);
    const double v = strtod(line, &end);
    if (end == line || end[strspn(end, " \t\r")] || isnan(v))
        QNS_FAIL(err, DATA,
                 "the command printed no number: its last line is '%.80s' and must be a number "
                 "alone: %.160s",
                 line, text);
    *out = v;
    return QNS_OK;
}

qns_status qns_eval_cmd_run(double *out, const char *command, const char *model, double timeout,
                            bool (*cancelled)(void *ctx), void *ctx, qns_err *err)
{
    qns_status st = QNS_OK;
    child c = {.out.fd = -1, .err.fd = -1};
    qns_str text = {0};
    bool stop = false;
    qns_eval_cmd_fill(&text, command, model);
    if (text.failed)
        QNS_FAIL_DONE(err, NOMEM, "out of memory for a command");
    QNS_TRY_DONE(start(&c, qns_str_get(&text), model, err));
    const double began = now();
    while (!c.ended && !stop && !c.late) {
        look(&c);
        stop = cancelled && cancelled(ctx);
        c.late = !c.ended && timeout > 0 && now() - began > timeout;
    }
    while (c.ended && (c.out.fd >= 0 || c.err.fd >= 0) && !drained(&c))
        look(&c);
    finish(&c);
    if (stop)
        QNS_FAIL_DONE(err, CANCELLED, "stopped while the command ran");
    st = judge(out, &c, qns_str_get(&text), timeout, err);
done:
    qns_str_fini(&text);
    return st;
}
