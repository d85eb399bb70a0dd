/* SPDX-License-Identifier: MIT */
/* The section "pytorch" of qconfig.yaml: a QConfigMapping, with its precedence (spec section 7.4).
 *
 *     pytorch:
 *       global: fbgemm                       # a preset, {preset, activation, weight}, or null
 *       object_type: {torch.nn.Linear: null, conv: default_per_channel_qconfig}
 *       module_name_regex: {'layer[12]\..*': qnnpack}             # the first that matches
 *       module_name: {layer3: default_qconfig, layer3.0.conv1: null}   # the nearest
 *       module_name_object_type_order:
 *         - {module: layer4, type: add, index: 0, qconfig: null}
 *
 * Rules are a list of which the last match decides, so they are appended from the weakest to the
 * strongest: types, expressions from last to first, modules from short to long names, order. */
#include "core/graph/op.h"
#include "core/quant/qconfig_set.h"

#include <string.h>
#include <strings.h>

/* Names of types and functions, without the module they are in, and what they are here. */
static const struct {
    const char *name, *op;
} types[] = {
    {"conv1d", "conv"},
    {"conv2d", "conv"},
    {"conv3d", "conv"},
    {"convtranspose1d", "conv_transpose"},
    {"convtranspose2d", "conv_transpose"},
    {"convtranspose3d", "conv_transpose"},
    {"conv_transpose1d", "conv_transpose"},
    {"conv_transpose2d", "conv_transpose"},
    {"conv_transpose3d", "conv_transpose"},
    {"batchnorm1d", "batchnorm"},
    {"batchnorm2d", "batchnorm"},
    {"batchnorm3d", "batchnorm"},
    {"relu", "clamp"},
    {"relu6", "clamp"},
    {"hardtanh", "clamp"},
    {"cat", "concat"},
    {"maxpool1d", "maxpool"},
    {"maxpool2d", "maxpool"},
    {"maxpool3d", "maxpool"},
    {"max_pool2d", "maxpool"},
    {"avgpool2d", "avgpool"},
    {"avgpool3d", "avgpool"},
    {"avg_pool2d", "avgpool"},
    {"adaptiveavgpool2d", "global_avgpool"},
    {"adaptive_avg_pool2d", "global_avgpool"},
    {"leakyrelu", "leaky_relu"},
    {"flatten", "reshape"},
    {"view", "reshape"},
    {"permute", "transpose"},
    {"interpolate", "resize"},
    {"upsample", "resize"},
    {"layernorm", "layer_norm"},
    {"groupnorm", "group_norm"},
    {"instancenorm2d", "instance_norm"},
};

const qns_op *qns_qconfig_type(const char *name)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (strcasecmp(types[i].name, last) == 0)
            return qns_op_find(types[i].op);
    for (size_t i = 0; qns_ops()[i]; i++)
        if (strcasecmp(qns_ops()[i]->name, last) == 0)
            return qns_ops()[i];
    return NULL;
}

static bool is_null(const qns_yaml_node *n)
{
    return n->kind == QNS_YAML_SCALAR && !n->quoted &&
           (!*n->text || strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0 ||
            strcmp(n->text, "None") == 0);
}

