/* SPDX-License-Identifier: MIT */
/* Names that try to break out of quotes. What Python, a shell and PyTorch make of whole files is
 * tested in tests/skiplist. */
#include "ns/skip_quote.h"

#include <criterion/criterion.h>

static void becomes(void how(qns_str *, const char *), const char *name, const char *want)
{
    qns_str t = {0};
    how(&t, name);
    cr_assert_not(t.failed);
    cr_expect_str_eq(qns_str_get(&t), want, "%s: %s instead of %s", name, qns_str_get(&t), want);
    qns_str_fini(&t);
}

Test(skip_quote, json)
{
    becomes(qns_quote_json, "", "\"\"");
    becomes(qns_quote_json, "/a/Conv", "\"/a/Conv\"");
    becomes(qns_quote_json, "a\"b\\c'd", "\"a\\\"b\\\\c'd\"");
    becomes(qns_quote_json, "a\nb\tc\rd\x01\x7f", "\"a\\nb\\tc\\u000dd\\u0001\\u007f\"");
    becomes(qns_quote_json, "h\xc3\xa9", "\"h\xc3\xa9\"");
    becomes(qns_quote_json, "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
    becomes(qns_quote_json, "\xe2\x80\xa8\xe2\x80\xae\xc2\x85\xef\xbb\xbf",
            "\"\\u2028\\u202e\\u0085\\ufeff\"");
    becomes(qns_quote_json,
            "a\xff"
            "b",
            "\"a\\ufffdb\"");
}

Test(skip_quote, shell)
{
    becomes(qns_quote_shell, "", "''");
    becomes(qns_quote_shell, "$(x) `y` \\ \"z\" !", "'$(x) `y` \\ \"z\" !'");
    becomes(qns_quote_shell, "it's\n'", "'it'\\''s\n'\\'''");
}

Test(skip_quote, patterns)
{
    becomes(qns_escape_regex, "/a.b/c-d_1", "/a\\.b/c-d_1");
    becomes(qns_escape_regex, ".^$*+?{}[]()|\\", "\\.\\^\\$\\*\\+\\?\\{\\}\\[\\]\\(\\)\\|\\\\");
    becomes(qns_escape_fnmatch, "a[0]*?.b\\", "a[[]0][*][?].b\\");
    becomes(qns_escape_glob, "a[0]*?.b\\", "a\\[0]\\*\\?.b\\\\");
}

/* The pattern means its name and nothing near it. */
Test(skip_quote, glob_matches_itself)
{
    static const char *const names[] = {"a[0]", "a0", "*", "x", "?", "\\", "\\a", "a", "[!a]", "b"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(names); i++) {
        qns_str t = {0};
        qns_escape_glob(&t, names[i]);
        for (size_t k = 0; k < QNS_ARRAY_LEN(names); k++)
            cr_expect_eq(qns_glob(qns_str_get(&t), names[k]), i == k, "%s and %s", names[i],
                         names[k]);
        qns_str_fini(&t);
    }
}

Test(skip_quote, utf8)
{
    cr_assert(qns_is_utf8(""));
    cr_assert(qns_is_utf8("a\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"));
    static const char *const bad[] = {"\xff",
                                      "\x80",
                                      "\xc0\xaf",
                                      "\xc3",
                                      "\xe2\x80",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf0\x9f\x98",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++)
        cr_expect_not(qns_is_utf8(bad[i]), "%zu", i);
}
