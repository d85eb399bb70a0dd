/* SPDX-License-Identifier: MIT */
/* qconfig.yaml:
 *
 *     backend: fbgemm
 *     default: fbgemm               # a preset
 *     hist_version: A               # A: PyTorch 1.13, C: 2.5 and later
 *     activation: {...}             # changes the default
 *     weight: {...}
 *     rules:                        # the last one that matches a node decides alone
 *       - op: linear
 *         weight: {observer: minmax, per_channel: true, symmetric: true, reduce_range: false}
 *       - name: "layer1.*"
 *         activation: {observer: histogram, bins: 2048, momentum: 0.01}
 *       - name: "head"
 *         preset: default           # starts from another preset
 *         quantize: false
 *       - skip: ["conv1", "layer4.2.conv3"]
 *       - regex: "layer[12]"        # PyTorch's ways to name nodes, see qconfig_pytorch.c
 *       - module: layer3
 *     quantize: true                # false: only rules quantize
 *     quantize_at: [x]              # borders (borders.h); wrap: modules that alone are quantized
 *     pytorch: {...}                # rules by PyTorch's precedence, weaker than those of "rules"
 *
 * A map starts from the default; what it does not say stays as there. */
#include "core/base/yaml.h"
#include "core/graph/op.h"
#include "core/quant/qconfig_set.h"

#include <math.h>
#include <string.h>

/* PyTorch's class names. */
static const struct {
    const char *name, *is;
} known[] = {
    {"ema", "moving_average"},
    {"MinMaxObserver", "minmax"},
    {"PerChannelMinMaxObserver", "minmax"},
    {"MovingAverageMinMaxObserver", "moving_average"},
    {"MovingAveragePerChannelMinMaxObserver", "moving_average"},
    {"HistogramObserver", "histogram"},
    {"FixedQParamsObserver", "fixed"},
    {"PlaceholderObserver", "placeholder"},
    {"NoopObserver", "noop"},
    {"RecordingObserver", "recording"},
    {"ReuseInputObserver", "reuse_input"},
};

