/* SPDX-License-Identifier: MIT */
#include "reports/label.h"

#include <string.h>

enum { BROKEN = 0xFFFD };

/* Decodes one character, moves *s behind it; BROKEN for a byte that starts none. */
static uint32_t next_char(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    const uint32_t c = p[0];
    *s += 1;
    if (c < 0x80)
        return c;
    const int more = c >= 0xF0 && c < 0xF5   ? 3
                     : c >= 0xE0 && c < 0xF0 ? 2
                     : c >= 0xC2 && c < 0xE0 ? 1
                                             : 0;
    if (!more)
        return BROKEN;
    static const uint32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    uint32_t v = c & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return BROKEN;
        v = v << 6 | (p[i] & 0x3Fu);
    }
    if (v < lowest[more] || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000))
        return BROKEN;
    *s += more;
    return v;
}

/* Controls, separators, direction marks and overrides, the byte order mark. */
static bool invisible(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF0 && c <= 0xFFFF && c != 0xFFFD) || (c >= 0xE0000 && c < 0xE1000);
}

static size_t columns(uint32_t c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0xFE00 && c < 0xFE10) || (c >= 0x20D0 && c < 0x2100))
        return 0;
    const bool wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) ||
                      (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB00) ||
                      (c >= 0xFE30 && c < 0xFE70) || (c >= 0xFF00 && c < 0xFF61) ||
                      (c >= 0xFFE0 && c < 0xFFE7) || (c >= 0x1F300 && c < 0x1FB00) ||
                      (c >= 0x20000 && c < 0x3FFFE);
    return wide ? 2 : 1;
}

static void add(qns_str *out, const char *s, bool clean)
{
    while (*s) {
        const char *from = s;
        const uint32_t c = next_char(&s);
        if (c == BROKEN || (clean && invisible(c)))
            qns_str_add(out, "\xEF\xBF\xBD");
        else
            qns_str_add_n(out, from, (size_t)(s - from));
    }
}

void qns_label_add(qns_str *out, const char *s)
{
    add(out, s, true);
}

void qns_label_add_utf8(qns_str *out, const char *s)
{
    add(out, s, false);
}

static const char *finish(qns_arena *a, qns_str *t)
{
    const char *s = t->failed ? NULL : qns_arena_strdup(a, qns_str_get(t));
    qns_str_fini(t);
    return s;
}

const char *qns_label_clean(qns_arena *a, const char *s)
{
    qns_str t = {0};
    qns_label_add(&t, s);
    return finish(a, &t);
}

size_t qns_label_width(const char *s)
{
    size_t n = 0;
    while (*s)
        n += columns(next_char(&s));
    return n;
}

/* How many bytes of clean text fit into width columns. */
static size_t fitting(const char *s, size_t width)
{
    const char *p = s;
    size_t n = 0;
    while (*p) {
        const char *q = p;
        n += columns(next_char(&q));
        if (n > width)
            break;
        p = q;
    }
    return (size_t)(p - s);
}

static void add_shortened(qns_str *out, const char *s, size_t width)
{
    const size_t all = qns_label_width(s);
    if (all <= width) {
        qns_str_add(out, s);
        return;
    }
    const size_t tail = width / 2, head = width - 1 - tail;
    qns_str_add_n(out, s, fitting(s, head));
    qns_str_add(out, "\xE2\x80\xA6");
    const char *p = s;
    for (size_t left = all; *p && left > tail;)
        left -= columns(next_char(&p));
    qns_str_add(out, p);
}

void qns_label_add_short(qns_str *out, const char *s, size_t width)
{
    qns_str t = {0};
    qns_label_add(&t, s);
    out->failed |= t.failed;
    add_shortened(out, qns_str_get(&t), width);
    qns_str_fini(&t);
}

const char *qns_label_short(qns_arena *a, const char *s, size_t width)
{
    qns_str t = {0};
    qns_label_add_short(&t, s, width);
    return finish(a, &t);
}

void qns_label_add_wrapped(qns_str *out, const char *s, size_t width, size_t indent, size_t first)
{
    qns_str t = {0};
    qns_label_add(&t, s);
    out->failed |= t.failed;
    const char *p = qns_str_get(&t);
    size_t used = first;
    bool fresh = true; /* nothing yet in this line */
    while (*p) {
        while (*p == ' ')
            p++;
        size_t n = strcspn(p, " ");
        if (!n)
            break;
        size_t bytes = fitting(p, width - indent);
        const size_t take = bytes < n ? bytes : n;
        qns_str word = {0};
        qns_str_add_n(&word, p, take);
        const size_t w = qns_label_width(qns_str_get(&word));
        if (used + !fresh + w > width && used > indent) {
            qns_str_addf(out, "\n%*s", (int)indent, "");
            used = indent;
            fresh = true;
        }
        if (!fresh)
            qns_str_add(out, " ");
        qns_str_add(out, qns_str_get(&word));
        out->failed |= word.failed;
        qns_str_fini(&word);
        used += w + !fresh;
        fresh = false;
        p += take ? take : n; /* a character wider than the line is left out */
    }
    qns_str_fini(&t);
}

void qns_label_add_html(qns_str *out, const char *s)
{
    static const struct {
        char c;
        const char *as;
    } entity[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    qns_str t = {0};
    qns_label_add(&t, s);
    out->failed |= t.failed;
    for (const char *p = qns_str_get(&t); *p; p++) {
        size_t i = 0;
        while (i < QNS_ARRAY_LEN(entity) && entity[i].c != *p)
            i++;
        if (i < QNS_ARRAY_LEN(entity))
            qns_str_add(out, entity[i].as);
        else
            qns_str_add_n(out, p, 1);
    }
    qns_str_fini(&t);
}

void qns_label_add_gnuplot(qns_str *out, const char *s)
{
    /* Quotes, back quotes and backslashes mean something to some part of gnuplot's reader; signs
     * that look the same mean nothing. */
    static const struct {
        char c;
        const char *as;
    } alike[] = {{'\'', "\xE2\x80\x99"},
                 {'"', "\xE2\x80\x9D"},
                 {'`', "\xE2\x80\x98"},
                 {'\\', "\xE2\xA7\xB5"}};
    qns_str t = {0};
    qns_label_add(&t, s);
    out->failed |= t.failed;
    qns_str_add(out, "'");
    for (const char *p = qns_str_get(&t); *p; p++) {
        size_t i = 0;
        while (i < QNS_ARRAY_LEN(alike) && alike[i].c != *p)
            i++;
        if (i < QNS_ARRAY_LEN(alike))
            qns_str_add(out, alike[i].as);
        else
            qns_str_add_n(out, p, 1);
    }
    qns_str_add(out, "'");
    qns_str_fini(&t);
}

void qns_label_add_dot(qns_str *out, const char *s)
{
    qns_str t = {0};
    qns_label_add(&t, s);
    out->failed |= t.failed;
    qns_str_add(out, "\"");
    for (const char *p = qns_str_get(&t); *p; p++) {
        if (*p == '"' || *p == '\\')
            qns_str_add(out, "\\");
        qns_str_add_n(out, p, 1);
    }
    qns_str_add(out, "\"");
    qns_str_fini(&t);
}
