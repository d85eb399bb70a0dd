/* SPDX-License-Identifier: MIT */
#include "core/base/str.h"

#include "core/base/mem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qns_str_fini(qns_str *t)
{
    qns_free(t->s);
    *t = (qns_str){0};
}

static bool reserve(qns_str *t, size_t extra)
{
    if (t->failed)
        return false;
    if (t->cap - t->len > extra)
        return true;
    size_t cap = t->cap ? t->cap * 2 : 64;
    while (cap - t->len <= extra)
        cap *= 2;
    char *s = qns_realloc(t->s, cap, 1);
    if (!s) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->cap = cap;
    return true;
}

void qns_str_add_n(qns_str *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

void qns_str_add(qns_str *t, const char *s)
{
    qns_str_add_n(t, s, strlen(s));
}

void qns_str_addf(qns_str *t, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

const char *qns_str_get(const qns_str *t)
{
    return t->s ? t->s : "";
}

/* Matches one element of the pattern against c and says where the next one starts; NULL: no. */
static const char *match_one(const char *p, char c)
{
    if (*p == '?')
        return p + 1;
    if (*p == '\\' && p[1])
        return p[1] == c ? p + 2 : NULL;
    if (*p == '[' && strchr(p + 1, ']')) {
        const char *q = p + 1;
        const bool not = *q == '!';
        bool in = false;
        q += not ;
        do {
            if (q[1] == '-' && q[2] && q[2] != ']') {
                in |= (unsigned char)c >= (unsigned char)q[0] &&
                      (unsigned char)c <= (unsigned char)q[2];
                q += 3;
            } else {
                in |= c == *q;
                q++;
            }
        } while (*q && *q != ']');
        return in != not &&*q ? q + 1 : NULL;
    }
    return *p == c ? p + 1 : NULL;
}

bool qns_glob(const char *p, const char *t)
{
    /* One backtrack point is enough: an earlier star never matches more than a later one could. */
    const char *star = NULL, *resume = NULL;
    while (*t) {
        const char *next;
        if (*p == '*') {
            star = ++p;
            resume = t;
        } else if (*p && (next = match_one(p, *t))) {
            p = next;
            t++;
        } else if (star) {
            p = star;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return !*p;
}

bool qns_has_glob_chars(const char *pattern)
{
    return strpbrk(pattern, "*?[\\") != NULL;
}

enum { MAX_NAME = 128 };

/* Levenshtein, of the first MAX_NAME characters, upper and lower case alike. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1];
    const size_t na = strnlen(a, MAX_NAME), nb = strnlen(b, MAX_NAME);
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diag = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t up = row[j];
            const bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t best = diag + !same;
            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diag = up;
        }
    }
    return row[nb];
}

int64_t qns_nearest(const char *want, const char *const *names, size_t n)
{
    int64_t best = -1;
    size_t best_d = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(want, names[i]);
        const size_t a = strnlen(want, MAX_NAME), b = strnlen(names[i], MAX_NAME);
        const size_t longest = a > b ? a : b;
        if (d < best_d && d * 2 <= longest) {
            best = (int64_t)i;
            best_d = d;
        }
    }
    return best;
}