static qns_status read_observer(qns_obs_spec *s, const qns_yaml_node *n, qns_err *err)
{
    const char *name;
    const char *names[16];
    size_t count = 0;
    if (!n)
        return QNS_OK;
    QNS_TRY(qns_yaml_text(&name, n, err));
    for (; qns_observers()[count] && count < QNS_ARRAY_LEN(names); count++)
        names[count] = qns_observers()[count]->name;
    for (size_t i = 0; i < QNS_ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            name = known[i].is;
    s->observer = qns_observer_find(name);
    if (s->observer) {
        if (s->observer == &qns_obs_noop)
            s->dtype = QNS_F16;
        return QNS_OK;
    }
    const int64_t near = qns_nearest(name, names, count);
    return qns_yaml_fail(n, err, "no observer '%s'; %s '%s'", name,
                         near < 0 ? "the usual one is" : "did you mean",
                         near < 0 ? "histogram" : names[near]);
}

static qns_status read_bool(bool *out, const qns_yaml_node *map, const char *key, qns_err *err)
{
    const qns_yaml_node *n = qns_yaml_find(map, key);
    return n ? qns_yaml_bool(out, n, err) : QNS_OK;
}

/* What the fixed observer states. */
static qns_status read_fixed(qns_obs_spec *s, const qns_yaml_node *map, qns_err *err)
{
    const qns_yaml_node *scale = qns_yaml_find(map, "scale");
    const qns_yaml_node *zero = qns_yaml_find(map, "zero_point");
    const bool is_fixed = s->observer == &qns_obs_fixed;
    int64_t z = 0;
    if (!is_fixed && (scale || zero))
        return qns_yaml_fail(scale ? scale : zero, err,
                             "scale and zero_point belong to observer 'fixed'");
    if (!is_fixed)
        return QNS_OK;
    if (!scale && s->scale > 0)
        return QNS_OK; /* a rule that starts from a default with a fixed observer */
    if (!scale)
        return qns_yaml_fail(map, err, "observer 'fixed' needs 'scale'");
    QNS_TRY(qns_yaml_double(&s->scale, scale, err));
    if (!(s->scale > 0 && (float)s->scale > 0 && isfinite((float)s->scale)))
        return qns_yaml_fail(scale, err, "'scale' must be a float above 0");
    if (zero)
        QNS_TRY(qns_yaml_int(&z, zero, qns_dtype_min(s->range.dtype), qns_dtype_max(s->range.dtype),
                             err));
    s->zero = (int32_t)z;
    return QNS_OK;
}

/* What placeholder and noop state. */
static qns_status read_stated(qns_obs_spec *s, const qns_yaml_node *map, qns_err *err)
{
    static const char *const types[] = {"float32", "float16", "uint8", "int8"};
    static const qns_dtype dtypes[] = {QNS_F32, QNS_F16, QNS_U8, QNS_I8};
    const qns_yaml_node *dtype = qns_yaml_find(map, "dtype");
    const qns_yaml_node *dynamic = qns_yaml_find(map, "dynamic");
    const bool holds = s->observer == &qns_obs_placeholder, noop = s->observer == &qns_obs_noop;
    size_t i;
    if (!holds)
        s->dynamic = false;
    if ((dtype && !holds && !noop) || (dynamic && !holds))
        return qns_yaml_fail(dtype ? dtype : dynamic, err,
                             "'dtype' and 'dynamic' belong to observer 'placeholder'");
    if (dtype) {
        QNS_TRY(qns_yaml_word(&i, dtype, types, QNS_ARRAY_LEN(types), err));
        s->dtype = dtypes[i];
    }
    if (noop && s->dtype != QNS_F16 && s->dtype != QNS_F32)
        return qns_yaml_fail(dtype, err, "observer 'noop' states float16 or float32");
    return read_bool(&s->dynamic, map, "dynamic", err);
}

/* Keys that both kinds of tensor have. */
static qns_status read_spec(qns_obs_spec *s, const qns_yaml_node *map, qns_err *err)
{
    const qns_yaml_node *n;
    bool reduced = qns_obs_spec_reduced(s), narrow = qns_obs_spec_narrow(s);
    int64_t bins;
    double number;
    QNS_TRY(read_observer(s, qns_yaml_find(map, "observer"), err));
    QNS_TRY(read_bool(&reduced, map, "reduce_range", err));
    QNS_TRY(read_bool(&narrow, map, "narrow_range", err));
    qns_obs_spec_set_range(s, s->range.dtype, reduced, narrow);
    QNS_TRY(read_bool(&s->range.symmetric, map, "symmetric", err));
    if ((n = qns_yaml_find(map, "bins"))) {
        QNS_TRY(qns_yaml_int(&bins, n, 2, QNS_MAX_BINS, err));
        s->bins = (int32_t)bins;
    }
    if ((n = qns_yaml_find(map, "percentile"))) {
        QNS_TRY(qns_yaml_double(&number, n, err));
        if (!(number > 50 && number <= 100))
            return qns_yaml_fail(n, err, "'percentile' must be above 50 and at most 100");
        s->percentile = (float)number;
    }
    if ((n = qns_yaml_find(map, "momentum"))) {
        QNS_TRY(qns_yaml_double(&number, n, err));
        if (!(number > 0 && number <= 1))
            return qns_yaml_fail(n, err, "'momentum' must be above 0 and at most 1");
        s->momentum = (float)number;
    }
    if ((n = qns_yaml_find(map, "eps"))) {
        QNS_TRY(qns_yaml_double(&number, n, err));
        if (!(number >= 1e-30 && number <= 1))
            return qns_yaml_fail(n, err, "'eps' must be between 1e-30 and 1");
        s->range.eps = (float)number;
    }
    QNS_TRY(read_stated(s, map, err));
    return read_fixed(s, map, err);
}

static qns_status read_act(qns_obs_spec *s, const qns_yaml_node *map, qns_err *err)
{
    static const char *const keys[] = {"observer",   "bins",  "momentum",   "reduce_range",
                                       "symmetric",  "eps",   "percentile", "scale",
                                       "zero_point", "dtype", "dynamic"};
    if (!map)
        return QNS_OK;
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(map, keys, QNS_ARRAY_LEN(keys), err));
    return read_spec(s, map, err);
}

