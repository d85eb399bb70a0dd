/* SPDX-License-Identifier: MIT */
/* Presets, rules, the yaml file and its mistakes. */
#include "tests/unit/core/quant/net.h"

static qns_qconfig_set *parse(const char *text)
{
    qns_qconfig_set *set;
    qns_err err = {0};
    cr_assert_eq(qns_qconfig_parse(&set, text, strlen(text), "q.yaml", NULL, &err), QNS_OK, "%s",
                 err.text);
    return set;
}

static void refuses(const char *text, qns_status code, const char *part)
{
    qns_qconfig_set *set;
    qns_err err = {0};
    const qns_status st = qns_qconfig_parse(&set, text, strlen(text), "q.yaml", NULL, &err);
    cr_assert_eq(st, code, "'%s' gives %s: %s", text, qns_status_text(st), err.text);
    cr_assert(strstr(err.text, part), "'%s' is not in '%s'", part, err.text);
}

/* x -> a (add) -> r (relu), p (pool), y (add) */
static qns_graph *graph(void)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const qns_vid a = net_op(&t, "Add", "a", NET_IN(x, x), NULL, 0);
    const qns_vid p = net_maxpool2(&t, "p", net_relu(&t, "r", a));
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(p, p), NULL, 0);
    qns_graph *g = net_finish(&t, &y, 1), *f;
    qns_err err = {0};
    cr_assert_eq(qns_fuse(&f, g, &err), QNS_OK);
    qns_graph_free(g); /* there are no constants that f could share */
    return f;
}

Test(qconfig, presets_are_pytorchs)
{
    qns_qconfig q;
    cr_assert(qns_qconfig_preset(&q, "fbgemm"));
    cr_assert_eq(q.act.observer, &qns_obs_histogram);
    cr_assert(q.act.range.qmin == 0 && q.act.range.qmax == 127);
    cr_assert(q.weight.per_channel && q.weight.range.symmetric);
    cr_assert(q.weight.range.qmin == -128 && q.weight.range.qmax == 127);
    cr_assert(qns_qconfig_preset(&q, "qnnpack"));
    cr_assert(q.act.range.qmax == 255 && !q.weight.per_channel);
    cr_assert(qns_qconfig_preset(&q, "default"));
    cr_assert(q.act.observer == &qns_obs_minmax && q.act.range.qmax == 127);
    cr_assert(!qns_qconfig_preset(&q, "nonsense"));
}

Test(qconfig, every_preset_has_a_name_and_every_name_a_preset)
{
    qns_qconfig q, p;
    for (size_t i = 0; qns_qconfig_presets()[i]; i++) {
        cr_assert(qns_qconfig_preset(&q, qns_qconfig_presets()[i]), "%s", qns_qconfig_presets()[i]);
        cr_assert_null(qns_qconfig_preset_refusal(qns_qconfig_presets()[i]));
    }
    cr_assert(qns_qconfig_preset(&q, "default_per_channel_symmetric_qnnpack_qconfig"));
    cr_assert(qns_qconfig_preset(&p, "per_channel_symmetric_qnnpack"));
    cr_assert(q.weight.range.qmin == -127 && q.weight.range.qmax == 127 && q.weight.per_channel);
    cr_assert(p.weight.range.qmin == -127 && q.act.range.eps == 0x1p-12F);
    cr_assert(qns_qconfig_preset(&q, "default_qat_qconfig") && q.act.observer == &qns_obs_ema);
    cr_assert_not_null(qns_qconfig_preset_refusal("float_qparams_weight_only_qconfig"));
}

/* int8 activations of the symmetric presets: uint8 codes that are greater by 128 are the same. */
Test(qconfig, uint8_stands_for_int8)
{
    const qns_range ranges[] = {{-1, 3}, {0, 0.1F}, {-7, 0}, {2, 5}, {-1e-9F, 1e-9F}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(ranges); i++) {
        const qns_qrule_range u = {QNS_U8, 0, 255, false, 0x1p-12F},
                              s = {QNS_I8, -128, 127, false, 0x1p-12F};
        float su, ss;
        int32_t zu, zs;
        cr_assert_eq(qns_qparams_choose(&su, &zu, &u, ranges[i], NULL), QNS_OK);
        cr_assert_eq(qns_qparams_choose(&ss, &zs, &s, ranges[i], NULL), QNS_OK);
        cr_assert(su == ss && zu == zs + 128);
    }
}

