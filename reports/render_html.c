/* SPDX-License-Identifier: MIT */
/* One self-contained page: page.html filled with the report, with style, script, charts and the
 * result itself inside. The page works without its script; the script adds sorting and folding. */
#include "core/base/file.h"
#include "core/base/log.h"
#include "reports/kind.h"
#include "reports/label.h"
#include "reports/plot.h"
#include "reports/render.h"
#include "reports/svg.h"
#include "reports/template.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A result larger than this is not put into the page: it would be slow to open. */
enum { MAX_EMBEDDED = 4 << 20, NAME_COLUMNS = 44, PLOT_MS = 20000 };

typedef struct html {
    const qns_report *r;
    const qns_report_opts *o;
    qns_arena *a; /* values of the template */
    qns_tval *root;
} html;

static void add_facts(qns_tval *to, const char *list, const qns_fact *f, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        qns_tval *v = qns_tval_add(to, list);
        qns_tval_set(v, "label", f[i].label);
        qns_tval_set(v, "value", f[i].value);
    }
}

/* A list of one item with the text, or none when it is empty. */
static void add_optional(qns_tval *to, const char *list, const char *text)
{
    if (text[0])
        qns_tval_set(qns_tval_add(to, list), "text", text);
}

static void fill_head(html *h)
{
    static const char *const said[] = {"fine", "to watch", "needs work"};
    const qns_report *r = h->r;
    qns_tval *v = h->root;
    qns_tval_set(v, "qns", r->qns);
    qns_tval_set(v, "title", r->title);
    qns_tval_set(v, "subtitle", r->subtitle);
    qns_tval_set(v, "verdict", r->verdict);
    qns_tval_setf(v, "level", "%d", r->level);
    qns_tval_set(v, "level_text", r->level >= 0 ? said[r->level] : "nothing compared");
    add_facts(v, "answers", r->answer, r->n_answers);
    for (uint32_t i = 0; i < r->n_cards; i++) {
        qns_tval *c = qns_tval_add(v, "cards");
        qns_tval_set(c, "label", r->card[i].label);
        qns_tval_set(c, "value", r->card[i].value);
        qns_tval_set(c, "short", qns_label_short(h->a, r->card[i].value, 40));
        qns_tval_set(c, "size", qns_label_width(r->card[i].value) > 10 ? " long" : "");
        qns_tval_set(c, "note", r->card[i].note);
        qns_tval_setf(c, "level", "%d", r->card[i].level);
    }
    for (uint32_t i = 0; i < r->n_advice; i++) {
        const qns_advice *a = &r->advice[i];
        qns_tval *f = qns_tval_add(v, "findings");
        qns_tval_set(f, "code", a->code);
        qns_tval_set(f, "severity", a->severity);
        qns_tval_set(f, "subject", a->subject);
        qns_tval_set(f, "text", a->text);
        qns_tval_setf(f, "level", "%d", a->level);
        add_optional(f, "next", a->next);
    }
    if (!r->n_advice)
        qns_tval_add(v, "no_findings");
}

/* "c-layer", "num c-extra c-order", ... : for the style sheet. */
static const char *column_class(html *h, const qns_column *c, uint32_t i)
{
    qns_str t = {0};
    qns_str_addf(&t, "%s%s%s", c->number ? "num " : "", c->extra ? "c-extra " : "", "c-");
    qns_str_add(&t, i ? c->title : "rank");
    const char *s = t.failed ? NULL : qns_arena_strdup(h->a, qns_str_get(&t));
    qns_str_fini(&t);
    return s;
}

static void add_columns(html *h, qns_tval *to, const qns_table *t, const char *const *class)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        qns_tval *c = qns_tval_add(to, "columns");
        qns_tval_set(c, "title", t->column[i].title);
        qns_tval_set(c, "hint", t->column[i].hint);
        qns_tval_set(c, "class", class[i]);
        add_optional(c, "unit", t->column[i].unit);
    }
}

static const char *const *column_classes(html *h, const qns_table *t)
{
    const char **class = qns_arena_get(h->a, t->n_columns, sizeof *class);
    for (uint32_t i = 0; class && i < t->n_columns; i++)
        class[i] = column_class(h, &t->column[i], i);
    return class;
}

static void add_cell(html *h, qns_tval *row, const qns_cell *c, const char *class, bool name,
                     bool verdict)
{
    qns_tval *v = qns_tval_add(row, "cells");
    qns_tval_set(v, "class", class);
    if (isnan(c->sort))
        qns_tval_set(v, "sort", "");
    else
        qns_tval_setf(v, "sort", "%.9g", c->sort);
    const bool bar = !isnan(c->share);
    qns_tval *shown = qns_tval_add(v, name ? "name" : verdict ? "tagged" : bar ? "bar" : "plain");
    qns_tval_set(shown, "text", c->text);
    qns_tval_setf(shown, "level", "%d", c->level);
    if (bar)
        qns_tval_setf(shown, "share", "%.1f", 100 * c->share);
    if (name)
        qns_tval_set(shown, "short", qns_label_short(h->a, c->text, NAME_COLUMNS));
}

