/* SPDX-License-Identifier: MIT */
#include "reports/kind.h"
#include "reports/render.h"

static qns_status render(const qns_report *r, const qns_report_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    QNS_TRY_DONE(r->kind->to_json(&t, r->of, false, err));
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_renderer qns_render_json = {"json", ".json", render};