Test(qconfig, the_last_match_decides_alone)
{
    qns_qconfig_set *set = parse("backend: fbgemm\n"
                                 "rules:\n"
                                 "  - op: add\n"
                                 "    activation: {observer: minmax}\n"
                                 "  - name: 'a*'\n"
                                 "    weight: {per_channel: false}\n"
                                 "  - skip: [p_node]\n");
    qns_graph *g = graph();
    const qns_qrule *a =
        qns_qconfig_match(set, g, qns_graph_node(g, qns_graph_find_node(g, "a_node")));
    const qns_qrule *y =
        qns_qconfig_match(set, g, qns_graph_node(g, qns_graph_find_node(g, "y_node")));
    const qns_qrule *p =
        qns_qconfig_match(set, g, qns_graph_node(g, qns_graph_find_node(g, "p_node")));
    cr_assert(a && a->line == 5 && a->cfg.act.observer == &qns_obs_histogram);
    cr_assert(!a->cfg.weight.per_channel);
    cr_assert(y && y->line == 3 && y->cfg.act.observer == &qns_obs_minmax);
    cr_assert(p && p->line == 7 && !p->cfg.quantize);
    qns_qconfig_free(set);
    qns_graph_free(g);
}

Test(qconfig, names_may_be_folded_nodes_and_values)
{
    const char *const names[] = {"a_node", "r_node", "r", "[ar]_node"};
    qns_graph *g = graph();
    const qns_node *a = qns_graph_node(g, qns_graph_find_node(g, "a_node"));
    for (size_t i = 0; i < QNS_ARRAY_LEN(names); i++) {
        qns_qconfig_set *set;
        qns_err err = {0};
        cr_assert_eq(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, &err), QNS_OK);
        cr_assert_eq(qns_qconfig_skip(set, names[i], &err), QNS_OK);
        cr_assert_eq(qns_qconfig_check(set, g, &err), QNS_OK, "%s", names[i]);
        const qns_qrule *r = qns_qconfig_match(set, g, a);
        cr_assert(r && !r->cfg.quantize, "%s", names[i]);
        qns_qconfig_free(set);
    }
    qns_graph_free(g);
}

Test(qconfig, a_name_that_matches_nothing_is_an_error)
{
    qns_graph *g = graph();
    qns_err err = {0};
    qns_qconfig_set *set = parse("rules:\n  - skip: [a_nodde]\n");
    cr_assert_eq(qns_qconfig_check(set, g, &err), QNS_E_NOTFOUND);
    cr_assert(strstr(err.text, "q.yaml:2:") && strstr(err.text, "'a_node'"), "%s", err.text);
    qns_qconfig_free(set);
    qns_graph_free(g);
}

Test(qconfig, mistakes_are_named)
{
    refuses("rules:\n  - skipp: [a]\n", QNS_E_CONFIG, "skip");
    refuses("default: fbgem\n", QNS_E_CONFIG, "fbgemm");
    refuses("backend: intel\n", QNS_E_CONFIG, "q.yaml:1");
    refuses("rules:\n  - op: ad\n", QNS_E_CONFIG, "'add'");
    refuses("rules:\n  - weight: {}\n", QNS_E_CONFIG, "exactly one");
    refuses("rules:\n  - {op: add, name: x}\n", QNS_E_CONFIG, "exactly one");
    refuses("rules:\n  - {skip: x, quantize: false}\n", QNS_E_CONFIG, "alone");
    refuses("activation: {observer: histo}\n", QNS_E_CONFIG, "observer");
    refuses("activation: {bins: 1}\n", QNS_E_CONFIG, "bins");
    refuses("activation: {bins: 1000000000}\n", QNS_E_CONFIG, "bins");
    refuses("activation: {momentum: 0}\n", QNS_E_CONFIG, "momentum");
    refuses("activation: {per_channel: true}\n", QNS_E_CONFIG, "per_channel");
    refuses("weight: {observer: histogram}\n", QNS_E_CONFIG, "channels");
    refuses("default: float_qparams_weight_only_qconfig\n", QNS_E_CONFIG, "embeddings");
    refuses("weight: {observer: RecordingObserver}\n", QNS_E_CONFIG, "for activations");
    refuses("activation: {observer: minmax, dtype: float16}\n", QNS_E_CONFIG, "'placeholder'");
    refuses("activation: {observer: placeholder, dtype: float15}\n", QNS_E_CONFIG, "float16");
    refuses("activation: {observer: fixed}\n", QNS_E_CONFIG, "'scale'");
    refuses("activation: {observer: fixed, scale: 0}\n", QNS_E_CONFIG, "above 0");
    refuses("activation: {observer: fixed, scale: .inf}\n", QNS_E_CONFIG, "scale");
    refuses("activation: {observer: fixed, scale: 1e-300}\n", QNS_E_CONFIG, "above 0");
    refuses("activation: {observer: fixed, scale: 1, zero_point: 256}\n", QNS_E_CONFIG, "255");
    refuses("activation: {observer: minmax, scale: 1}\n", QNS_E_CONFIG, "'fixed'");
    refuses("activation: {percentile: 30}\n", QNS_E_CONFIG, "above 50");
    refuses("hist_version: B\n", QNS_E_CONFIG, "hist_version");
    refuses("- a\n", QNS_E_CONFIG, "");
    refuses("rules: 3\n", QNS_E_CONFIG, "rules");
}

