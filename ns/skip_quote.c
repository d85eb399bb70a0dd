/* SPDX-License-Identifier: MIT */
#include "ns/skip_quote.h"

#include <string.h>

/* The code point at s and its length; 0 when it is not UTF-8. Overlong forms and surrogates are
 * refused. */
static size_t decode(uint32_t *out, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    const size_t n = p[0] < 0x80                    ? 1
                     : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
                     : (p[0] & 0xf0) == 0xe0        ? 3
                     : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                    : 0;
    if (n < 2) {
        *out = p[0];
        return n;
    }
    uint32_t c = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the zero at the end, too */
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
        (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

bool qns_is_utf8(const char *s)
{
    uint32_t c;
    for (size_t n; *s; s += n)
        if ((n = decode(&c, s)) == 0)
            return false;
    return true;
}

/* What YAML refuses, what ends a line somewhere, and what makes text look other than it is. */
static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           c == 0xfffe || c == 0xffff;
}

void qns_quote_json(qns_str *out, const char *s)
{
    uint32_t c;
    qns_str_add(out, "\"");
    for (size_t n; *s; s += n) {
        n = decode(&c, s);
        if (n == 0)
            c = 0xfffd, n = 1;
        if (c == '"' || c == '\\')
            qns_str_addf(out, "\\%c", (int)c);
        else if (c == '\n')
            qns_str_add(out, "\\n");
        else if (c == '\t')
            qns_str_add(out, "\\t");
        else if (is_hidden(c) || c == 0xfffd)
            qns_str_addf(out, "\\u%04x", c);
        else
            qns_str_add_n(out, s, n);
    }
    qns_str_add(out, "\"");
}

void qns_quote_shell(qns_str *out, const char *s)
{
    qns_str_add(out, "'");
    for (; *s; s++)
        if (*s == '\'')
            qns_str_add(out, "'\\''");
        else
            qns_str_add_n(out, s, 1);
    qns_str_add(out, "'");
}

void qns_escape_regex(qns_str *out, const char *s)
{
    for (; *s; s++) {
        if (strchr(".^$*+?{}[]()|\\", *s))
            qns_str_add(out, "\\");
        qns_str_add_n(out, s, 1);
    }
}

void qns_escape_fnmatch(qns_str *out, const char *s)
{
    for (; *s; s++)
        if (strchr("*?[", *s))
            qns_str_addf(out, "[%c]", *s);
        else
            qns_str_add_n(out, s, 1);
}

void qns_escape_glob(qns_str *out, const char *s)
{
    for (; *s; s++) {
        if (strchr("*?[\\", *s))
            qns_str_add(out, "\\");
        qns_str_add_n(out, s, 1);
    }
}