static qns_status read_weight(qns_obs_spec *s, const qns_yaml_node *map, qns_err *err)
{
    static const char *const keys[] = {"observer",   "bins",        "momentum",     "reduce_range",
                                       "symmetric",  "eps",         "percentile",   "scale",
                                       "zero_point", "per_channel", "narrow_range", "dtype"};
    if (!map)
        return QNS_OK;
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(map, keys, QNS_ARRAY_LEN(keys), err));
    QNS_TRY(read_spec(s, map, err));
    QNS_TRY(read_bool(&s->per_channel, map, "per_channel", err));
    if (s->per_channel && !s->observer->per_channel && !s->observer->passes)
        return qns_yaml_fail(map, err,
                             "observer '%s' has no channels; use minmax or moving_average",
                             s->observer->name);
    return QNS_OK;
}

qns_status qns_qconfig_read_preset(qns_qconfig *out, const char **name, const qns_yaml_node *n,
                                   qns_err *err)
{
    size_t count = 0, i;
    QNS_TRY(qns_yaml_text(name, n, err));
    if (qns_qconfig_preset(out, *name))
        return QNS_OK;
    if (qns_qconfig_preset_refusal(*name))
        return qns_yaml_fail(n, err, "preset '%s' is not for static quantization: %s", *name,
                             qns_qconfig_preset_refusal(*name));
    while (qns_qconfig_presets()[count])
        count++;
    return qns_yaml_word(&i, n, qns_qconfig_presets(), count, err); /* fails, naming the nearest */
}

static qns_status read_op(const char **out, const qns_yaml_node *n, qns_err *err)
{
    const char *names[256];
    size_t count = 0;
    QNS_TRY(qns_yaml_text(out, n, err));
    if (qns_op_find(*out))
        return QNS_OK;
    for (; qns_ops()[count] && count < QNS_ARRAY_LEN(names); count++)
        names[count] = qns_ops()[count]->name;
    const int64_t near = qns_nearest(*out, names, count);
    if (near < 0)
        return qns_yaml_fail(n, err, "no operator '%s'", *out);
    return qns_yaml_fail(n, err, "no operator '%s', did you mean '%s'?", *out, names[near]);
}

/* "skip" takes a list or one name. */
static qns_status read_skip(qns_qconfig_set *set, const qns_yaml_node *n, qns_err *err)
{
    qns_qrule r = {.by = QNS_BY_SKIP, .cfg = set->base, .line = n->line};
    r.cfg.quantize = false;
    if (n->kind == QNS_YAML_SCALAR) {
        QNS_TRY(qns_yaml_text(&r.pattern, n, err));
        return qns_qconfig_add(set, &r, err);
    }
    QNS_TRY(qns_yaml_want(n, QNS_YAML_LIST, err));
    for (const qns_yaml_node *c = n->first; c; c = c->next) {
        QNS_TRY(qns_yaml_text(&r.pattern, c, err));
        r.line = c->line;
        QNS_TRY(qns_qconfig_add(set, &r, err));
    }
    return QNS_OK;
}

qns_status qns_qconfig_read_specs(qns_qconfig *out, const qns_yaml_node *map, qns_err *err)
{
    QNS_TRY(read_act(&out->act, qns_yaml_find(map, "activation"), err));
    QNS_TRY(read_weight(&out->weight, qns_yaml_find(map, "weight"), err));
    qns_scheme ignored;
    qns_err own = {0};
    if (qns_qconfig_scheme(&ignored, out, &own) != QNS_OK)
        return qns_yaml_fail(map, err, "%s", own.text);
    return QNS_OK;
}

