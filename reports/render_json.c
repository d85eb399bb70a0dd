/* SPDX-License-Identifier: MIT */
#include "reports/render.h"
#include "reports/result_json.h"

static qns_status render(const qns_report *r, const qns_report_opts *o, const qns_sink *to,
                         qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    QNS_TRY_DONE(qns_result_to_json(&t, r->result, false, err));
    QNS_TRY_DONE(to->put(to->ctx, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

const qns_renderer qns_render_json = {"json", ".json", render};
