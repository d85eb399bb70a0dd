/* SPDX-License-Identifier: MIT */
/* golden DIR: runs every case of every NAME.json in DIR through the library and compares with what
 * the file expects. A case passes when all of its comparisons do; a case of which a part could not
 * be run is skipped, with the reason. Exit code 0: nothing failed and something passed. */
#include "golden_case.h"

#include "core/base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const gd_kind *const tables[] = {
    gd_quantize_kinds,    gd_choose_kinds,    gd_observer_kinds, gd_gemm_kinds,
    gd_elementwise_kinds, gd_pool_kinds,      gd_norm_kinds,     gd_fusion_kinds,
    gd_metric_kinds,      gd_e2e_kinds,       gd_boundary_kinds, gd_dynamic_kinds,
    gd_train_kinds,       gd_embedding_kinds,
};

typedef struct tally {
    size_t passed, failed, skipped, checks;
} tally;

static bool name_fits(const char *pattern, const char *name)
{
    const size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static const gd_kind *find(const char *file, const char *kind)
{
    for (size_t t = 0; t < QNS_ARRAY_LEN(tables); t++)
        for (const gd_kind *k = tables[t]; k->file; k++)
            if (name_fits(k->file, file) && (!k->kind || strcmp(k->kind, kind) == 0))
                return k;
    return NULL;
}

static void run_case(gd *c, const gd_kind *k)
{
    qns_err err = {0};
    if (setjmp(c->stop) == 0) {
        gd_ok(c, qns_arena_create(&c->arena, &err), &err, "memory");
        k->run(c);
        if (c->checks == 0 && !c->failures && !c->skipped[0])
            gd_fail(c, "nothing was compared");
    }
    while (c->n_defer) {
        c->n_defer--;
        c->defer[c->n_defer].free(c->defer[c->n_defer].p);
    }
    qns_arena_free(c->arena);
}

static void count_case(tally *t, const char *file, size_t index, const json_t *json, qns_npz *npz)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const gd_kind *k = kind ? find(file, kind) : NULL;
    gd *c = qns_calloc(1, sizeof *c);
    if (!c)
        exit(2);
    c->file = file;
    c->index = index;
    c->kind = kind ? kind : "?";
    c->json = json;
    c->npz = npz;
    if (k)
        run_case(c, k);
    else
        gd_skip(c, "nothing here knows this kind of case");
    if (c->failures)
        t->failed++;
    else if (c->skipped[0]) {
        printf("skipped %s case %zu (%s): %s\n", file, index, c->kind, c->skipped);
        t->skipped++;
    } else
        t->passed++;
    t->checks += c->checks;
    qns_free(c);
}

static tally run_file(const char *dir, const char *file)
{
    tally t = {0};
    char path[4096];
    json_error_t why;
    qns_err err = {0};
    qns_npz *npz = NULL;
    json_t *cases, *one;
    size_t i;
    snprintf(path, sizeof path, "%s/%s.json", dir, file);
    json_t *root = json_load_file(path, 0, &why);
    cases = json_object_get(root, "cases");
    snprintf(path, sizeof path, "%s/%s.npz", dir, file);
    if (!json_is_array(cases)) {
        printf("FAILED %s: %s\n", file, root ? "no list 'cases'" : why.text);
        t.failed++;
    } else if (qns_npz_open(&npz, path, &err) != QNS_OK) {
        printf("FAILED %s: %s: %s\n", file, path, err.text);
        t.failed += json_array_size(cases) ? json_array_size(cases) : 1;
    } else
        json_array_foreach(cases, i, one) count_case(&t, file, i, one, npz);
    qns_npz_close(npz);
    json_decref(root);
    printf("%-18s %zu passed, %zu failed, %zu skipped (%zu comparisons)\n", file, t.passed,
           t.failed, t.skipped, t.checks);
    return t;
}

static int is_json(const struct dirent *d)
{
    const size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

int main(int argc, char **argv)
{
    const bool absent_ok = argc > 1 && strcmp(argv[1], "--absent-ok") == 0;
    const char *dir = argc == 2 + absent_ok ? argv[1 + absent_ok] : NULL;
    struct dirent **list;
    tally all = {0};
    if (!dir) {
        fprintf(stderr, "usage: golden [--absent-ok] DIR\n");
        return 2;
    }
    if (absent_ok && access(dir, R_OK) != 0) {
        printf("skipped: there is no '%s'\n", dir);
        return 77;
    }
    const int n = scandir(dir, &list, is_json, alphasort);
    if (n < 0) {
        fprintf(stderr, "golden: cannot read directory '%s'\n", dir);
        return 2;
    }
    for (int i = 0; i < n; i++) {
        list[i]->d_name[strlen(list[i]->d_name) - 5] = 0;
        const tally t = run_file(dir, list[i]->d_name);
        all.passed += t.passed;
        all.failed += t.failed;
        all.skipped += t.skipped;
        free(list[i]);
        fflush(stdout);
    }
    free(list);
    printf("%zu passed, %zu failed, %zu skipped\n", all.passed, all.failed, all.skipped);
    return all.failed || !all.passed;
}
