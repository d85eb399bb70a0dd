/* SPDX-License-Identifier: MIT */
#include "reports/label.h"
#include "reports/render.h"

static qns_status render(const qns_report *r, const qns_report_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    qns_str_add(&t, "<!doctype html><title>QNS</title><p>");
    qns_label_add_html(&t, r->verdict);
    qns_str_add(&t, "</p>\n");
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_renderer qns_render_html = {"html", ".html", render};
