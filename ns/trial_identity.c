/* SPDX-License-Identifier: MIT */
/* What the numbers of trials belong to. */
#include "core/base/mem.h"
#include "ns/trial_internal.h"

#include <inttypes.h>

static qns_status add_sample(qns_digester *d, const qns_samples *from, qns_tensor *in,
                             uint32_t n_in, int64_t id, qns_err *err)
{
    QNS_TRY(from->get(in, from->ctx, id, err));
    for (uint32_t i = 0; i < n_in; i++) {
        const qns_digest one = qns_digest_of(in[i].data, qns_tensor_bytes(&in[i]));
        qns_digester_add(d, one.byte, sizeof one.byte);
    }
    return QNS_OK;
}

qns_status qns_trials_digest_data(char hex[33], const qns_trials *t, const qns_samples *from,
                                  const int64_t *labels, const qns_data_marks *marks, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_graph *g = t->spec.fused;
    const uint32_t n_in = qns_graph_n_inputs(g);
    qns_digester *d = NULL;
    qns_tensor *in = NULL;
    QNS_TRY_DONE(qns_digester_create(&d, err));
    QNS_TRY_DONE(qns_new((void **)&in, n_in, sizeof *in, err));
    for (uint32_t i = 0; i < n_in; i++) {
        in[i] = qns_graph_tensor(g, qns_graph_input(g, i));
        in[i].layout = QNS_ROW;
        if (!(in[i].data = qns_malloc64(qns_tensor_bytes(&in[i]))))
            QNS_FAIL_DONE(err, NOMEM, "cannot get memory for a sample");
    }
    for (int64_t k = 0; k < from->n; k++) {
        if (t->spec.cancelled && t->spec.cancelled(t->spec.ctx))
            QNS_FAIL_DONE(err, CANCELLED, "stopped at sample %" PRId64, k);
        QNS_TRY_DONE(add_sample(d, from, in, n_in, k, err));
        if (labels)
            qns_digester_add(d, &labels[k], sizeof labels[k]);
        const qns_digest now = qns_digester_result(d);
        qns_digest_hex(hex, &now);
        /* At 1, 2, 4, 8 ... samples and at the end: data that was cut short is still known. */
        if (marks && ((k + 1) & k) == 0)
            QNS_TRY_DONE(marks->see(marks->ctx, k + 1, hex, err));
    }
    if (marks)
        st = marks->see(marks->ctx, from->n, hex, err);
done:
    for (uint32_t i = 0; in && i < n_in; i++)
        qns_free(in[i].data);
    qns_free(in);
    qns_digester_free(d);
    return st;
}

qns_status qns_trials_identify_model(qns_trials_id *out, const qns_trials *t, qns_err *err)
{
    qns_digest graph, weights;
    qns_str text = {0};
    QNS_TRY(qns_graph_digest(&graph, &weights, t->spec.fused, err));
    qns_digest_hex(out->graph, &graph);
    qns_digest_hex(out->weights, &weights);
    qns_qconfig_text(&text, t->spec.set);
    const bool failed = text.failed;
    const qns_digest q = qns_digest_of(qns_str_get(&text), text.len);
    qns_str_fini(&text);
    if (failed)
        QNS_FAIL(err, NOMEM, "cannot write a qconfig");
    qns_digest_hex(out->qconfig, &q);
    return qns_trials_digest_data(out->calib, t, &t->spec.calib, NULL, NULL, err);
}

qns_status qns_trials_identify(qns_trials_id *out, const qns_trials *t, qns_err *err)
{
    if (t->id.eval[0]) {
        *out = t->id;
        return QNS_OK;
    }
    QNS_TRY(qns_trials_identify_model(out, t, err));
    return qns_trials_digest_data(out->eval, t, &t->spec.eval, t->spec.labels, NULL, err);
}
