/* SPDX-License-Identifier: MIT */
#include "reports/svg.h"

#include "reports/label.h"

#include <stdio.h>
#include <string.h>

/* What gnuplot's and Graphviz's SVG is drawn with. */
static const char *const elements[] = {"svg",  "g",      "path",   "polygon",  "polyline",
                                       "line", "circle", "rect",   "text",     "tspan",
                                       "use",  "defs",   "symbol", "clipPath", "ellipse"};
static const char *const attributes[] = {"viewBox",
                                         "d",
                                         "points",
                                         "x",
                                         "y",
                                         "width",
                                         "height",
                                         "cx",
                                         "cy",
                                         "r",
                                         "rx",
                                         "ry",
                                         "transform",
                                         "stroke-width",
                                         "stroke-linecap",
                                         "fill-opacity",
                                         "stroke-linejoin",
                                         "stroke-dasharray",
                                         "stroke-opacity",
                                         "font-size",
                                         "font-weight",
                                         "text-anchor",
                                         "shape-rendering"};

/* The scripts draw with these; style.css gives each a value per theme. */
static const struct {
    const char *rgb, *name;
} house[] = {{"37,99,235", "act"},  {"124,58,237", "weight"}, {"180,83,9", "watch"},
             {"220,38,38", "bad"},  {"21,128,61", "ok"},      {"100,116,139", "ref"},
             {"234,88,12", "reach"}};

typedef struct scanner {
    qns_str *out;
    const char *prefix, *title;
    bool failed;    /* not well-formed */
    bool root;      /* the svg element was seen */
    int groups;     /* open ones */
    char class[64]; /* of the element at hand */
} scanner;

static bool is_one_of(const char *const *list, size_t n, const char *s, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == len && memcmp(list[i], s, len) == 0)
            return true;
    return false;
}

static size_t name_length(const char *p)
{
    return strcspn(p, " \t\r\n=/>'\"");
}

/* Attribute values come from gnuplot escaped; what could still end one is dropped. */
static void add_value(qns_str *out, const char *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("<>\"'`", v[i]) && (unsigned char)v[i] >= 0x20)
            qns_str_add_n(out, v + i, 1);
}

/* "rgb( 37,  99, 235)" and "#2563eb" become "37,99,235". */
static void plain_rgb(char rgb[32], const char *v, size_t n)
{
    unsigned r, g, b;
    size_t k = 0;
    if (n == 7 && sscanf(v, "#%2x%2x%2x", &r, &g, &b) == 3) {
        snprintf(rgb, 32, "%u,%u,%u", r, g, b);
        return;
    }
    for (size_t i = 0; i < n && k + 1 < 32; i++)
        if (strchr("0123456789,", v[i]))
            rgb[k++] = v[i];
    rgb[k] = 0;
}

/* A colour of the house becomes a class; black and greys follow the text; none stays. */
static void add_colour(scanner *s, const char *attr, const char *v, size_t n)
{
    char rgb[32];
    const bool none =
        (n == 4 && memcmp(v, "none", 4) == 0) || (n == 11 && memcmp(v, "transparent", 11) == 0);
    plain_rgb(rgb, v, n);
    for (size_t i = 0; i < QNS_ARRAY_LEN(house); i++)
        if (strcmp(rgb, house[i].rgb) == 0) {
            const size_t used = strlen(s->class);
            snprintf(s->class + used, sizeof s->class - used, "%sk-%s-%s", used ? " " : "", attr,
                     house[i].name);
            return;
        }
    if (strcmp(attr, "color") != 0)
        qns_str_addf(s->out, " %s=\"%s\"", attr, none ? "none" : "currentColor");
}

static void add_attribute(scanner *s, const char *name, size_t n, const char *v, size_t len)
{
    char key[32];
    snprintf(key, sizeof key, "%.*s", (int)n, name);
    if (strcmp(key, "stroke") == 0 || strcmp(key, "fill") == 0 || strcmp(key, "color") == 0) {
        add_colour(s, key, v, len);
    } else if (strcmp(key, "id") == 0) {
        qns_str_addf(s->out, " id=\"%s-", s->prefix);
        add_value(s->out, v, len);
        qns_str_add(s->out, "\"");
    } else if (strcmp(key, "xlink:href") == 0 && v[0] == '#') {
        qns_str_addf(s->out, " href=\"#%s-", s->prefix);
        add_value(s->out, v + 1, len - 1);
        qns_str_add(s->out, "\"");
    } else if (strcmp(key, "class") == 0 && len == 8 && memcmp(v, "gridline", 8) == 0) {
        qns_str_add(s->out, " opacity=\"0.25\"");
    } else if (is_one_of(attributes, QNS_ARRAY_LEN(attributes), name, n)) {
        qns_str_addf(s->out, " %s=\"", key);
        add_value(s->out, v, len);
        qns_str_add(s->out, "\"");
    }
}