/* Headings have no capitals. */
static const char *capital(html *h, const char *s)
{
    char *c = qns_arena_strdup(h->a, s);
    if (c)
        c[0] = (char)toupper((unsigned char)c[0]);
    return c;
}

/* The buttons that filter the table. */
static void fill_groups(html *h)
{
    const qns_table *t = &h->r->layers;
    for (uint32_t i = 0; i < h->r->n_groups; i++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < t->n_rows; k++)
            n += strcmp(t->row[k].cell[t->n_columns - 1].text, h->r->groups[i]) == 0;
        qns_tval *v = qns_tval_add(h->root, "chips");
        qns_tval_set(v, "text", h->r->groups[i]);
        qns_tval_setf(v, "n", "%u", n);
    }
}

static void fill_layers(html *h)
{
    const qns_table *t = &h->r->layers;
    const char *const *class = column_classes(h, t);
    if (!class)
        return;
    add_columns(h, h->root, t, class);
    for (uint32_t i = 0; i < t->n_rows; i++) {
        const qns_row *row = &t->row[i];
        qns_tval *v = qns_tval_add(h->root, "layers");
        qns_tval_set(v, "verdict", row->cell[t->n_columns - 1].text);
        for (uint32_t c = 0; c < t->n_columns; c++)
            add_cell(h, v, &row->cell[c], class[c], c == t->name_column, c + 1 == t->n_columns);
        add_optional(v, "next", row->next);
        for (uint32_t g = 0; g < row->n_facts; g++) {
            qns_tval *group = qns_tval_add(v, "groups");
            qns_tval_set(group, "title", row->facts[g].title);
            add_facts(group, "facts", row->facts[g].fact, row->facts[g].n);
        }
    }
    qns_tval_setf(h->root, "n_columns", "%u", t->n_columns);
    qns_tval_setf(h->root, "n_layers", "%u", t->n_rows);
    qns_tval_set(h->root, "heading", capital(h, h->r->heading));
    qns_tval_set(h->root, "intro", h->r->intro);
    fill_groups(h);
}

static void fill_table(html *h, const char *name, const qns_table *t)
{
    const char *const *class = column_classes(h, t);
    qns_tval *v = t->n_rows && class ? qns_tval_add(h->root, name) : NULL;
    if (!v)
        return;
    add_columns(h, v, t, class);
    for (uint32_t i = 0; i < t->n_rows; i++) {
        qns_tval *row = qns_tval_add(v, "rows");
        for (uint32_t c = 0; c < t->n_columns; c++) {
            qns_tval *cell = qns_tval_add(row, "cells");
            qns_tval_set(cell, "class", t->column[c].number ? "num" : "");
            qns_tval_set(cell, "text", t->row[i].cell[c].text);
        }
    }
}

static void fill_second(html *h)
{
    if (!h->r->second_heading)
        return;
    qns_tval_set(h->root, "second_heading", capital(h, h->r->second_heading));
    qns_tval_set(h->root, "second_intro", h->r->second_intro);
    fill_table(h, "second", &h->r->second);
}

static qns_status keep_script(const char *dir, const qns_plot *p, qns_err *err)
{
    qns_str path = {0};
    qns_str_addf(&path, "%s/%s%s", dir, p->name, p->drawer->suffix);
    if (path.failed)
        QNS_FAIL(err, NOMEM, "cannot keep the scripts in '%s'", dir);
    const qns_status st = qns_file_write(qns_str_get(&path), p->script, strlen(p->script), err);
    qns_str_fini(&path);
    return st;
}

static qns_status keep_scripts(const html *h, qns_err *err)
{
    const char *dir = h->o->script_dir;
    if (!dir)
        return QNS_OK;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        QNS_FAIL(err, IO, "cannot make folder '%s': %s", dir, strerror(errno));
    if (h->r->graph)
        QNS_TRY(keep_script(dir, h->r->graph, err));
    for (uint32_t i = 0; i < h->r->n_plots; i++)
        QNS_TRY(keep_script(dir, &h->r->plot[i], err));
    return QNS_OK;
}

/* One chart into the page. Out of memory is an error; a chart that cannot be drawn is a note. */
static qns_status draw(html *h, const qns_plot *p, const char *list, const char *prefix,
                       const char *program, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str raw = {0}, svg = {0};
    QNS_TRY_DONE(qns_plot_run(&raw, p->drawer, program, p->script,
                              h->o->plot_timeout_ms ? h->o->plot_timeout_ms : PLOT_MS, err));
    QNS_TRY_DONE(qns_svg_inline(&svg, qns_str_get(&raw), prefix, p->title, err));
    const char *kept = qns_arena_strdup(h->a, qns_str_get(&svg));
    if (!kept)
        QNS_FAIL_DONE(err, NOMEM, "cannot keep a chart of %zu bytes", svg.len);
    qns_tval *v = qns_tval_add(h->root, list);
    qns_tval_set(v, "title", p->title);
    qns_tval_set(v, "caption", p->caption);
    qns_tval_set(v, "class", p->half ? "half" : "");
    qns_tval_set_raw(v, "svg", kept);
done:
    qns_str_fini(&raw);
    qns_str_fini(&svg);
    return st;
}