Test(qconfig, text_reads_back_to_the_same)
{
    qns_qconfig_set *set = parse("backend: qnnpack\n"
                                 "default: fbgemm\n"
                                 "hist_version: C\n"
                                 "activation: {observer: ema, momentum: 0.3}\n"
                                 "rules:\n"
                                 "  - op: add\n"
                                 "    activation: {observer: histogram, bins: 100}\n"
                                 "    weight: {narrow_range: true, reduce_range: true}\n"
                                 "  - op: conv\n"
                                 "    activation: {observer: fixed, scale: 0.1, zero_point: 7}\n"
                                 "  - op: mul\n"
                                 "    activation: {observer: percentile, percentile: 99.5}\n"
                                 "  - name: 'we\"ird\\[0]'\n"
                                 "    quantize: false\n"
                                 "  - skip: [one, two]\n");
    qns_str first = {0}, second = {0};
    qns_qconfig_text(&first, set);
    qns_qconfig_set *again = parse(qns_str_get(&first));
    qns_qconfig_text(&second, again);
    cr_assert_str_eq(qns_str_get(&first), qns_str_get(&second));
    cr_assert_eq(qns_qconfig_n_rules(again), 6);
    for (size_t i = 0; i < 4; i++) {
        const qns_qrule *a = qns_qconfig_rule(set, i), *b = qns_qconfig_rule(again, i);
        cr_assert_str_eq(a->pattern, b->pattern);
        cr_assert_eq(a->by, b->by);
        cr_assert_eq(a->cfg.quantize, b->cfg.quantize);
        cr_assert_eq(a->cfg.act.observer, b->cfg.act.observer);
        cr_assert_eq(a->cfg.act.bins, b->cfg.act.bins);
        cr_assert_eq(a->cfg.act.percentile, b->cfg.act.percentile);
        cr_assert(a->cfg.act.scale == b->cfg.act.scale && a->cfg.act.zero == b->cfg.act.zero);
        cr_assert_eq(a->cfg.weight.range.qmin, b->cfg.weight.range.qmin);
        cr_assert_eq(a->cfg.weight.range.qmax, b->cfg.weight.range.qmax);
    }
    cr_assert_eq(qns_qconfig_hist_version(again), QNS_HIST_C);
    cr_assert_eq(qns_qconfig_default(again)->act.momentum, 0.3F);
    cr_assert_str_eq(qns_qconfig_backend(again)->name, "qnnpack");
    qns_str_fini(&first);
    qns_str_fini(&second);
    qns_qconfig_free(set);
    qns_qconfig_free(again);
}

/* ---- the section "pytorch" ---- */

enum { NODES = 6 };

/* Additions in a row, in the modules layer1.0.conv1, layer1.0, layer1.1, layer2.0 and twice in
 * none.
 */
static qns_graph *modules(void)
{
    static const char *const names[NODES] = {"/layer1/layer1.0/conv1/Add",
                                             "/layer1/layer1.0/Add",
                                             "/layer1/layer1.1/Add",
                                             "/layer2/layer2.0/Add",
                                             "/Add",
                                             "/Add_1"};
    net t = net_start(2);
    qns_vid v = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    for (size_t i = 0; i < NODES; i++)
        v = net_op(&t, "Add", names[i], NET_IN(v, v), NULL, 0);
    return net_finish(&t, &v, 1);
}

