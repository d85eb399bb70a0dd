/* SPDX-License-Identifier: MIT */
/* gnuplot's or Graphviz's SVG made fit for a page that holds many of them: only drawing elements
 * and attributes pass (no scripts, no handlers, no links to elsewhere), ids get a prefix, and
 * colours become CSS classes, so that the page's light and dark themes apply. */
#ifndef QNS_SVG_H
#define QNS_SVG_H

#include "core/base/str.h"

/* Appends an <svg> element. prefix: letters and digits, unique in the page. title is clean text.
 *
 * Black and grey become currentColor. The colours of the house, which the gnuplot scripts use, get
 * classes: k-stroke-NAME, k-fill-NAME, k-color-NAME.
 * Titles of groups inside a group (Graphviz's boxes) are kept: browsers show them on hover.
 * Fails with FORMAT when it is not an SVG of their kind. */
qns_status qns_svg_inline(qns_str *out, const char *svg, const char *prefix, const char *title,
                          qns_err *err);

#endif
