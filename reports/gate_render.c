/* SPDX-License-Identifier: MIT */
#include "reports/gate_render.h"

#include "core/base/file.h"

#include <string.h>

static const qns_gate_renderer *const table[] = {&qns_render_gate_text, &qns_render_gate_json,
                                                 &qns_render_junit,     &qns_render_sarif,
                                                 &qns_render_markdown,  &qns_render_github};

const qns_gate_renderer *qns_gate_render_at(size_t i)
{
    return i < QNS_ARRAY_LEN(table) ? table[i] : NULL;
}

const qns_gate_renderer *qns_gate_render_find(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(table); i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

qns_status qns_gate_write(const char *path, const char *format, const qns_gate_outcome *g,
                          const qns_gate_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    const qns_gate_opts none = {0};
    const qns_sink to = qns_sink_str(&t);
    const qns_gate_renderer *how = qns_gate_render_find(format);
    if (!how)
        QNS_FAIL(err, CONFIG, "no gate format '%s'", format);
    QNS_TRY_DONE(how->render(g, opts ? opts : &none, &to, err));
    QNS_TRY_DONE(qns_file_put(path, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}