/* lines: of the rule that decides each node; 0 for the default. floats: bit i when node i stays
 * float. Both hold for the set and for its text read again. */
static void decides(const char *text, const uint32_t lines[NODES], unsigned floats)
{
    qns_graph *g = modules();
    qns_qconfig_set *set = parse(text);
    qns_str again = {0};
    qns_err err = {0};
    cr_assert_eq(qns_qconfig_check(set, g, &err), QNS_OK, "%s", err.text);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < NODES; i++) {
            const qns_qrule *r = qns_qconfig_match(set, g, qns_graph_node(g, (qns_nid){i}));
            const qns_qconfig *c = r ? &r->cfg : qns_qconfig_default(set);
            if (!round)
                cr_expect_eq(r ? r->line : 0, lines[i], "node %u: line %u", i, r ? r->line : 0);
            cr_expect_eq(!c->quantize, floats >> i & 1, "node %u, round %d", i, round);
        }
        if (round)
            break;
        qns_qconfig_text(&again, set);
        qns_qconfig_free(set);
        set = parse(qns_str_get(&again));
    }
    qns_str_fini(&again);
    qns_qconfig_free(set);
    qns_graph_free(g);
}

Test(qconfig, pytorch_precedence)
{
    decides("pytorch:\n"
            "  module_name_object_type_order:\n"
            "    - {module: '', type: torch.add, index: 1, qconfig: null}\n"
            "  module_name:\n"
            "    layer1.0.conv1: default_qconfig\n"
            "    layer1: null\n"
            "  module_name_regex:\n"
            "    'layer\\d': qnnpack\n"
            "    'layer2': null\n"
            "  object_type: {torch.add: null}\n"
            "  global: fbgemm\n",
            (const uint32_t[NODES]){5, 6, 6, 8, 10, 3}, 0x36);
    /* None is no qconfig; a rule brings one back. */
    decides("pytorch:\n"
            "  global: None\n"
            "  module_name: {layer2: {preset: qnnpack, weight: {per_channel: true}}}\n"
            "rules:\n"
            "  - skip: /layer2/layer2.0/Add_node\n"
            "  - module: layer1.1\n",
            (const uint32_t[NODES]){0, 0, 6, 5, 0, 0}, 0x3b);
    /* Rules are stronger; an index counts what lies directly in the module. */
    decides("pytorch:\n"
            "  module_name: {'layer1.1': null}\n"
            "  module_name_regex: {'.*1\\.0$': null, 'layer': qnnpack}\n"
            "rules:\n"
            "  - {module: layer1.0, op: add, index: 1, quantize: false}\n",
            (const uint32_t[NODES]){3, 5, 2, 3, 0, 0}, 0x6);
}

Test(qconfig, borders_and_wraps_are_written_and_read)
{
    static const char text[] = "quantize_at: [\"a b\", c]\ndequantize_at: d\nwrap: [m.0]\n";
    qns_qconfig_set *set, *again;
    qns_err err = {0};
    qns_str once = {0}, twice = {0};
    cr_assert_eq(qns_qconfig_parse(&set, text, strlen(text), "q.yaml", NULL, &err), QNS_OK, "%s",
                 err.text);
    qns_qconfig_text(&once, set);
    cr_expect_not_null(strstr(qns_str_get(&once), "quantize_at: [\"a b\", \"c\"]"));
    cr_expect_not_null(strstr(qns_str_get(&once), "dequantize_at: [\"d\"]"));
    cr_assert_eq(qns_qconfig_parse(&again, qns_str_get(&once), strlen(qns_str_get(&once)), "q.yaml",
                                   NULL, &err),
                 QNS_OK, "%s", err.text);
    qns_qconfig_text(&twice, again);
    cr_expect_str_eq(qns_str_get(&once), qns_str_get(&twice));
    qns_str_fini(&once);
    qns_str_fini(&twice);
    qns_qconfig_free(again);
    qns_qconfig_free(set);
}

