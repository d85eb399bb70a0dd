/* SPDX-License-Identifier: MIT */
/* A user's command may fail, hang, flood, say nothing, or be given a path with quotes in it. */
#include "ns/eval_cmd.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double value(const char *command, const char *model)
{
    double v = -1;
    qns_err err = {0};
    cr_assert_eq(qns_eval_cmd_run(&v, command, model, 20, NULL, NULL, &err), QNS_OK, "%s",
                 err.text);
    return v;
}

static void fails(const char *command, double timeout, const char *part)
{
    double v = -1;
    qns_err err = {0};
    cr_assert_eq(qns_eval_cmd_run(&v, command, "m.onnx", timeout, NULL, NULL, &err), QNS_E_DATA,
                 "%s: %s", command, err.text);
    cr_assert(strstr(err.text, part), "%s: %s", command, err.text);
    cr_assert_eq(v, -1);
}

Test(eval_cmd, numbers)
{
    cr_assert_eq(value("echo 0.71", "m"), 0.71);
    cr_assert_eq(value("echo loading; echo; echo ' -3e2 '; echo", "m"), -300);
    cr_assert_eq(value("echo warning >&2; echo 5", "m"), 5);
    cr_assert_eq(value("cat; echo 1", "m"), 1); /* standard input is empty */
    cr_assert_eq(value("seq 1 200000", "m"), 200000);
    cr_assert_eq(value("test \"$QNS_MODEL\" = 'a b' && echo 2", "a b"), 2);
}

/* Nothing in a path is read by the shell. */
Test(eval_cmd, quoting)
{
    const char *path = "/tmp/it's $(touch hacked) `x` \"q\" \\n; echo 9 #";
    char command[256], text[512];
    qns_str t = {0};
    qns_eval_cmd_fill(&t, "printf %s {model} | cksum | cut -d' ' -f1", path);
    FILE *f = popen(qns_str_get(&t), "r");
    cr_assert(f && fgets(text, sizeof text, f));
    pclose(f);
    qns_str_fini(&t);
    snprintf(command, sizeof command, "printf %%s \"$QNS_MODEL\" | cksum | cut -d' ' -f1");
    cr_assert_eq(value(command, path), strtod(text, NULL));
    cr_assert_neq(access("hacked", F_OK), 0);
}

Test(eval_cmd, check)
{
    qns_err err = {0};
    cr_assert_eq(qns_eval_cmd_check("./eval.sh {model} --split 'test set'", &err), QNS_OK);
    cr_assert_eq(qns_eval_cmd_check("./eval.sh \\\"{model}", &err), QNS_OK);
    cr_assert_eq(qns_eval_cmd_check("./eval.sh", &err), QNS_E_CONFIG);
    cr_assert(strstr(err.text, "does not say {model}"));
    err = (qns_err){0};
    cr_assert_eq(qns_eval_cmd_check("./eval.sh '{model}'", &err), QNS_E_CONFIG);
    cr_assert(strstr(err.text, "stands in quotes"), "%s", err.text);
    cr_assert_eq(qns_eval_cmd_check("./eval.sh \"a\\\"{model}\"", NULL), QNS_E_CONFIG);
}

Test(eval_cmd, failures)
{
    fails("echo no accuracy file >&2; exit 3", 20, "exit code 3, saying no accuracy file");
    fails("false {model}", 20, "exit code 1: false 'm.onnx'");
    fails("kill -9 $$", 20, "killed by signal 9");
    fails("true", 20, "its last line is ''");
    fails("echo accuracy: 0.7", 20, "its last line is 'accuracy: 0.7'");
    fails("echo 0.7 0.8", 20, "no number");
    fails("echo nan", 20, "no number");
    fails("printf '5\\0006\\n'", 20, "no number");
    fails("./no-such-command {model}", 20, "exit code 127");
}

/* The command and what it started end with the timeout; a child that stays behind does not hold up
 * a command that has ended. */
Test(eval_cmd, timeout)
{
    char pid_file[64], line[32] = "";
    char command[128];
    snprintf(pid_file, sizeof pid_file, "/tmp/qns_eval_%d", (int)getpid());
    snprintf(command, sizeof command, "sleep 60 & echo $! > %s; wait", pid_file);
    fails(command, 0.3, "did not end within 0.3 s");
    FILE *f = fopen(pid_file, "r");
    cr_assert(f && fgets(line, sizeof line, f));
    fclose(f);
    unlink(pid_file);
    const pid_t left = (pid_t)atoi(line);
    for (int i = 0; i < 100 && kill(left, 0) == 0; i++)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    FILE *stat = NULL;
    snprintf(command, sizeof command, "/proc/%d/stat", (int)left);
    if (kill(left, 0) == 0 && (stat = fopen(command, "r"))) { /* may be a zombie without a parent */
        char state = 0;
        cr_assert_eq(fscanf(stat, "%*d %*s %c", &state), 1);
        cr_assert_eq(state, 'Z');
        fclose(stat);
    }
    cr_assert_eq(value("sleep 60 & echo 4", "m"), 4);
}

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

Test(eval_cmd, cancelled)
{
    double v;
    cr_assert_eq(qns_eval_cmd_run(&v, "sleep 60", "m", 0, always, NULL, NULL), QNS_E_CANCELLED);
}