/* What a rule matches: exactly one of op, name, regex and module; module may have op and index. */
static qns_status read_selector(qns_qrule *r, const qns_yaml_node *map, qns_err *err)
{
    const qns_yaml_node *op = qns_yaml_find(map, "op"), *name = qns_yaml_find(map, "name");
    const qns_yaml_node *regex = qns_yaml_find(map, "regex"),
                        *module = qns_yaml_find(map, "module");
    const qns_yaml_node *index = qns_yaml_find(map, "index");
    int64_t i;
    if (index && module && op) {
        QNS_TRY(qns_yaml_want(module, QNS_YAML_SCALAR, err));
        QNS_TRY(qns_yaml_int(&i, index, 0, UINT32_MAX, err));
        r->by = QNS_BY_ORDER;
        r->pattern = module->text;
        r->index = (uint32_t)i;
        return read_op(&r->op, op, err);
    }
    if (index)
        return qns_yaml_fail(index, err, "'index' needs 'module' and 'op'");
    if ((op != NULL) + (name != NULL) + (regex != NULL) + (module != NULL) != 1)
        return qns_yaml_fail(map, err,
                             "a rule needs exactly one of 'op', 'name', 'skip', 'regex', 'module'");
    r->by = op ? QNS_BY_OP : name ? QNS_BY_NAME : regex ? QNS_BY_REGEX : QNS_BY_MODULE;
    QNS_TRY(op ? read_op(&r->pattern, op, err)
               : qns_yaml_text(&r->pattern,
                               name    ? name
                               : regex ? regex
                                       : module,
                               err));
    if (regex && !qns_qrule_regex_ok(r->pattern))
        return qns_yaml_fail(regex, err, "'%s' is no regular expression without '{' and \\1",
                             r->pattern);
    return QNS_OK;
}

static qns_status read_rule(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err)
{
    static const char *const keys[] = {"op",    "name",   "skip",   "regex",    "module",
                                       "index", "weight", "preset", "quantize", "activation"};
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(map, keys, QNS_ARRAY_LEN(keys), err));
    const qns_yaml_node *skip = qns_yaml_find(map, "skip");
    if (skip && map->n != 1)
        return qns_yaml_fail(map, err, "'skip' stands alone in its rule");
    if (skip)
        return read_skip(set, skip, err);
    qns_qrule r = {.cfg = set->base, .line = map->line};
    r.cfg.quantize = true;
    QNS_TRY(read_selector(&r, map, err));
    const char *ignored;
    const qns_yaml_node *preset = qns_yaml_find(map, "preset");
    if (preset)
        QNS_TRY(qns_qconfig_read_preset(&r.cfg, &ignored, preset, err));
    QNS_TRY(read_bool(&r.cfg.quantize, map, "quantize", err));
    QNS_TRY(qns_qconfig_read_specs(&r.cfg, map, err));
    return qns_qconfig_add(set, &r, err);
}

/* A list of names, or one. */
static qns_status read_borders(qns_qconfig_set *set, const qns_yaml_node *n, bool quantize,
                               qns_err *err)
{
    qns_qborder b = {.quantize = quantize};
    if (!n)
        return QNS_OK;
    if (n->kind != QNS_YAML_SCALAR)
        QNS_TRY(qns_yaml_want(n, QNS_YAML_LIST, err));
    for (const qns_yaml_node *c = n->kind == QNS_YAML_SCALAR ? n : n->first; c;
         c = c == n ? NULL : c->next) {
        QNS_TRY(qns_yaml_text(&b.pattern, c, err));
        b.line = c->line;
        QNS_TRY(qns_qconfig_border(set, &b, err));
    }
    return QNS_OK;
}

/* Only what is wrapped is quantized: the same as "quantize: false" and a rule for each module. */
static qns_status read_wrap(qns_qconfig_set *set, const qns_yaml_node *root, qns_err *err)
{
    const qns_yaml_node *n = qns_yaml_find(root, "wrap");
    qns_qrule r = {.by = QNS_BY_MODULE, .cfg = set->base};
    if (!n)
        return QNS_OK;
    if (qns_yaml_find(root, "quantize"))
        return qns_yaml_fail(n, err, "'wrap' and 'quantize' both say what is quantized");
    QNS_TRY(qns_yaml_want(n, QNS_YAML_LIST, err));
    set->base.quantize = false;
    for (const qns_yaml_node *c = n->first; c; c = c->next) {
        QNS_TRY(qns_yaml_text(&r.pattern, c, err));
        r.line = c->line;
        QNS_TRY(qns_qconfig_add(set, &r, err));
    }
    return QNS_OK;
}