/* A preset's name, a map, or null. cfg holds what a map starts from. */
static qns_status read_value(qns_qconfig *cfg, const qns_yaml_node *n, qns_err *err)
{
    static const char *const keys[] = {"preset", "activation", "weight"};
    const char *name;
    if (is_null(n)) {
        cfg->quantize = false;
        return QNS_OK;
    }
    cfg->quantize = true;
    if (n->kind == QNS_YAML_SCALAR)
        return qns_qconfig_read_preset(cfg, &name, n, err);
    QNS_TRY(qns_yaml_want(n, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(n, keys, QNS_ARRAY_LEN(keys), err));
    if (qns_yaml_find(n, "preset"))
        QNS_TRY(qns_qconfig_read_preset(cfg, &name, qns_yaml_find(n, "preset"), err));
    return qns_qconfig_read_specs(cfg, n, err);
}

static qns_status add(qns_qconfig_set *set, qns_qrule r, const qns_yaml_node *value, qns_err *err)
{
    r.cfg = set->base;
    r.line = value->key ? value->key_line : value->line;
    QNS_TRY(read_value(&r.cfg, value, err));
    return qns_qconfig_add(set, &r, err);
}

static qns_status find_type(const char **out, const char *name, const qns_yaml_node *n,
                            qns_err *err)
{
    const qns_op *op = qns_qconfig_type(name);
    if (!op)
        return qns_yaml_fail(n, err, "type '%s' is no operator known here", name);
    *out = op->name;
    return QNS_OK;
}

/* Several of PyTorch's types are one operator here: they must say the same. */
static qns_status read_types(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err)
{
    for (const qns_yaml_node *c = map->first; c; c = c->next) {
        qns_qrule r = {.by = QNS_BY_OP};
        QNS_TRY(find_type(&r.pattern, c->key, c, err));
        for (const qns_yaml_node *b = map->first; b != c; b = b->next)
            if (qns_qconfig_type(b->key) == qns_qconfig_type(c->key) &&
                !(b->kind == QNS_YAML_SCALAR && c->kind == QNS_YAML_SCALAR &&
                  strcmp(b->text, c->text) == 0))
                return qns_yaml_fail(c, err,
                                     "'%s' and '%s' are one operator here, '%s': they cannot have "
                                     "different qconfigs",
                                     b->key, c->key, r.pattern);
        QNS_TRY(add(set, r, c, err));
    }
    return QNS_OK;
}

static qns_status read_regexes(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err)
{
    for (uint32_t i = map->n; i-- > 0;) {
        const qns_yaml_node *c = map->first;
        for (uint32_t k = 0; k < i; k++)
            c = c->next;
        if (!qns_qrule_regex_ok(c->key))
            return qns_yaml_fail(c, err, "'%s' is no regular expression without '{' and \\1",
                                 c->key);
        QNS_TRY(add(set, (qns_qrule){.by = QNS_BY_REGEX, .pattern = c->key}, c, err));
    }
    return QNS_OK;
}

static qns_status read_modules(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err)
{
    size_t longest = 0;
    for (const qns_yaml_node *c = map->first; c; c = c->next)
        longest = strlen(c->key) > longest ? strlen(c->key) : longest;
    if (longest > 1024)
        return qns_yaml_fail(map, err, "a name of more than 1024 characters");
    for (size_t n = 0; n <= longest; n++)
        for (const qns_yaml_node *c = map->first; c; c = c->next)
            if (strlen(c->key) == n)
                QNS_TRY(add(set, (qns_qrule){.by = QNS_BY_MODULE, .pattern = c->key}, c, err));
    return QNS_OK;
}

static qns_status read_order(qns_qconfig_set *set, const qns_yaml_node *list, qns_err *err)
{
    static const char *const keys[] = {"module", "type", "index", "qconfig"};
    for (const qns_yaml_node *c = list->first; c; c = c->next) {
        qns_qrule r = {.by = QNS_BY_ORDER};
        const char *type;
        int64_t index;
        QNS_TRY(qns_yaml_want(c, QNS_YAML_MAP, err));
        QNS_TRY(qns_yaml_known(c, keys, QNS_ARRAY_LEN(keys), err));
        for (size_t i = 0; i < QNS_ARRAY_LEN(keys); i++)
            if (!qns_yaml_find(c, keys[i]))
                return qns_yaml_fail(c, err, "'%s' is missing", keys[i]);
        QNS_TRY(qns_yaml_want(qns_yaml_find(c, "module"), QNS_YAML_SCALAR, err));
        r.pattern = qns_yaml_find(c, "module")->text; /* empty: the whole model */
        QNS_TRY(qns_yaml_text(&type, qns_yaml_find(c, "type"), err));
        QNS_TRY(find_type(&r.op, type, c, err));
        QNS_TRY(qns_yaml_int(&index, qns_yaml_find(c, "index"), 0, UINT32_MAX, err));
        r.index = (uint32_t)index;
        QNS_TRY(add(set, r, qns_yaml_find(c, "qconfig"), err));
    }
    return QNS_OK;
}

qns_status qns_qconfig_read_pytorch(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err)
{
    static const char *const keys[] = {"global", "object_type", "module_name_regex", "module_name",
                                       "module_name_object_type_order"};
    static qns_status (*const read[])(qns_qconfig_set *, const qns_yaml_node *, qns_err *) = {
        NULL, read_types, read_regexes, read_modules, read_order};
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(map, keys, QNS_ARRAY_LEN(keys), err));
    const qns_yaml_node *global = qns_yaml_find(map, "global");
    if (global) {
        static const char *const own[] = {"default", "activation", "weight", "quantize"};
        for (size_t i = 0; i < QNS_ARRAY_LEN(own); i++)
            if (qns_yaml_find(map->parent, own[i]))
                return qns_yaml_fail(global, err, "'global' and '%s' both state the default",
                                     own[i]);
        QNS_TRY(read_value(&set->base, global, err));
    }
    for (size_t i = 1; i < QNS_ARRAY_LEN(keys); i++) {
        const qns_yaml_node *n = qns_yaml_find(map, keys[i]);
        if (!n)
            continue;
        QNS_TRY(qns_yaml_want(n, i == 4 ? QNS_YAML_LIST : QNS_YAML_MAP, err));
        QNS_TRY(read[i](set, n, err));
    }
    return QNS_OK;
}