/* Says why a chart is missing, below the list's name with "_note". */
static qns_status note_missing(html *h, const char *list, const char *what, const qns_err *why,
                               bool off, qns_err *err)
{
    qns_str note = {0};
    qns_str_addf(&note, "%s not drawn: %s. %s", what, why->text,
                 h->o->script_dir ? "The scripts were kept." : "The tables have the same numbers.");
    const char *kept = note.failed ? NULL : qns_arena_strdup(h->a, qns_str_get(&note));
    qns_str_fini(&note);
    if (!kept)
        QNS_FAIL(err, NOMEM, "cannot keep a note");
    if (!off)
        qns_log(QNS_LOG_WARN, "%s", kept);
    add_optional(h->root, list, kept);
    return QNS_OK;
}

/* *missing: the drawing program is not there, or is switched off. */
static qns_status draw_or_note(html *h, const qns_plot *p, const char *list, const char *note,
                               const char *prefix, const char *program, bool *missing, qns_err *err)
{
    qns_err why = {0};
    const bool off = program && !program[0];
    const qns_status st = off ? qns_err_set(&why, QNS_E_NOTFOUND, __FILE__, __LINE__,
                                            "'%s' is switched off", p->drawer->program)
                              : draw(h, p, list, prefix, program, &why);
    *missing = st == QNS_E_NOTFOUND;
    if (st == QNS_E_NOMEM)
        QNS_FAIL(err, NOMEM, "%s", why.text);
    return st == QNS_OK ? QNS_OK
                        : note_missing(h, note, *missing ? "Charts" : p->title, &why, off, err);
}

static qns_status fill_plots(html *h, qns_err *err)
{
    bool missing = false;
    char prefix[16];
    QNS_TRY(keep_scripts(h, err));
    if (h->r->graph) {
        qns_tval_add(h->root, "has_graph");
        QNS_TRY(draw_or_note(h, h->r->graph, "graph", "graph_note", "g", h->o->dot, &missing, err));
    }
    if (h->r->n_plots)
        qns_tval_add(h->root, "has_plots");
    missing = false;
    for (uint32_t i = 0; i < h->r->n_plots && !missing; i++) {
        snprintf(prefix, sizeof prefix, "p%u", i);
        QNS_TRY(draw_or_note(h, &h->r->plot[i], "plots", "plot_note", prefix, h->o->gnuplot,
                             &missing, err));
    }
    return QNS_OK;
}

/* Inside <script>, only '<' could end it early; in JSON it appears only in strings. */
static qns_status fill_result(html *h, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str json = {0}, safe = {0};
    QNS_TRY_DONE(h->r->kind->to_json(&json, h->r->of, true, err));
    if (json.len > MAX_EMBEDDED)
        goto done;
    for (const char *p = qns_str_get(&json); *p;) {
        const size_t n = strcspn(p, "<");
        qns_str_add_n(&safe, p, n);
        p += n;
        if (*p == '<') {
            qns_str_add(&safe, "\\u003c");
            p++;
        }
    }
    const char *kept = safe.failed ? NULL : qns_arena_strdup(h->a, qns_str_get(&safe));
    if (!kept)
        QNS_FAIL_DONE(err, NOMEM, "cannot put a result of %zu bytes into a page", json.len);
    qns_tval_set_raw(qns_tval_add(h->root, "embedded"), "json", kept);
done:
    qns_str_fini(&json);
    qns_str_fini(&safe);
    return st;
}

static qns_status render(const qns_report *r, const qns_report_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    html h = {.r = r, .o = o};
    qns_str t = {0};
    QNS_TRY_DONE(qns_arena_create(&h.a, err));
    h.root = qns_tval_create(h.a);
    qns_tval_set_raw(h.root, "style", qns_template_find("style.css"));
    qns_tval_set_raw(h.root, "script", qns_template_find("script.js"));
    fill_head(&h);
    fill_layers(&h);
    add_facts(h.root, "coverage", r->coverage, r->n_coverage);
    if (r->n_coverage)
        qns_tval_add(h.root, "has_coverage");
    fill_table(&h, "unmatched", &r->unmatched);
    fill_second(&h);
    qns_tval_set(h.root, "identity_intro",
                 r->identity_intro ? r->identity_intro
                                   : "What exactly was compared. Equal digests mean equal bytes.");
    fill_table(&h, "identity", &r->identity);
    if (r->identity.n_rows)
        qns_tval_add(h.root, "has_identity");
    add_facts(h.root, "guide", r->guide, r->n_guide);
    QNS_TRY_DONE(fill_plots(&h, err));
    QNS_TRY_DONE(fill_result(&h, err));
    const char *page = qns_template_find("page.html");
    if (!page)
        QNS_FAIL_DONE(err, NOTFOUND, "no template 'page.html'");
    QNS_TRY_DONE(qns_template_fill(&t, page, h.root, qns_label_add_html, err));
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    qns_arena_free(h.a);
    return st;
}

const qns_renderer qns_render_html = {"html", ".html", render};
