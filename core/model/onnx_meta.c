/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_meta.h"

#include "core/base/log.h"
#include "core/base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct qns_lineage {
    json_t *root, *values, *nodes; /* the latter two belong to root */
};

static bool valid(const qns_lineage *l)
{
    const char *key;
    json_t *v, *o;
    size_t i;
    if (!json_is_object(l->values) || !json_is_object(l->nodes))
        return false;
    json_object_foreach(l->values, key, v)
    {
        if (!json_is_string(v))
            return false;
    }
    json_object_foreach(l->nodes, key, v)
    {
        if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > QNS_MAX_ORIGINS)
            return false;
        json_array_foreach(v, i, o)
        {
            if (!json_is_string(o))
                return false;
        }
    }
    return true;
}

qns_status qns_lineage_parse(qns_lineage **out, const char *text, qns_err *err)
{
    json_error_t problem = {0};
    *out = NULL;
    if (!text)
        return QNS_OK;
    qns_lineage *l;
    QNS_TRY(qns_new((void **)&l, 1, sizeof *l, err));
    l->root = json_loads(text, 0, &problem);
    l->values = json_object_get(l->root, "values");
    l->nodes = json_object_get(l->root, "nodes");
    if (valid(l)) {
        *out = l;
        return QNS_OK;
    }
    qns_log(QNS_LOG_WARN, "metadata '%s' is damaged and was ignored%s%.160s", QNS_META_LINEAGE,
            problem.text[0] ? ": " : "", problem.text);
    qns_lineage_free(l);
    return QNS_OK;
}

void qns_lineage_free(qns_lineage *l)
{
    if (!l)
        return;
    json_decref(l->root);
    qns_free(l);
}

const char *qns_lineage_value(const qns_lineage *l, const char *name)
{
    return l ? json_string_value(json_object_get(l->values, name)) : NULL;
}

uint32_t qns_lineage_node(const char **origin, const qns_lineage *l, const char *name)
{
    const json_t *list = l ? json_object_get(l->nodes, name) : NULL;
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++)
        origin[i] = json_string_value(json_array_get(list, i));
    return (uint32_t)n;
}

static bool add_values(json_t *values, const qns_graph *g)
{
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const qns_value *v = qns_graph_value(g, (qns_vid){i});
        if (strcmp(v->name, v->origin) != 0 &&
            json_object_set_new(values, v->name, json_string(v->origin)) != 0)
            return false;
    }
    return true;
}

static bool add_origins(json_t *nodes, const char *name, const char *const *origin, uint32_t n)
{
    if (n == 0 || (n == 1 && strcmp(origin[0], name) == 0))
        return true;
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_string(origin[i])) != 0) {
            json_decref(list);
            return false;
        }
    return json_object_set_new(nodes, name, list) == 0;
}

/* What a node was fused from is in run order: the nodes that are written behind it take the last.
 */
static bool add_nodes(json_t *nodes, const qns_graph *g, const char *const *add_name,
                      const char *const *clamp_name)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const char *behind[2];
        uint32_t k = 0;
        if (add_name[i])
            behind[k++] = add_name[i];
        if (clamp_name[i])
            behind[k++] = clamp_name[i];
        const uint32_t own = n->n_origin > k ? n->n_origin - k : n->n_origin ? 1 : 0;
        if (!add_origins(nodes, n->name, n->origin, own))
            return false;
        for (uint32_t b = 0; b < k && n->n_origin; b++) {
            const uint32_t at = own + b < n->n_origin ? own + b : n->n_origin - 1;
            if (!add_origins(nodes, behind[b], n->origin + at, 1))
                return false;
        }
    }
    return true;
}

qns_status qns_lineage_text(char **out, const qns_graph *g, const char *const *add_name,
                            const char *const *clamp_name, qns_err *err)
{
    qns_status st = QNS_OK;
    char *text = NULL;
    json_t *root = json_object(), *values = json_object(), *nodes = json_object();
    const bool filled =
        values && nodes && add_values(values, g) && add_nodes(nodes, g, add_name, clamp_name);
    json_object_set_new(root, "values", values);
    json_object_set_new(root, "nodes", nodes);
    if (!filled || !(text = json_dumps(root, JSON_COMPACT)))
        QNS_FAIL_DONE(err, DATA, "cannot write the lineage: a name is not UTF-8");
    if (!(*out = qns_strdup(text)))
        QNS_FAIL_DONE(err, NOMEM, "cannot copy the lineage");
done:
    free(text);
    json_decref(root);
    return st;
}
