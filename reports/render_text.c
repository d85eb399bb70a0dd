/* SPDX-License-Identifier: MIT */
/* For terminals and logs: the verdict first, then findings, then the ranked table. No line is wider
 * than asked for. The name column gives way first; extra columns appear when there is room. */
#include "reports/label.h"
#include "reports/render.h"

#include <string.h>

enum { MIN_NAME = 16, GOOD_NAME = 28, MAX_NAME = 48, MAX_COLUMNS = 16, NEXT_STEPS = 5 };

typedef struct text_out {
    qns_str t;
    size_t width;
    bool colour;
} text_out;

static const char *colour_of(const text_out *o, int level)
{
    static const char *const code[] = {"\x1b[32m", "\x1b[33m", "\x1b[1;31m"};
    return o->colour && level >= 0 ? code[level] : "";
}

static void end_colour(text_out *o, const char *code)
{
    if (code[0])
        qns_str_add(&o->t, "\x1b[0m");
}

static void heading(text_out *o, const char *s)
{
    qns_str_addf(&o->t, o->colour ? "\n\x1b[1m%s\x1b[0m\n" : "\n%s\n", s);
}

/* "label   wrapped text" */
static void labelled(text_out *o, const char *label, const char *s, size_t indent)
{
    const size_t pad = indent > qns_label_width(label) ? indent - qns_label_width(label) : 1;
    qns_str_addf(&o->t, "%s%*s", label, (int)pad, "");
    qns_label_add_wrapped(&o->t, s, o->width, indent, indent);
    qns_str_add(&o->t, "\n");
}

static void pad(text_out *o, const char *s, size_t width, bool right)
{
    const size_t w = qns_label_width(s), fill = width > w ? width - w : 0;
    qns_str_addf(&o->t, "%*s", right ? (int)fill : 0, "");
    qns_str_add(&o->t, s);
    qns_str_addf(&o->t, "%*s", right ? 0 : (int)fill, "");
}

/* Widths of the shown columns; 0: not shown. The name column gets what is left. */
static void choose_widths(size_t *w, const qns_table *t, size_t width, uint32_t rows)
{
    size_t used = 0, extra = 0, longest = MIN_NAME;
    for (uint32_t c = 0; c < t->n_columns; c++) {
        const qns_column *col = &t->column[c];
        w[c] = qns_label_width(col->title);
        w[c] = qns_label_width(col->unit) > w[c] ? qns_label_width(col->unit) : w[c];
        for (uint32_t i = 0; i < rows; i++) {
            const size_t n = qns_label_width(t->row[i].cell[c].text);
            w[c] = n > w[c] ? n : w[c];
        }
        if (c == t->name_column)
            longest = w[c];
        else if (!col->number && w[c] > 14)
            w[c] = 14;
        if (c != t->name_column)
            *(col->extra ? &extra : &used) += w[c] + 2;
    }
    /* Names tell more than kinds of operators; figures go only when it is very narrow, the last
     * ones first. */
    const size_t name = w[t->name_column] < GOOD_NAME ? w[t->name_column] : GOOD_NAME;
    for (uint32_t c = 0; c + 1 < t->n_columns && used + name > width; c++)
        if (!t->column[c].number && !t->column[c].extra && c != t->name_column && w[c] > 8) {
            used -= w[c] - 8;
            w[c] = 8;
        }
    for (uint32_t c = t->n_columns; c-- > 1 && used + MIN_NAME > width;)
        if (t->column[c].number && !t->column[c].extra) {
            used -= w[c] + 2;
            w[c] = 0;
        }
    longest = longest > MAX_NAME && width < 160 ? MAX_NAME : longest;
    const size_t good = longest < GOOD_NAME ? longest : GOOD_NAME;
    const bool all = used + extra + good <= width;
    for (uint32_t c = 0; c < t->n_columns; c++)
        if (t->column[c].extra && !all)
            w[c] = 0;
    const size_t left = width - used - (all ? extra : 0);
    w[t->name_column] = left < longest ? left : longest;
}

static void put_header(text_out *o, const qns_table *t, const size_t *w, bool units)
{
    bool first = true;
    for (uint32_t c = 0; c < t->n_columns; c++) {
        const qns_column *col = &t->column[c];
        if (!w[c])
            continue;
        qns_str_add(&o->t, first ? "" : "  ");
        first = false;
        pad(o, units ? col->unit : col->title, w[c], col->number);
    }
    while (o->t.len && o->t.s[o->t.len - 1] == ' ')
        o->t.s[--o->t.len] = 0;
    qns_str_add(&o->t, "\n");
}

static void put_row(text_out *o, const qns_table *t, const size_t *w, const qns_row *row)
{
    bool first = true;
    for (uint32_t c = 0; c < t->n_columns; c++) {
        if (!w[c])
            continue;
        qns_str s = {0};
        const char *colour = colour_of(o, row->cell[c].level);
        qns_label_add_short(&s, row->cell[c].text, w[c]);
        o->t.failed |= s.failed;
        qns_str_add(&o->t, first ? "" : "  ");
        first = false;
        qns_str_add(&o->t, colour);
        const bool last = c + 1 == t->n_columns && !t->column[c].number;
        pad(o, qns_str_get(&s), last ? 0 : w[c], t->column[c].number);
        end_colour(o, colour);
        qns_str_fini(&s);
    }
    qns_str_add(&o->t, "\n");
}