/* The attributes behind an element's name; stops at its end. write: false only skips. */
static const char *read_attributes(scanner *s, const char *p, bool write)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (!*p || *p == '>' || *p == '/')
            return p;
        const char *name = p;
        const size_t n = name_length(p);
        p += n;
        p += strspn(p, " \t\r\n");
        if (!n || *p != '=') {
            s->failed = true;
            return p;
        }
        p++;
        p += strspn(p, " \t\r\n");
        const char quote = *p;
        const char *end = quote == '"' || quote == '\'' ? strchr(p + 1, quote) : NULL;
        if (!end) {
            s->failed = true;
            return p;
        }
        if (write)
            add_attribute(s, name, n, p + 1, (size_t)(end - p) - 1);
        p = end + 1;
    }
}

/* Text between elements: gnuplot escaped it; a stray > is made harmless all the same. */
static const char *copy_text(scanner *s, const char *p, bool write)
{
    const size_t n = strcspn(p, "<");
    const size_t blank = strspn(p, " \t\r\n");
    if (write && blank < n)
        for (size_t i = 0; i < n; i++) {
            if (p[i] == '>')
                qns_str_add(s->out, "&gt;");
            else
                qns_str_add_n(s->out, p + i, 1);
        }
    return p + n;
}

/* Behind a whole element that is left out; p is behind its name. */
static const char *skip_element(scanner *s, const char *p, const char *name, size_t n)
{
    p = read_attributes(s, p, false);
    if (*p == '/')
        return p + 1 + (p[1] == '>');
    while ((p = strstr(p, "</")))
        if (strncmp(p += 2, name, n) == 0 && p[n] == '>')
            return p + n + 1;
    s->failed = true;
    return "";
}

static void add_root(scanner *s)
{
    qns_str_addf(s->out, " role=\"img\" aria-labelledby=\"%s-title\"><title id=\"%s-title\">",
                 s->prefix, s->prefix);
    qns_label_add_html(s->out, s->title);
    qns_str_add(s->out, "</title>");
}

/* The element whose '<' is at p. */
static const char *copy_element(scanner *s, const char *p)
{
    const bool close = p[1] == '/';
    const char *name = p + 1 + close;
    const size_t n = name_length(name);
    p = name + n;
    const bool title = n == 5 && memcmp(name, "title", 5) == 0 && s->groups >= 2;
    if (!(title || is_one_of(elements, QNS_ARRAY_LEN(elements), name, n)) ||
        (!close && !s->root && n != 3)) {
        if (close)
            return strchr(p, '>') ? strchr(p, '>') + 1 : "";
        return skip_element(s, p, name, n);
    }
    /* Half of gnuplot's groups are empty. */
    const char *end = strchr(p, '>');
    if (!close && n == 1 && *name == 'g' && end) {
        end += 1 + strspn(end + 1, " \t\r\n");
        if (strncmp(end, "</g>", 4) == 0)
            return end + 4;
    }
    qns_str_add(s->out, close ? "</" : "<");
    qns_str_add_n(s->out, name, n);
    s->class[0] = 0;
    p = close ? p + strcspn(p, ">") : read_attributes(s, p, true);
    if (s->class[0])
        qns_str_addf(s->out, " class=\"%s\"", s->class);
    const bool empty = *p == '/';
    p += empty;
    if (n == 1 && *name == 'g' && !empty)
        s->groups += close ? -1 : 1;
    if (*p != '>') {
        s->failed = true;
        return "";
    }
    if (!s->root)
        add_root(s);
    else
        qns_str_add(s->out, empty ? "/>" : ">");
    s->root = true;
    if (close && n == 1)
        qns_str_add(s->out, "\n");
    return p + 1;
}

qns_status qns_svg_inline(qns_str *out, const char *svg, const char *prefix, const char *title,
                          qns_err *err)
{
    scanner s = {.out = out, .prefix = prefix, .title = title};
    const char *p = strstr(svg, "<svg");
    while (p && *p && !s.failed) {
        if (strncmp(p, "<!--", 4) == 0) {
            const char *end = strstr(p, "-->");
            p = end ? end + 3 : "";
        } else if (strncmp(p, "<![", 3) == 0) {
            s.failed = true;
        } else {
            p = *p == '<' ? copy_element(&s, p) : copy_text(&s, p, s.root);
        }
    }
    if (!s.root || s.failed)
        QNS_FAIL(err, FORMAT, "what came back is no SVG that can be read");
    if (out->failed)
        QNS_FAIL(err, NOMEM, "cannot keep a chart");
    qns_str_add(out, "\n");
    return QNS_OK;
}
