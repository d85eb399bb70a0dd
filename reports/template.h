/* SPDX-License-Identifier: MIT */
/* Templates: text with holes.
 *
 *     {{name}}                       the value, escaped
 *     {{#each rows}} ... {{/each}}   once for every item of a list, also for none
 *
 * Nothing more. A name is looked up in the item, then outwards; one that nobody set is empty. A
 * condition is a list with one item or none. */
#ifndef QNS_TEMPLATE_H
#define QNS_TEMPLATE_H

#include "core/base/arena.h"
#include "core/base/str.h"

/* Values and lists by name; lives in the arena. Setting one on NULL does nothing, so that a failed
 * allocation shows only in qns_tval_failed() of the root. Texts are not copied. */
typedef struct qns_tval qns_tval;

qns_tval *qns_tval_create(qns_arena *a);
/* Escaped by whoever renders. */
void qns_tval_set(qns_tval *v, const char *name, const char *text);
/* Taken as it is: markup made by this program, or numbers. */
void qns_tval_set_raw(qns_tval *v, const char *name, const char *text);
/* Formatted and copied, taken as it is; only for numbers. */
void qns_tval_setf(qns_tval *v, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes the list if it is new, appends an item and gives it. */
qns_tval *qns_tval_add(qns_tval *v, const char *name);
bool qns_tval_failed(const qns_tval *root);

/* Adds text in a form in which it means only itself. */
typedef void qns_escape_fn(qns_str *out, const char *s);

/* Fails with FORMAT when the template is wrong: an each that is not closed, a hole without end. */
qns_status qns_template_fill(qns_str *out, const char *text, const qns_tval *root,
                             qns_escape_fn *escape, qns_err *err);

/* A file of report_templates/, terminated; NULL when there is none. */
const char *qns_template_find(const char *name);

#endif
