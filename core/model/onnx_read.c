/* SPDX-License-Identifier: MIT */
/* From bytes to a graph: check the wire format, unpack, check what is supported and say everything
 * that is not, then import. */
#include "core/model/onnx_read.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/model/onnx_import.h"
#include "core/model/onnx_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OPSET_MIN = 1, OPSET_MAX = 22, MAX_FULL = 4, MAX_LISTED = 16, MAX_META = 4096 };
#define MAX_FILE ((size_t)INT32_MAX) /* protobuf itself holds no more */

/* protobuf-c does not say why it gave up; this does. */
static void *pb_alloc(void *ctx, size_t size)
{
    void *p = qns_calloc(size, 1);
    *(bool *)ctx |= !p;
    return p;
}

static void pb_free(void *ctx, void *p)
{
    qns_free(p);
}

static void free_model(Onnx__ModelProto *m)
{
    ProtobufCAllocator allocator = {pb_alloc, pb_free, NULL};
    if (m)
        onnx__model_proto__free_unpacked(m, &allocator);
}

static qns_status unpack(Onnx__ModelProto **out, const void *p, size_t n, qns_err *err)
{
    bool out_of_memory = false;
    ProtobufCAllocator allocator = {pb_alloc, pb_free, &out_of_memory};
    QNS_TRY(qns_onnx_check_wire(&onnx__model_proto__descriptor, p, n, err));
    Onnx__ModelProto *m = onnx__model_proto__unpack(&allocator, n, p);
    if (!m && out_of_memory)
        QNS_FAIL(err, NOMEM, "cannot unpack %zu bytes", n);
    if (!m)
        QNS_FAIL(err, FORMAT, "a field has another type than it has in ONNX");
    if (!m->graph) {
        free_model(m);
        QNS_FAIL(err, FORMAT, "it has no graph");
    }
    *out = m;
    return QNS_OK;
}

static qns_status find_opset(int *opset, const Onnx__ModelProto *m, qns_err *err)
{
    const Onnx__OperatorSetIdProto *found = NULL;
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];
        if (!qns_onnx_is_default_domain(o->domain))
            continue;
        if (found && found->version != o->version)
            QNS_FAIL(err, FORMAT, "opset of ai.onnx is given twice: %" PRId64 " and %" PRId64,
                     found->version, o->version);
        found = o;
    }
    if (!found)
        QNS_FAIL(err, FORMAT, "the model does not say its ai.onnx opset");
    if (found->version < OPSET_MIN || found->version > OPSET_MAX)
        QNS_FAIL(err, UNSUPPORTED,
                 "opset %" PRId64 " of ai.onnx; %d to %d are supported "
                 "(onnx.version_converter changes it)",
                 found->version, OPSET_MIN, OPSET_MAX);
    *opset = (int)found->version;
    return QNS_OK;
}

/* Kinds of nodes that nobody here can read, in order of appearance. */
typedef struct missing {
    const Onnx__NodeProto *first;
    const char *key; /* "Foo", or "com.microsoft:Foo" */
    uint32_t n;
    int since; /* the type is known from this opset on; 0: not at all */
} missing;

typedef struct missing_list {
    missing *at;
    size_t n, cap;
    qns_map by_key;
    qns_arena *keys;
} missing_list;

static bool is_read(int *since, const Onnx__NodeProto *n, int opset)
{
    char buf[128];
    const char *type = qns_onnx_type(buf, sizeof buf, n);
    *since = 0;
    if (strcmp(type, "Constant") == 0 || qns_onnx_is_shape_op(type))
        return true;
    return qns_op_find_onnx(NULL, since, type, opset) != NULL;
}

static qns_status add_missing(missing_list *l, const Onnx__NodeProto *n, int since, qns_err *err)
{
    char key[256];
    const bool plain = qns_onnx_is_default_domain(n->domain);
    snprintf(key, sizeof key, "%s%s%s", plain ? "" : n->domain, plain ? "" : ":", n->op_type);
    const uint32_t known = qns_map_get(&l->by_key, key);
    if (known != QNS_MAP_NONE) {
        l->at[known].n++;
        return QNS_OK;
    }
    const missing m = {n, qns_arena_strdup(l->keys, key), 1, since};
    if (!m.key)
        QNS_FAIL(err, NOMEM, "cannot list unsupported operators");
    QNS_TRY(qns_map_put(&l->by_key, m.key, (uint32_t)l->n, err));
    QNS_TRY(qns_vec_grow((void **)&l->at, &l->cap, l->n, sizeof *l->at, err));
    l->at[l->n++] = m;
    return QNS_OK;
}