static qns_status read_backend(const qns_backend **out, const qns_yaml_node *n, qns_err *err)
{
    const char *names[16];
    size_t count = 0, i;
    for (; qns_backends()[count] && count < QNS_ARRAY_LEN(names); count++)
        names[count] = qns_backends()[count]->name;
    QNS_TRY(qns_yaml_word(&i, n, names, count, err));
    *out = qns_backends()[i];
    return QNS_OK;
}

static qns_status read_set(qns_qconfig_set **out, const qns_yaml_node *root, const qns_backend *be,
                           qns_err *err)
{
    static const char *const keys[] = {"backend", "default",       "hist_version", "activation",
                                       "weight",  "quantize",      "rules",        "pytorch",
                                       "wrap",    "dequantize_at", "quantize_at"};
    static const char *const versions[] = {"A", "C"};
    qns_status st = QNS_OK;
    qns_qconfig_set *set = NULL;
    const qns_backend *own = qns_backends()[0];
    qns_qconfig base;
    const char *preset = NULL;
    size_t version = QNS_HIST_A;
    QNS_TRY(qns_yaml_want(root, QNS_YAML_MAP, err));
    QNS_TRY(qns_yaml_known(root, keys, QNS_ARRAY_LEN(keys), err));
    const qns_yaml_node *n = qns_yaml_find(root, "backend");
    if (n)
        QNS_TRY(read_backend(&own, n, err));
    n = qns_yaml_find(root, "default");
    if (n)
        QNS_TRY(qns_qconfig_read_preset(&base, &preset, n, err));
    n = qns_yaml_find(root, "hist_version");
    if (n)
        QNS_TRY(qns_yaml_word(&version, n, versions, QNS_ARRAY_LEN(versions), err));
    QNS_TRY(qns_qconfig_create(&set, be ? be : own, preset, err));
    set->hist = version == 0 ? QNS_HIST_A : QNS_HIST_C;
    set->file = qns_arena_strdup(set->arena, root->file);
    QNS_TRY_DONE(qns_qconfig_read_specs(&set->base, root, err));
    QNS_TRY_DONE(read_bool(&set->base.quantize, root, "quantize", err));
    QNS_TRY_DONE(read_borders(set, qns_yaml_find(root, "quantize_at"), true, err));
    QNS_TRY_DONE(read_borders(set, qns_yaml_find(root, "dequantize_at"), false, err));
    QNS_TRY_DONE(read_wrap(set, root, err));
    n = qns_yaml_find(root, "pytorch");
    if (n)
        QNS_TRY_DONE(qns_qconfig_read_pytorch(set, n, err));
    n = qns_yaml_find(root, "rules");
    if (n) {
        QNS_TRY_DONE(qns_yaml_want(n, QNS_YAML_LIST, err));
        for (const qns_yaml_node *c = n->first; c; c = c->next)
            QNS_TRY_DONE(read_rule(set, c, err));
    }
    *out = set;
    set = NULL;
done:
    qns_qconfig_free(set);
    return st;
}

qns_status qns_qconfig_read(qns_qconfig_set **out, const char *path, const qns_backend *be,
                            qns_err *err)
{
    qns_yaml *y;
    QNS_TRY(qns_yaml_read(&y, path, err));
    const qns_status st = read_set(out, qns_yaml_root(y), be, err);
    qns_yaml_free(y);
    return st;
}

qns_status qns_qconfig_parse(qns_qconfig_set **out, const char *text, size_t n, const char *name,
                             const qns_backend *be, qns_err *err)
{
    qns_yaml *y;
    QNS_TRY(qns_yaml_parse(&y, text, n, name, err));
    const qns_status st = read_set(out, qns_yaml_root(y), be, err);
    qns_yaml_free(y);
    return st;
}
