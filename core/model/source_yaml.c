/* SPDX-License-Identifier: MIT */
#include "core/model/source_yaml.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/yaml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static qns_status keep(const char **out, qns_data_spec *spec, const char *s, qns_err *err)
{
    if (!(*out = qns_arena_strdup(spec->arena, s)))
        QNS_FAIL(err, NOMEM, "cannot keep '%s'", s);
    return QNS_OK;
}

static qns_status get_text(const char **out, qns_data_spec *spec, const qns_yaml_node *node,
                           qns_err *err)
{
    const char *s;
    QNS_TRY(qns_yaml_text(&s, node, err));
    return keep(out, spec, s, err);
}

/* A file name, relative to the yaml. */
static qns_status get_path(const char **out, qns_data_spec *spec, const qns_yaml_node *node,
                           qns_err *err)
{
    const char *s;
    QNS_TRY(qns_yaml_text(&s, node, err));
    char *path = qns_path_beside(node->file, s);
    if (!path)
        QNS_FAIL(err, NOMEM, "cannot keep '%s'", s);
    const qns_status st = keep(out, spec, path, err);
    qns_free(path);
    return st;
}

static qns_status get_numbers(qns_per_channel *out, qns_data_spec *spec, const qns_yaml_node *node,
                              bool positive, qns_err *err)
{
    const bool list = node->kind == QNS_YAML_LIST;
    const size_t n = list ? node->n : 1;
    const qns_yaml_node *c = list ? node->first : node;
    float *v;
    if (n == 0)
        return qns_yaml_fail(node, err, "'%s' is an empty list", node->key);
    QNS_TRY(qns_arena_new((void **)&v, spec->arena, n, sizeof *v, err));
    for (size_t i = 0; i < n; i++, c = c->next) {
        double d;
        QNS_TRY(qns_yaml_double(&d, c, err));
        v[i] = (float)d;
        if (!isfinite(v[i]))
            return qns_yaml_fail(c, err, "'%s': %s does not fit float32", node->key, c->text);
        if (positive && !(v[i] > 0))
            return qns_yaml_fail(c, err, "'%s' must be above 0, is '%s'", node->key, c->text);
    }
    *out = (qns_per_channel){v, n};
    return QNS_OK;
}

static qns_status get_options(qns_input_spec *in, qns_data_spec *spec, const qns_yaml_node *map,
                              qns_err *err)
{
    static const char *const layouts[] = {"NCHW", "NHWC", "NCW", "NWC", "NCDHW", "NDHWC"};
    static const char *const orders[] = {"RGB", "BGR"};
    const char *types[QNS_ELEM_COUNT];
    const qns_yaml_node *c;
    size_t i;
    for (qns_elem e = 0; e < QNS_ELEM_COUNT; e++)
        types[e] = qns_elem_name(e);
    if ((c = qns_yaml_find(map, "layout"))) {
        QNS_TRY(qns_yaml_word(&i, c, layouts, QNS_ARRAY_LEN(layouts), err));
        in->layout = layouts[i];
    }
    if ((c = qns_yaml_find(map, "dtype"))) {
        QNS_TRY(qns_yaml_word(&i, c, types, QNS_ELEM_COUNT, err));
        in->elem = (qns_elem)i;
    }
    if ((c = qns_yaml_find(map, "channel_order"))) {
        QNS_TRY(qns_yaml_word(&i, c, orders, 2, err));
        in->reverse_channels = i == 1;
    }
    if ((c = qns_yaml_find(map, "scale")))
        QNS_TRY(get_numbers(&in->scale, spec, c, false, err));
    if ((c = qns_yaml_find(map, "mean")))
        QNS_TRY(get_numbers(&in->mean, spec, c, false, err));
    if ((c = qns_yaml_find(map, "std")))
        QNS_TRY(get_numbers(&in->std, spec, c, true, err));
    return QNS_OK;
}

static qns_status get_input(qns_input_spec *in, qns_data_spec *spec, const qns_yaml_node *node,
                            qns_err *err)
{
    static const char *const keys[] = {"file", "dataset", "layout", "scale",
                                       "mean", "std",     "dtype",  "channel_order"};
    char place[512];
    snprintf(place, sizeof place, "%s:%u", node->file, node->key_line);
    QNS_TRY(keep(&in->place, spec, place, err));
    if (node->kind == QNS_YAML_SCALAR)
        return get_path(&in->file, spec, node, err);
    QNS_TRY(qns_yaml_known(node, keys, QNS_ARRAY_LEN(keys), err));
    const qns_yaml_node *file = qns_yaml_find(node, "file"), *name = qns_yaml_find(node, "dataset");
    if (!file)
        return qns_yaml_fail(node, err, "the input has no 'file'");
    QNS_TRY(get_path(&in->file, spec, file, err));
    if (name) {
        if (qns_has_suffix(in->file, ".npy"))
            return qns_yaml_fail(name, err, "'dataset' is for .npz and HDF5 files, not for '%s'",
                                 in->file);
        QNS_TRY(get_text(&in->name, spec, name, err));
    }
    return get_options(in, spec, node, err);
}