static qns_status tell_missing(const missing_list *l, int opset, qns_err *err)
{
    qns_str text = {0};
    for (size_t i = 0; i < l->n && i < MAX_LISTED; i++) {
        const missing *m = &l->at[i];
        qns_str_addf(&text, "%s%s (%u node%s", i ? ", " : "", m->key, m->n, m->n > 1 ? "s" : "");
        if (i < MAX_FULL) /* the others are named only: the message has its limit */
            qns_str_addf(&text, ", first '%.60s'", qns_onnx_node_label(m->first));
        if (m->since)
            qns_str_addf(&text, "; needs opset %d", m->since);
        qns_str_add(&text, ")");
    }
    if (l->n > MAX_LISTED)
        qns_str_addf(&text, " and %zu more", l->n - MAX_LISTED);
    qns_err_set(err, QNS_E_UNSUPPORTED, __FILE__, __LINE__,
                "unsupported operator%s in opset %d: %s", l->n > 1 ? "s" : "", opset,
                qns_str_get(&text));
    qns_str_fini(&text);
    return QNS_E_UNSUPPORTED;
}

/* All of them at once: the user wants to know whether the model is near or far. */
static qns_status check_types(const Onnx__GraphProto *g, int opset, qns_err *err)
{
    qns_status st = QNS_OK;
    missing_list l = {0};
    QNS_TRY(qns_arena_create(&l.keys, err));
    for (size_t i = 0; i < g->n_node; i++) {
        int since;
        if (!g->node[i]->op_type || !g->node[i]->op_type[0])
            QNS_FAIL_DONE(err, FORMAT, "node '%s' has no operator type",
                          qns_onnx_node_label(g->node[i]));
        if (!is_read(&since, g->node[i], opset))
            QNS_TRY_DONE(add_missing(&l, g->node[i], since, err));
    }
    if (l.n)
        st = tell_missing(&l, opset, err);
done:
    qns_free(l.at);
    qns_map_fini(&l.by_key);
    qns_arena_free(l.keys);
    return st;
}

static qns_status read_meta(const char **lineage, qns_gb *gb, const Onnx__ModelProto *m,
                            qns_err *err)
{
    *lineage = NULL;
    if (m->n_metadata_props > MAX_META)
        QNS_FAIL(err, FORMAT, "has %zu entries of metadata", m->n_metadata_props);
    if (m->producer_name && m->producer_name[0] && strcmp(m->producer_name, "qns") != 0)
        QNS_TRY(qns_gb_meta(gb, "onnx.producer", m->producer_name, err));
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        const char *key = m->metadata_props[i]->key, *value = m->metadata_props[i]->value;
        if (!key || !value)
            continue;
        if (strcmp(key, QNS_META_LINEAGE) == 0)
            *lineage = value;
        else
            QNS_TRY(qns_gb_meta(gb, key, value, err));
    }
    return QNS_OK;
}

static qns_status import(qns_graph **out, const Onnx__ModelProto *m, const char *path,
                         const qns_onnx_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_onnx_import im = {.g = m->graph, .opts = opts, .place = {.path = path}};
    const char *lineage;
    QNS_TRY(find_opset(&im.opset, m, err));
    QNS_TRY(check_types(m->graph, im.opset, err));
    const char *name = m->graph->name && m->graph->name[0] ? m->graph->name : "graph";
    QNS_TRY(qns_gb_create(&im.gb, name, NULL, err));
    QNS_TRY_DONE(read_meta(&lineage, im.gb, m, err));
    QNS_TRY_DONE(qns_lineage_parse(&im.lineage, lineage, err));
    QNS_TRY_DONE(qns_onnx_names_init(&im.names, m->graph, err));
    QNS_TRY_DONE(qns_onnx_import_graph(&im, err));
    qns_gb *gb = im.gb;
    im.gb = NULL;
    st = qns_gb_finish(out, gb, err);
done:
    qns_gb_free(im.gb);
    qns_onnx_import_fini(&im);
    return st;
}

qns_status qns_onnx_read_bytes(qns_graph **out, const void *p, size_t n, const char *path,
                               const qns_onnx_opts *opts, qns_err *err)
{
    Onnx__ModelProto *m = NULL;
    qns_err why = {0};
    qns_status st = unpack(&m, p, n, &why);
    if (st == QNS_E_NOMEM)
        QNS_FAIL(err, NOMEM, "reading '%s': %s", path, why.text);
    if (st != QNS_OK)
        QNS_FAIL(err, FORMAT, "'%s' is not an ONNX model: %s", path, why.text);
    st = import(out, m, path, opts, err);
    if (st != QNS_OK)
        qns_err_note(err, "reading '%s'", path);
    free_model(m);
    return st;
}

qns_status qns_onnx_read(qns_graph **out, const char *path, const qns_onnx_opts *opts, qns_err *err)
{
    char *p;
    size_t n;
    QNS_TRY(qns_file_read(&p, &n, path, MAX_FILE, err));
    const qns_status st = qns_onnx_read_bytes(out, p, n, path, opts, err);
    qns_free(p);
    return st;
}
