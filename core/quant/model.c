/* SPDX-License-Identifier: MIT */
#include "core/quant/model.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/quant/fuse.h"
#include "core/quant/lower.h"

struct qns_model {
    char *path;
    /* Each shares constants with the one before; a stage that was not needed is NULL. */
    qns_graph *source, *lowered, *fused;
    const qns_backend *be;
    bool quantized;
};

static qns_status choose_backend(qns_model *m, const char *asked, qns_err *err)
{
    const char *file = qns_graph_meta(m->source, "qns.backend");
    const char *name = asked ? asked : file ? file : m->quantized ? "onnxruntime" : "fbgemm";
    m->be = qns_backend_find(name);
    if (!m->be)
        QNS_FAIL(err, CONFIG, "unknown backend '%s'; there are %s", name, qns_backend_names());
    const qns_backend *made = file && m->quantized ? qns_backend_find(file) : NULL;
    if (made && made != m->be)
        qns_log(QNS_LOG_WARN, "'%s' was quantized for %s and runs on %s: %s", m->path, file, name,
                qns_backend_difference(made, m->be));
    return QNS_OK;
}

qns_status qns_model_load(qns_model **out, const char *path, const qns_model_opts *opts,
                          qns_err *err)
{
    static const qns_model_opts none = {0};
    qns_status st = QNS_OK;
    qns_model *m = NULL;
    opts = opts ? opts : &none;
    QNS_TRY(qns_new((void **)&m, 1, sizeof *m, err));
    if (!(m->path = qns_strdup(path)))
        QNS_FAIL_DONE(err, NOMEM, "cannot load '%s'", path);
    QNS_TRY_DONE(qns_onnx_read(&m->source, path, &opts->onnx, err));
    m->quantized = qns_is_qdq(m->source);
    QNS_TRY_DONE(choose_backend(m, opts->backend, err));
    if (m->quantized)
        st = qns_lower(&m->lowered, m->source, m->be, err);
    /* What stays float in a quantized model is fused, too: a clamp was written as a node of its
     * own. */
    if (st == QNS_OK && !opts->no_fuse)
        st = qns_fuse(&m->fused, m->lowered ? m->lowered : m->source, err);
    if (st != QNS_OK)
        qns_err_note(err, "'%s'", path);
    if (st == QNS_OK) {
        *out = m;
        m = NULL;
    }
done:
    qns_model_free(m);
    return st;
}

void qns_model_free(qns_model *m)
{
    if (!m)
        return;
    qns_graph_free(m->fused);
    qns_graph_free(m->lowered);
    qns_graph_free(m->source);
    qns_free(m->path);
    qns_free(m);
}

const char *qns_model_path(const qns_model *m)
{
    return m->path;
}

const qns_graph *qns_model_source(const qns_model *m)
{
    return m->source;
}

const qns_graph *qns_model_graph(const qns_model *m)
{
    return m->fused ? m->fused : m->lowered ? m->lowered : m->source;
}

const qns_backend *qns_model_backend(const qns_model *m)
{
    return m->be;
}

bool qns_model_is_quantized(const qns_model *m)
{
    return m->quantized;
}
