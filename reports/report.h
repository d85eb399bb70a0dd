/* SPDX-License-Identifier: MIT */
/* A report as data: what to say, before anyone decides how it looks. Built once from a result, so
 * that text and page cannot disagree; a renderer chooses what fits its medium and adds no facts.
 * All text is clean (reports/label.h) but not escaped: that is the renderer's. */
#ifndef QNS_REPORT_H
#define QNS_REPORT_H

#include "ns/result.h"

/* Colour of a value: a qns_verdict_level, or this. */
enum { QNS_LEVEL_NONE = -1 };

typedef struct qns_column {
    const char *title, *unit; /* unit "" for none */
    const char *hint;         /* one sentence: what it is */
    bool number;              /* right-aligned, sorted by value */
    bool extra;               /* left out where there is little room */
} qns_column;

typedef struct qns_cell {
    const char *text;
    double sort;  /* of numbers; NaN sorts last */
    double share; /* length of a bar, 0..1; NaN: none */
    int level;
} qns_cell;

typedef struct qns_fact {
    const char *label, *value;
} qns_fact;

typedef struct qns_facts {
    const char *title;
    const qns_fact *fact;
    uint32_t n;
} qns_facts;

typedef struct qns_row {
    const qns_cell *cell; /* one per column */
    int level;
    const char *next;       /* what to do, "" for nothing */
    const qns_facts *facts; /* all there is to know */
    uint32_t n_facts;
} qns_row;

typedef struct qns_table {
    const qns_column *column;
    uint32_t n_columns;
    const qns_row *row;
    uint32_t n_rows;
    uint32_t name_column; /* the one that may be shortened */
} qns_table;

typedef struct qns_plot {
    const char *name; /* of the script: letters, digits, '_' */
    const char *title, *caption;
    const struct qns_drawer *drawer; /* reports/plot.h */
    const char *script;              /* for the drawer; prints one SVG */
    bool half;                       /* two fit beside each other */
} qns_plot;

typedef struct qns_card {
    const char *label, *value, *note;
    int level;
} qns_card;

typedef struct qns_advice {
    const char *code, *severity, *subject, *text, *next;
    int level;
} qns_advice;

struct qns_kind;

typedef struct qns_report {
    qns_arena *arena;
    const struct qns_kind *kind; /* reports/kind.h */
    const void *of;              /* the result, of that kind */
    const char *qns;             /* the version that made it */
    const char *title, *subtitle;
    int level;
    const char *verdict;  /* one line: worst layer, output */
    const qns_fact *line; /* below the verdict, in text: what was compared, ... */
    uint32_t n_lines;
    const qns_fact *answer; /* where, how much, why, what to do */
    uint32_t n_answers;
    const qns_card *card;
    uint32_t n_cards;
    const qns_advice *advice;
    uint32_t n_advice;
    const char *label;   /* what the subtitle tells; NULL: "compared" */
    const char *heading; /* of the table, no capitals */
    const char *rest;    /* what the rows below those that are shown are; NULL: "none worse ..." */
    const char *intro;   /* one or two sentences about the table */
    const char *const *groups; /* texts of the last column, worst first: what it is filtered by */
    uint32_t n_groups;
    qns_table layers;                          /* worst first */
    const char *second_heading, *second_intro; /* NULL: there is no second table */
    qns_table second;
    const qns_plot *graph; /* the network; NULL: the result does not know what layers read */
    const qns_plot *plot;
    uint32_t n_plots;
    const qns_fact *coverage;
    uint32_t n_coverage;
    qns_table unmatched;
    const char *identity_intro; /* NULL: digests of two sides */
    qns_table identity;         /* what it is | reference | test */
    const qns_fact *guide;      /* how to read the numbers */
    uint32_t n_guide;
} qns_report;

/* The result must outlive the report. */
qns_status qns_report_build(qns_report **out, const qns_result *r, qns_err *err);
void qns_report_free(qns_report *r);

#endif