Test(qconfig, pytorch_mistakes)
{
    refuses("pytorch: {global: fbgem}\n", QNS_E_CONFIG, "fbgemm");
    refuses("pytorch: {global: default_embedding_qat_qconfig}\n", QNS_E_CONFIG, "embeddings");
    refuses("default: fbgemm\npytorch: {global: x86}\n", QNS_E_CONFIG, "both state");
    refuses("pytorch: {object_type: {torch.nn.Foo: null}}\n", QNS_E_CONFIG, "torch.nn.Foo");
    refuses("pytorch: {object_type: {nn.Conv1d: null, nn.Conv2d: x86}}\n", QNS_E_CONFIG,
            "one operator");
    refuses("pytorch: {module_name_regex: {'(': null}}\n", QNS_E_CONFIG, "regular expression");
    refuses("pytorch: {module_name_regex: {'a{9999}': null}}\n", QNS_E_CONFIG, "regular");
    refuses("pytorch: {module_name: []}\n", QNS_E_CONFIG, "module_name");
    refuses("pytorch: {module_name_object_type_order: [{module: a}]}\n", QNS_E_CONFIG, "'type'");
    refuses("rules:\n  - {module: a, index: 0}\n", QNS_E_CONFIG, "'index'");
}

/* x -> c (convolution) -> b (batch norm) -> r (relu), one layer after fusion; r2 (relu) alone */
static qns_graph *conv_bn_relu(qns_graph **source)
{
    net t = net_start(1);
    qns_vid in[5] = {net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}}),
                     net_random(&t, "w", (qns_shape){4, {2, 2, 1, 1}}, -1, 1)};
    in[0] = net_op(&t, "Conv", "c", in, 2, NULL, 0);
    for (int i = 1; i < 5; i++)
        in[i] =
            net_random(&t, (const char[]){'p', (char)('0' + i), 0}, (qns_shape){1, {2}}, 0.5F, 1);
    const qns_vid r = net_relu(&t, "r", net_op(&t, "BatchNormalization", "b", in, 5, NULL, 0));
    const qns_vid y = net_relu(&t, "r2", net_maxpool2(&t, "p", r));
    qns_graph *f;
    *source = net_finish(&t, &y, 1);
    cr_assert_eq(qns_fuse(&f, *source, NULL), QNS_OK);
    return f;
}

Test(qconfig, rules_by_operator_may_not_differ_within_one_layer)
{
    static const struct {
        const char *text, *told; /* told: NULL when there is nothing against it */
    } set[] = {
        {"pytorch: {object_type: {nn.Conv2d: default, nn.ReLU: fbgemm}}\n",
         "q.yaml: the rules for 'conv' in line 1 and for 'clamp' in line 1 differ, but 'c_node', "
         "'b_node', 'r_node' are one layer"},
        {"rules:\n  - {op: conv, activation: {observer: minmax}}\n  - {op: clamp, quantize: "
         "false}\n",
         "'conv' in line 2 and for 'clamp' in line 3"},
        {"pytorch: {object_type: {nn.Conv2d: null, nn.BatchNorm2d: fbgemm, nn.ReLU: null}}\n",
         "'conv' in line 1 and for 'batchnorm' in line 1"},
        {"pytorch: {object_type: {nn.Conv2d: default, nn.BatchNorm2d: default, nn.ReLU: "
         "default}}\n",
         NULL},
        {"pytorch: {object_type: {nn.Conv2d: null, nn.BatchNorm2d: null, nn.ReLU: null}}\n", NULL},
        {"pytorch: {object_type: {nn.Conv2d: default}}\n", NULL},
        {"pytorch: {object_type: {nn.ReLU: null}}\n", NULL}, /* the other relu */
        {"pytorch: {object_type: {nn.MaxPool2d: null, nn.ReLU: x86}}\n", NULL},
        /* A stronger rule decides the layer. */
        {"pytorch: {object_type: {nn.Conv2d: default, nn.ReLU: null}}\nrules:\n  - {name: "
         "c_node}\n",
         NULL},
    };
    qns_graph *source, *g = conv_bn_relu(&source);
    for (size_t i = 0; i < QNS_ARRAY_LEN(set); i++) {
        qns_err err = {0};
        qns_qconfig_set *s = parse(set[i].text);
        const qns_status st = qns_qconfig_check(s, g, &err);
        cr_expect_eq(st, set[i].told ? QNS_E_CONFIG : QNS_OK, "%s: %s", set[i].text, err.text);
        cr_expect(!set[i].told || strstr(err.text, set[i].told), "%s: %s", set[i].text, err.text);
        qns_qconfig_free(s);
    }
    qns_graph_free(g);
    qns_graph_free(source);
}
