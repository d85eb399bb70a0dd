/* SPDX-License-Identifier: MIT */
#include "core/base/arena.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Test(base, glob)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } c[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "layer1/conv.0", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"layer1.*", "layer1.0.conv", true},
        {"layer1.*", "layer10.0.conv", false},
        {"*conv*", "a/conv_1", true},
        {"*a*b*c", "xxaxxbxxbc", true},
        {"*a*b*c", "xxaxxcxxb", false},
        {"[abc]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[!a-c]x", "ax", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[abc", "[abc", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"a\\", "a\\", true},
        {"**a", "bba", true},
        {"a*", "b", false},
        {"[", "[", true},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(c); i++)
        cr_assert_eq(qns_glob(c[i].pattern, c[i].text), c[i].match, "'%s' on '%s'", c[i].pattern,
                     c[i].text);
    cr_assert(qns_has_glob_chars("a*"));
    cr_assert_not(qns_has_glob_chars("a.b/c-d"));
}

Test(base, glob_is_not_exponential)
{
    char text[20001], pattern[2001];
    memset(text, 'a', 20000);
    text[20000] = 0;
    for (int i = 0; i < 2000; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[1999] = 'b';
    pattern[2000] = 0;
    cr_assert_not(qns_glob(pattern, text));
}

Test(base, nearest)
{
    static const char *const names[] = {"labels", "limit", "inputs"};
    cr_assert_eq(qns_nearest("lables", names, 3), 0);
    cr_assert_eq(qns_nearest("LIMIT", names, 3), 1);
    cr_assert_eq(qns_nearest("input", names, 3), 2);
    cr_assert_eq(qns_nearest("zzzzzz", names, 3), -1);
    cr_assert_eq(qns_nearest("x", names, 0), -1);
    char huge[1000];
    memset(huge, 'l', 999);
    huge[999] = 0;
    cr_assert_eq(qns_nearest(huge, names, 3), -1);
}

Test(base, str_grows)
{
    qns_str t = {0};
    cr_assert_str_eq(qns_str_get(&t), "");
    for (int i = 0; i < 1000; i++)
        qns_str_addf(&t, "%d,", i);
    qns_str_add(&t, "");
    cr_assert_eq(t.len, 10 * 2 + 90 * 3 + 900 * 4);
    cr_assert_eq(strlen(t.s), t.len);
    cr_assert(strstr(t.s, ",999,"));
    qns_mem_fail_at(0);
    for (int i = 0; i < 1000; i++)
        qns_str_add(&t, "0123456789");
    qns_mem_fail_at(-1);
    cr_assert(t.failed);
    cr_assert_eq(strlen(t.s), t.len);
    qns_str_fini(&t);
}

Test(base, map)
{
    enum { N = 5000 };
    static char key[N][16];
    qns_map m = {0};
    cr_assert_eq(qns_map_get(&m, "a"), QNS_MAP_NONE);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(key[i], sizeof key[i], "key%u", i);
        cr_assert_eq(qns_map_put(&m, key[i], i, NULL), QNS_OK);
    }
    cr_assert_eq(qns_map_put(&m, "key7", 70000, NULL), QNS_OK);
    cr_assert_eq(m.n, N);
    for (uint32_t i = 0; i < N; i++)
        cr_assert_eq(qns_map_get(&m, key[i]), i == 7 ? 70000 : i);
    cr_assert_eq(qns_map_get(&m, "key5000"), QNS_MAP_NONE);
    qns_map_fini(&m);
}

Test(base, digest)
{
    qns_digester *d = NULL;
    qns_digest a, b;
    char hex[33];
    a = qns_digest_of("hello", 5);
    cr_assert_eq(qns_digester_create(&d, NULL), QNS_OK);
    qns_digester_add(d, "he", 2);
    qns_digester_add(d, "llo", 3);
    b = qns_digester_result(d);
    cr_assert(qns_digest_equal(&a, &b));
    qns_digester_free(d);
    /* Published vector: XXH3-128 of nothing, seed 0. */
    a = qns_digest_of("", 0);
    qns_digest_hex(hex, &a);
    cr_assert_str_eq(hex, "99aa06d3014798d86001c324468d497f");
    cr_assert(qns_digest_parse(&b, hex));
    cr_assert(qns_digest_equal(&a, &b));
    hex[31] = 'e';
    cr_assert(qns_digest_parse(&b, hex));
    cr_assert_not(qns_digest_equal(&a, &b));
    hex[3] = 'g';
    cr_assert_not(qns_digest_parse(&b, hex));
    cr_assert_not(qns_digest_parse(&b, "12"));
    qns_digest x, y;
    qns_digester *e = NULL;
    cr_assert_eq(qns_digester_create(&d, NULL), QNS_OK);
    cr_assert_eq(qns_digester_create(&e, NULL), QNS_OK);
    qns_digester_add_text(d, "ab");
    qns_digester_add_text(d, "c");
    qns_digester_add_text(e, "a");
    qns_digester_add_text(e, "bc");
    x = qns_digester_result(d);
    y = qns_digester_result(e);
    cr_assert_not(qns_digest_equal(&x, &y));
    qns_digester_free(d);
    qns_digester_free(e);
    qns_digester_free(NULL);
}

Test(base, arena)
{
    qns_arena *a = NULL;
    qns_rng r;
    unsigned char *at[500];
    size_t size[500];
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    qns_rng_seed(&r, 1);
    for (int i = 0; i < 500; i++) {
        size[i] = (size_t)qns_rng_below(&r, i % 50 == 0 ? 200000 : 300);
        at[i] = qns_arena_get(a, size[i], 1);
        cr_assert_not_null(at[i]);
        cr_assert_eq((uintptr_t)at[i] % 64, 0);
        for (size_t k = 0; k < size[i]; k++)
            cr_assert_eq(at[i][k], 0);
        memset(at[i], i & 255, size[i]);
    }
    for (int i = 0; i < 500; i++)
        for (size_t k = 0; k < size[i]; k++)
            cr_assert_eq(at[i][k], i & 255);
    cr_assert_null(qns_arena_get(a, SIZE_MAX, 2));
    cr_assert_null(qns_arena_get(a, SIZE_MAX, 1));
    void *p;
    qns_err err = {0};
    cr_assert_eq(qns_arena_new(&p, a, SIZE_MAX / 2, 3, &err), QNS_E_NOMEM);
    cr_assert_str_eq(qns_arena_strdup(a, "text"), "text");
    qns_arena_free(a);
    qns_arena_free(NULL);
}

Test(base, arena_shared_with_a_child)
{
    enum { SIZE = 1 << 20 };
    int status;
    qns_arena *a = NULL;
    cr_assert_eq(qns_arena_create_shared(&a, SIZE, NULL), QNS_OK);
    char **said = qns_arena_get(a, 1, sizeof *said);
    cr_assert(said && !*said);
    const pid_t child = fork();
    if (child == 0) {
        *said = qns_arena_strdup(a, "from the child");
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_str_eq(*said, "from the child");
    const char *own = qns_arena_strdup(a, "from the parent");
    cr_assert_str_eq(own, "from the parent");
    cr_assert_str_eq(*said, "from the child");
    cr_assert_null(qns_arena_get(a, SIZE, 1), "more than there is");
    char *p = qns_arena_get(a, SIZE / 2, 1);
    cr_assert_not_null(p);
    memset(p, 1, SIZE / 2);
    cr_assert_null(qns_arena_get(a, SIZE / 2, 1));
    qns_arena_free(a);
}

Test(base, mem)
{
    cr_assert_null(qns_calloc(SIZE_MAX / 2, 3));
    cr_assert_null(qns_malloc64(SIZE_MAX));
    cr_assert_null(qns_realloc(NULL, SIZE_MAX / 2, 3));
    void *p = qns_malloc64(0);
    cr_assert_not_null(p);
    qns_free(p);
    qns_mem_fail_at(2);
    for (int i = 0; i < 5; i++) {
        p = qns_calloc(1, 1);
        cr_assert_eq(p != NULL, i < 2);
        qns_free(p);
    }
    qns_mem_fail_at(-1);
}

static qns_status push_all(void *vec, int n, qns_err *err)
{
    struct {
        int *at;
        size_t n, cap;
    } *v = vec;
    for (int i = 0; i < n; i++)
        QNS_VEC_PUSH(v, i, err);
    return QNS_OK;
}

Test(base, vec)
{
    struct {
        int *at;
        size_t n, cap;
    } v = {0};
    cr_assert_eq(push_all(&v, 1000, NULL), QNS_OK);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(v.at[i], i);
    qns_mem_fail_at(0);
    cr_assert_eq(push_all(&v, 100000, NULL), QNS_E_NOMEM);
    qns_mem_fail_at(-1);
    cr_assert_eq(v.at[999], 999);
    qns_free(v.at);
}

/* ---- files ---- */

static int n_files(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void check_content(const char *path, const char *want)
{
    char *s;
    size_t n;
    cr_assert_eq(qns_file_read(&s, &n, path, 1 << 20, NULL), QNS_OK);
    cr_assert_eq(n, strlen(want));
    cr_assert_str_eq(s, want);
    qns_free(s);
}

Test(base, file_is_whole_or_old)
{
    char dir[64], path[80];
    qns_err err = {0};
    snprintf(dir, sizeof dir, "/tmp/qns_base_%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/f", dir);
    cr_assert_eq(mkdir(dir, 0700), 0);
    cr_assert_eq(qns_file_write(path, "old", 3, &err), QNS_OK);
    check_content(path, "old");
    /* A disk that fills up after 4 KiB, as far as this process can see. */
    const struct rlimit before = {RLIM_INFINITY, RLIM_INFINITY}, limit = {4096, RLIM_INFINITY};
    static char big[100000];
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(qns_file_write(path, big, sizeof big, &err), QNS_E_IO);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert(strstr(err.text, "cannot write"), "%s", err.text);
    check_content(path, "old");
    cr_assert_eq(n_files(dir), 1, "a temporary file is left");
    qns_mem_fail_at(0);
    cr_assert_eq(qns_file_write(path, "new", 3, NULL), QNS_E_NOMEM);
    qns_mem_fail_at(-1);
    check_content(path, "old");
    cr_assert_eq(qns_file_write(path, "new", 3, NULL), QNS_OK);
    check_content(path, "new");
    cr_assert_eq(n_files(dir), 1);
    cr_assert_eq(qns_file_write("/no/such/folder/f", "x", 1, NULL), QNS_E_IO);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(dir), 0);
}

Test(base, file_read_refusals)
{
    char *s = NULL;
    size_t n;
    qns_err err = {0};
    cr_assert_eq(qns_file_read(&s, &n, "/no/such/file", 10, &err), QNS_E_IO);
    cr_assert(strstr(err.text, "cannot open '/no/such/file'"));
    cr_assert_eq(qns_file_read(&s, &n, "/tmp", 10, NULL), QNS_E_IO);
    cr_assert_eq(qns_file_read(&s, &n, "/dev/zero", 10, NULL), QNS_E_IO);
    cr_assert_eq(qns_file_read(&s, &n, "/proc/self/exe", 10, NULL), QNS_E_FORMAT);
    cr_assert_null(s);
}

Test(base, paths)
{
    char *p = qns_path_beside("a/b/data.yaml", "x.npy");
    cr_assert_str_eq(p, "a/b/x.npy");
    qns_free(p);
    p = qns_path_beside("data.yaml", "x.npy");
    cr_assert_str_eq(p, "x.npy");
    qns_free(p);
    p = qns_path_beside("a/data.yaml", "/x.npy");
    cr_assert_str_eq(p, "/x.npy");
    qns_free(p);
    cr_assert_str_eq(qns_path_name("a/b"), "b");
    cr_assert_str_eq(qns_path_name("b"), "b");
    cr_assert(qns_has_suffix("a.npy", ".npy"));
    cr_assert_not(qns_has_suffix("npy", ".npy"));
}

/* ---- errors and randomness ---- */

Test(base, errors)
{
    qns_err err = {0};
    cr_assert_eq(qns_err_set(NULL, QNS_E_IO, "f", 1, "x"), QNS_E_IO);
    qns_err_note(NULL, "x");
    qns_err_set(&err, QNS_E_IO, "f", 1, "first %d", 1);
    cr_assert_eq(qns_err_set(&err, QNS_E_DATA, "f", 2, "second"), QNS_E_DATA);
    cr_assert_eq(err.code, QNS_E_IO);
    cr_assert_str_eq(err.text, "first 1");
    qns_err_note(&err, "inner");
    qns_err_note(&err, "outer");
    cr_assert_str_eq(err.trail, "outer: inner");
    for (int i = 0; i < 300; i++)
        qns_err_note(&err, "note %d", i);
    cr_assert_lt(strlen(err.trail), sizeof err.trail);
    cr_assert_eq(strncmp(err.trail, "note 299: note 298", 18), 0);
    for (int i = 0; i < QNS_STATUS_COUNT; i++)
        cr_assert_gt(strlen(qns_status_text((qns_status)i)), 0);
}

Test(base, rng)
{
    qns_rng a, b;
    int count[7] = {0};
    double sum = 0;
    qns_rng_seed(&a, 42);
    qns_rng_seed(&b, 42);
    for (int i = 0; i < 70000; i++) {
        cr_assert_eq(qns_rng_next(&a), qns_rng_next(&b));
        count[qns_rng_below(&a, 7)]++;
        qns_rng_below(&b, 7);
        const double u = qns_rng_unit(&a);
        qns_rng_unit(&b);
        cr_assert(u >= 0 && u < 1);
        sum += u;
    }
    /* Five standard deviations: sqrt(70000 * 6 / 49) = 92.6, and sqrt(70000 / 12) = 76.4. */
    for (int i = 0; i < 7; i++)
        cr_assert(count[i] > 10000 - 463 && count[i] < 10000 + 463, "%d", count[i]);
    cr_assert(sum > 35000 - 382 && sum < 35000 + 382);
}

static void count_texts(void *ctx, qns_log_level level, const char *text)
{
    (void)level, (void)text;
    ++*(int *)ctx;
}

Test(log, muted_for_a_while)
{
    int n = 0;
    qns_log_to(count_texts, &n);
    cr_assert_not(qns_log_mute(true));
    qns_log(QNS_LOG_WARN, "told before");
    cr_assert(qns_log_mute(false));
    qns_log(QNS_LOG_WARN, "%s", "new");
    cr_assert_eq(n, 1);
}
