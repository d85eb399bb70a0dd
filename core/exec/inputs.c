/* SPDX-License-Identifier: MIT */
#include "core/exec/inputs.h"

#include "core/base/mem.h"
#include "core/graph/op.h"

#include <assert.h>

qns_status qns_inputs_create(qns_tensor **out, const qns_graph *g, qns_err *err)
{
    const uint32_t n = qns_graph_n_inputs(g);
    QNS_TRY(qns_new((void **)out, n, sizeof **out, err));
    for (uint32_t i = 0; i < n; i++) {
        qns_tensor *t = &(*out)[i];
        *t = qns_graph_tensor(g, qns_graph_input(g, i));
        t->layout = QNS_ROW; /* samples are row-major; the plan reorders */
        if (!(t->data = qns_malloc64(qns_tensor_bytes(t))))
            QNS_FAIL(err, NOMEM, "cannot get %zu bytes for an input", qns_tensor_bytes(t));
    }
    return QNS_OK;
}

void qns_inputs_free(qns_tensor *in, const qns_graph *g)
{
    for (uint32_t i = 0; in && i < qns_graph_n_inputs(g); i++)
        qns_free(in[i].data);
    qns_free(in);
}

qns_digest qns_inputs_digest(const qns_tensor *in, const qns_graph *g)
{
    qns_digest each[QNS_MAX_IN];
    const uint32_t n = qns_graph_n_inputs(g);
    assert(n <= QNS_MAX_IN);
    for (uint32_t i = 0; i < n; i++)
        each[i] = qns_digest_of(in[i].data, qns_tensor_bytes(&in[i]));
    return n == 1 ? each[0] : qns_digest_of(each, n * sizeof each[0]);
}
