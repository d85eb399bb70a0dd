/* SPDX-License-Identifier: MIT */
/* Files around a search: groups of layers, the qconfig.yaml that it makes. */
#include "core/base/file.h"
#include "core/base/yaml.h"
#include "tools/search_job.h"
#include "tools/session.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- groups ---- */

typedef struct qns_trials_group group;

static qns_status no_memory(qns_err *err)
{
    QNS_FAIL(err, NOMEM, "out of memory for a group of layers");
}

/* "a,b*" */
static qns_status split(group *out, const char *text, qns_arena *arena, qns_err *err)
{
    size_t n = 1;
    for (const char *s = text; *s; s++)
        n += *s == ',';
    const char **glob = qns_arena_get(arena, n, sizeof *glob);
    char *s = qns_arena_strdup(arena, text);
    if (!glob || !s)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        char *comma = strchr(s, ',');
        if (comma)
            *comma = 0;
        if (!*s)
            QNS_FAIL(err, CONFIG, "--group '%s' has an empty name", text);
        glob[i] = s;
        s = comma ? comma + 1 : s;
    }
    *out = (group){glob, n};
    return QNS_OK;
}

static qns_status from_list(group *out, const qns_yaml_node *list, qns_arena *arena, qns_err *err)
{
    QNS_TRY(qns_yaml_want(list, QNS_YAML_LIST, err));
    const char **glob = qns_arena_get(arena, list->n, sizeof *glob);
    size_t n = 0;
    if (!glob)
        return no_memory(err);
    for (const qns_yaml_node *c = list->first; c; c = c->next) {
        const char *text;
        QNS_TRY(qns_yaml_text(&text, c, err));
        if (!(glob[n++] = qns_arena_strdup(arena, text)))
            return no_memory(err);
    }
    *out = (group){glob, n};
    return QNS_OK;
}