static qns_status no_such_input(const qns_yaml_node *c, const qns_graph *g, qns_err *err)
{
    const char *names[64];
    char all[300] = "";
    size_t n = 0, at = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(g) && n < QNS_ARRAY_LEN(names); i++) {
        names[n] = qns_graph_value(g, qns_graph_input(g, i))->name;
        if (at < sizeof all)
            at +=
                (size_t)snprintf(all + at, sizeof all - at, "%s'%.100s'", n ? ", " : "", names[n]);
        n++;
    }
    const int64_t near = qns_nearest(c->key, names, n);
    if (near >= 0)
        QNS_FAIL(err, NOTFOUND, "%s:%u: the model has no input '%.100s', did you mean '%s'?",
                 c->file, c->key_line, c->key, names[near]);
    QNS_FAIL(err, NOTFOUND, "%s:%u: the model has no input '%.100s'; its inputs are %s", c->file,
             c->key_line, c->key, all);
}

static qns_status get_inputs(qns_data_spec *spec, const qns_yaml_node *map, const qns_graph *g,
                             qns_err *err)
{
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    for (const qns_yaml_node *c = map->first; c; c = c->next) {
        uint32_t i = 0;
        while (i < spec->n_in &&
               strcmp(qns_graph_value(g, qns_graph_input(g, i))->name, c->key) != 0)
            i++;
        if (i == spec->n_in && spec->n_in == 1 && qns_yaml_find(map, "file"))
            return get_input(&spec->in[0], spec, map, err);
        if (i == spec->n_in && spec->n_in == 1 && strcmp(c->key, "data") == 0 && map->n == 1)
            i = 0;
        if (i == spec->n_in)
            return no_such_input(c, g, err);
        QNS_TRY(get_input(&spec->in[i], spec, c, err));
    }
    for (uint32_t i = 0; i < spec->n_in; i++)
        if (!spec->in[i].file)
            return qns_yaml_fail(map, err, "nothing is said about the model's input '%s'",
                                 qns_graph_value(g, qns_graph_input(g, i))->name);
    return QNS_OK;
}

static qns_status get_labels(qns_data_spec *spec, const qns_yaml_node *node, qns_err *err)
{
    static const char *const keys[] = {"file", "dataset"};
    if (node->kind == QNS_YAML_SCALAR)
        return get_path(&spec->labels, spec, node, err);
    QNS_TRY(qns_yaml_known(node, keys, 2, err));
    const qns_yaml_node *file = qns_yaml_find(node, "file"), *name = qns_yaml_find(node, "dataset");
    if (!file)
        return qns_yaml_fail(node, err, "'labels' has no 'file'");
    if (name)
        QNS_TRY(get_text(&spec->labels_name, spec, name, err));
    return get_path(&spec->labels, spec, file, err);
}

static qns_status get_all(qns_data_spec *spec, const qns_yaml_node *root, const qns_graph *g,
                          qns_err *err)
{
    static const char *const keys[] = {"inputs", "labels", "label_offset", "limit"};
    const qns_yaml_node *c;
    QNS_TRY(qns_yaml_known(root, keys, QNS_ARRAY_LEN(keys), err));
    if (!(c = qns_yaml_find(root, "inputs")))
        return qns_yaml_fail(root, err, "there is no 'inputs'");
    QNS_TRY(get_inputs(spec, c, g, err));
    if ((c = qns_yaml_find(root, "labels")))
        QNS_TRY(get_labels(spec, c, err));
    if ((c = qns_yaml_find(root, "label_offset")))
        QNS_TRY(qns_yaml_int(&spec->label_offset, c, -INT32_MAX, INT32_MAX, err));
    if ((c = qns_yaml_find(root, "limit")))
        QNS_TRY(qns_yaml_int(&spec->limit, c, 1, INT64_MAX, err));
    return QNS_OK;
}

static qns_status get_tree(qns_data_spec *spec, qns_yaml *y, const qns_graph *g, qns_err *err)
{
    const qns_status st = get_all(spec, qns_yaml_root(y), g, err);
    qns_yaml_free(y);
    return st;
}

qns_status qns_data_spec_read(qns_data_spec *spec, const char *path, const qns_graph *g,
                              qns_err *err)
{
    qns_yaml *y = NULL;
    QNS_TRY(qns_yaml_read(&y, path, err));
    return get_tree(spec, y, g, err);
}

qns_status qns_data_spec_parse(qns_data_spec *spec, const char *text, size_t n, const char *path,
                               const qns_graph *g, qns_err *err)
{
    qns_yaml *y = NULL;
    QNS_TRY(qns_yaml_parse(&y, text, n, path, err));
    return get_tree(spec, y, g, err);
}