static bool has_units(const qns_table *t)
{
    for (uint32_t c = 0; c < t->n_columns; c++)
        if (t->column[c].unit[0])
            return true;
    return false;
}

static void put_table(text_out *o, const qns_table *t, const char *title, uint32_t max_rows,
                      const char *rest)
{
    const uint32_t rows = t->n_rows < max_rows ? t->n_rows : max_rows;
    size_t w[MAX_COLUMNS];
    if (!rows || t->n_columns > MAX_COLUMNS)
        return;
    choose_widths(w, t, o->width, rows);
    heading(o, title);
    put_header(o, t, w, false);
    if (has_units(t))
        put_header(o, t, w, true);
    for (uint32_t i = 0; i < rows; i++) {
        put_row(o, t, w, &t->row[i]);
        if (i < NEXT_STEPS && t->row[i].next[0]) {
            const size_t indent = t->name_column == 0 ? 5 : w[0] + 5;
            qns_str_addf(&o->t, "%*s-> ", (int)(indent - 3), "");
            qns_label_add_wrapped(&o->t, t->row[i].next, o->width, indent, indent);
            qns_str_add(&o->t, "\n");
        }
    }
    if (rows < t->n_rows) {
        const char *s = t->n_rows - rows == 1 ? "" : "s";
        qns_str_addf(&o->t, "... and %u more layer%s, %s\n", t->n_rows - rows, s, rest);
    }
}

static void put_findings(text_out *o, const qns_report *r)
{
    enum { MOST = 6 };
    if (r->n_advice)
        heading(o, "findings");
    for (uint32_t i = 0; i < r->n_advice && i < MOST; i++) {
        const qns_advice *a = &r->advice[i];
        const char *colour = colour_of(o, a->level);
        qns_str_add(&o->t, colour);
        pad(o, a->severity, 7, false);
        end_colour(o, colour);
        qns_str line = {0};
        qns_label_add_short(&line, a->subject, MAX_NAME);
        qns_str_addf(&line, "%s%s", a->subject[0] ? ": " : "", a->text);
        qns_str_add(&o->t, "  ");
        qns_label_add_wrapped(&o->t, qns_str_get(&line), o->width, 9, 9);
        o->t.failed |= line.failed;
        qns_str_fini(&line);
        qns_str_add(&o->t, "\n");
        if (a->next[0]) {
            qns_str_add(&o->t, "         -> ");
            qns_label_add_wrapped(&o->t, a->next, o->width, 12, 12);
            qns_str_add(&o->t, "\n");
        }
    }
    if (r->n_advice > MOST)
        qns_str_addf(&o->t, "... and %u more\n", r->n_advice - MOST);
}

static void put_coverage(text_out *o, const qns_report *r)
{
    enum { MOST = 5 };
    const qns_table *u = &r->unmatched;
    for (uint32_t i = 0; i < u->n_rows && i < MOST; i++) {
        qns_str line = {0};
        const qns_cell *c = u->row[i].cell;
        qns_str_addf(&line, "%s only: ", c[0].text);
        qns_label_add_short(&line, c[1].text, MAX_NAME);
        qns_str_addf(&line, " (%s): %s", c[2].text, c[4].text);
        labelled(o, i ? "" : "unmatched", qns_str_get(&line), 12);
        o->t.failed |= line.failed;
        qns_str_fini(&line);
    }
    if (u->n_rows > MOST)
        qns_str_addf(&o->t, "%12s... and %u more\n", "", u->n_rows - MOST);
}

static qns_status render(const qns_report *r, const qns_report_opts *opts, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    text_out o = {.colour = opts->colour, .width = opts->width ? opts->width : 80};
    o.width = o.width < 60 ? 60 : o.width;
    const char *colour = colour_of(&o, r->level);
    qns_str_add(&o.t, colour);
    qns_label_add_wrapped(&o.t, r->verdict, o.width, 2, 0);
    end_colour(&o, colour);
    qns_str_add(&o.t, "\n\n");
    for (uint32_t i = 0; i < r->n_lines; i++)
        labelled(&o, r->line[i].label, r->line[i].value, 12);
    if (r->n_lines == 0)
        labelled(&o, r->label ? r->label : "compared", r->subtitle, 12);
    for (uint32_t i = 0; i < r->n_cards; i++)
        if (strcmp(r->card[i].label, "Coverage") == 0) {
            qns_str line = {0};
            qns_str_addf(&line, "%s %s", r->card[i].value, r->card[i].note);
            labelled(&o, "coverage", qns_str_get(&line), 12);
            o.t.failed |= line.failed;
            qns_str_fini(&line);
        }
    put_coverage(&o, r);
    put_findings(&o, r);
    put_table(&o, &r->layers, r->heading, opts->max_rows ? opts->max_rows : 20,
              r->rest ? r->rest : "none worse than these");
    if (r->second_heading)
        put_table(&o, &r->second, r->second_heading, UINT32_MAX, "");
    if (o.t.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write a report of %u layers", r->layers.n_rows);
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&o.t), o.t.len, err));
done:
    qns_str_fini(&o.t);
    return st;
}

const qns_renderer qns_render_text = {"text", ".txt", render};
