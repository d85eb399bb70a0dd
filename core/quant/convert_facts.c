/* SPDX-License-Identifier: MIT */
/* QNS's own facts in the metadata of a quantized model. */
#include "core/base/digest.h"
#include "core/graph/op.h"
#include "core/quant/convert.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static qns_status add_qconfig(qns_gb *gb, const qns_decisions *d, qns_err *err)
{
    qns_str text = {0};
    qns_qconfig_text(&text, qns_decisions_set(d));
    qns_status st =
        text.failed ? qns_err_set(err, QNS_E_NOMEM, __FILE__, __LINE__, "cannot write a qconfig")
                    : qns_gb_meta(gb, "qns.qconfig", qns_str_get(&text), err);
    qns_str_fini(&text);
    return st;
}

static json_t *decision_json(const qns_decisions *d, const qns_node *n)
{
    const qns_decision *x = qns_decisions_node(d, n->id);
    char why[512];
    snprintf(why, sizeof why, "%s%s%s%s%s", qns_why_text(x->why), x->detail ? ": " : "",
             x->detail ? x->detail : "", x->warning ? "; " : "", x->warning ? x->warning : "");
    return json_pack("{s:s, s:s, s:b, s:s, s:i}", "node", n->name, "op", n->op->name, "int8",
                     qns_decisions_int8(d, n->id), "why", why, "line",
                     x->rule ? (int)x->rule->line : 0);
}

static qns_status add_decisions(qns_gb *gb, const qns_decisions *d, qns_err *err)
{
    const qns_graph *g = qns_decisions_graph(d);
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g) && ok; i++)
        ok = json_array_append_new(list, decision_json(d, qns_graph_node(g, (qns_nid){i}))) == 0;
    char *text = ok ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    if (!text)
        QNS_FAIL(err, NOMEM, "cannot write the decisions as JSON");
    const qns_status st = qns_gb_meta(gb, "qns.decisions", text, err);
    free(text);
    return st;
}

static qns_status add_digests(qns_gb *gb, const qns_decisions *d, qns_err *err)
{
    qns_digest topology, constants;
    char hex[33];
    QNS_TRY(qns_graph_digest(&topology, &constants, qns_decisions_graph(d), err));
    qns_digest_hex(hex, &topology);
    QNS_TRY(qns_gb_meta(gb, "qns.source_graph", hex, err));
    qns_digest_hex(hex, &constants);
    return qns_gb_meta(gb, "qns.source_weights", hex, err);
}

qns_status qns_convert_facts(qns_gb *gb, const qns_decisions *d, qns_err *err)
{
    char number[32];
    QNS_TRY(qns_gb_meta(gb, "qns.backend", qns_qconfig_backend(qns_decisions_set(d))->name, err));
    snprintf(number, sizeof number, "%" PRId64, qns_decisions_samples(d));
    QNS_TRY(qns_gb_meta(gb, "qns.calibration", number, err));
    QNS_TRY(add_qconfig(gb, d, err));
    QNS_TRY(add_decisions(gb, d, err));
    return add_digests(gb, d, err);
}