static qns_status from_root(group **out, size_t *n, size_t room, const qns_yaml_node *root,
                            qns_arena *arena, qns_err *err)
{
    static const char *const keys[] = {"groups"};
    QNS_TRY(qns_yaml_want(root, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(root, keys, 1, err));
    const qns_yaml_node *list = qns_yaml_find(root, "groups");
    if (!list)
        return qns_yaml_fail(root, err, "'groups' is missing: a list of lists of names");
    QNS_TRY(qns_yaml_want(list, QNS_YAML_LIST, err));
    if (!(*out = qns_arena_get(arena, room + list->n, sizeof **out)))
        return no_memory(err);
    for (const qns_yaml_node *c = list->first; c; c = c->next)
        QNS_TRY(from_list(&(*out)[(*n)++], c, arena, err));
    return QNS_OK;
}

qns_status qns_search_groups(qns_trials_spec *s, const qns_search_args *a, qns_arena *arena,
                             qns_err *err)
{
    qns_yaml *y = NULL;
    group *all = NULL;
    size_t n = 0;
    if (a->groups_file) {
        QNS_TRY(qns_yaml_read(&y, a->groups_file, err));
        const qns_status st = from_root(&all, &n, a->n_groups, qns_yaml_root(y), arena, err);
        qns_yaml_free(y);
        QNS_TRY(st);
    } else if (!(all = qns_arena_get(arena, a->n_groups, sizeof *all))) {
        return no_memory(err);
    }
    for (size_t i = 0; i < a->n_groups; i++)
        QNS_TRY(split(&all[n++], a->group[i], arena, err));
    s->group = all;
    s->n_groups = n;
    return QNS_OK;
}

/* ---- output ---- */

qns_status qns_search_can_write(const char *path, qns_err *err)
{
    struct stat sb;
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;
    if (stat(path, &sb) == 0 && S_ISDIR(sb.st_mode))
        QNS_FAIL(err, IO, "cannot write '%s': it is a folder", path);
    if (n >= sizeof folder)
        QNS_FAIL(err, IO, "cannot write '%.80s...': the name is too long", path);
    if (slash) {
        memcpy(folder, n ? path : "/", n ? n : 1);
        folder[n ? n : 1] = 0;
    }
    if (access(folder, W_OK | X_OK) != 0)
        QNS_FAIL(err, IO, "cannot write '%s': folder '%s': %s", path, folder, strerror(errno));
    return QNS_OK;
}

/* A comment ends with its line: what would end it becomes a blank. */
static void comment(qns_str *t, const char *label, const char *text)
{
    qns_str_addf(t, "# %-9s ", label);
    for (const char *s = text; *s; s++)
        qns_str_add_n(t, (unsigned char)*s < 0x20 || *s == 0x7F ? " " : s, 1);
    qns_str_add(t, "\n");
}

static void head(qns_str *t, const qns_search_result *r)
{
    const qns_search_trial *best = qns_search_best(r);
    const qns_search_check *c = &r->check;
    const qns_target_metric m = r->target.metric;
    char target[64], a[32], b[32], lo[32], hi[32];
    qns_str line = {0};
    qns_str_addf(t, "# Made by qns search %s.\n", r->qns);
    comment(t, "target", qns_target_text(target, &r->target));
    qns_str_addf(&line,
                 "%s%s with %u of %u layers in float, %.2f %% of the MACs; everything in int8: %s",
                 qns_search_met(r) ? "" : "NOT MET: ",
                 qns_target_value_text(a, m, qns_search_value(&best->score, m)), best->n_units,
                 r->n_units, 100 * best->cost[QNS_COST_MACS] / r->total[QNS_COST_MACS],
                 qns_target_value_text(b, m, qns_search_value(&r->trial[r->int8].score, m)));
    comment(t, "reached", qns_str_get(&line));
    qns_str_fini(&line);
    if (c->interval.method) {
        qns_str_addf(&line, "%s: %s on %lld other samples, 95 %% interval %s to %s",
                     qns_search_verdict_text(c->verdict),
                     qns_target_value_text(a, m, c->interval.value), (long long)c->samples,
                     qns_target_value_text(lo, m, c->interval.lo),
                     qns_target_value_text(hi, m, c->interval.hi));
        comment(t, "check", qns_str_get(&line));
        qns_str_fini(&line);
    }
    comment(t, "command", r->command);
}

qns_status qns_search_write_qconfig(const char *path, const qns_search_job *j, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_search_result *r = j->result;
    qns_qconfig_set *set = NULL;
    qns_str t = {0};
    QNS_TRY_DONE(qns_qconfig_copy(&set, j->set, err));
    for (uint32_t i = 0; i < r->n_units; i++)
        for (uint32_t k = 0; r->unit[i].in_float && k < r->unit[i].n_names; k++)
            QNS_TRY_DONE(qns_qconfig_skip(set, r->unit[i].names[k], err));
    head(&t, r);
    qns_qconfig_text(&t, set);
    if (t.failed)
        QNS_FAIL_DONE(err, NOMEM, "out of memory for '%s'", path);
    st = qns_file_write(path, qns_str_get(&t), t.len, err);
done:
    qns_str_fini(&t);
    qns_qconfig_free(set);
    return st;
}

const char *qns_search_command(qns_arena *arena, int argc, char **argv)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+:,./-=";
    qns_str t = {0};
    for (int i = 0; i < argc; i++) {
        qns_str_add(&t, i ? " " : "");
        if (i == 0 || (*argv[i] && !argv[i][strspn(argv[i], plain)])) {
            qns_str_add(&t, argv[i]);
            continue;
        }
        qns_str_add(&t, "'");
        for (const char *s = argv[i]; *s; s++)
            qns_str_add_n(&t, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
        qns_str_add(&t, "'");
    }
    const char *out = t.failed ? NULL : qns_arena_strdup(arena, qns_str_get(&t));
    qns_str_fini(&t);
    return out;
}
