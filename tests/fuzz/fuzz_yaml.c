/* SPDX-License-Identifier: MIT */
/* YAML trees, every getter on every node, data.yaml, qconfig.yaml and the gate's rules. */
#include "core/base/str.h"
#include "core/base/yaml.h"
#include "core/graph/builder.h"
#include "core/model/source_yaml.h"
#include "core/quant/qconfig.h"
#include "reports/gate_yaml.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void visit(const qns_yaml_node *node)
{
    static const char *const words[] = {"inputs", "labels", "rules"};
    qns_err err = {0};
    const char *text;
    bool b;
    int64_t i;
    double d;
    size_t w;
    qns_yaml_text(&text, node, &err);
    qns_yaml_bool(&b, node, &err);
    qns_yaml_int(&i, node, -10, 10, &err);
    qns_yaml_double(&d, node, &err);
    qns_yaml_word(&w, node, words, 3, &err);
    qns_yaml_known(node, words, 3, &err);
    qns_yaml_find(node, "inputs");
    for (const qns_yaml_node *c = node->first; c; c = c->next)
        visit(c);
}

/* A model with the inputs "data" and "b". */
static qns_graph *two_inputs(void)
{
    static const char *const name[] = {"data", "b"};
    const qns_shape shape = {4, {1, 3, 2, 2}};
    qns_gb *gb;
    qns_graph *g;
    if (qns_gb_create(&gb, "fuzz", NULL, NULL) != QNS_OK)
        abort();
    for (int i = 0; i < 2; i++) {
        qns_vid v;
        if (qns_gb_input(&v, gb, name[i], QNS_F32, &shape, NULL) != QNS_OK ||
            qns_gb_output(gb, v, NULL) != QNS_OK)
            abort();
    }
    if (qns_gb_finish(&g, gb, NULL) != QNS_OK)
        abort();
    return g;
}

static void read_data_spec(const uint8_t *data, size_t size)
{
    static qns_graph *g;
    if (!g)
        g = two_inputs();
    for (uint32_t n = 1; n <= 2; n++) {
        qns_input_spec in[2] = {{.elem = QNS_ELEM_COUNT}, {.elem = QNS_ELEM_COUNT}};
        qns_data_spec spec = {.in = in, .n_in = n};
        qns_err err = {0};
        if (qns_arena_create(&spec.arena, NULL) == QNS_OK)
            qns_data_spec_parse(&spec, (const char *)data, size, "a/fuzz.yaml", g, &err);
        qns_arena_free(spec.arena);
    }
}

static void read_gate(const uint8_t *data, size_t size)
{
    qns_arena *a = NULL;
    qns_gate_rules rules;
    if (qns_arena_create(&a, NULL) == QNS_OK)
        qns_gate_parse_rules(&rules, a, (const char *)data, size, "fuzz.yaml", NULL);
    qns_arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_yaml *y = NULL;
    qns_qconfig_set *set = NULL;
    if (qns_yaml_parse(&y, (const char *)data, size, "fuzz.yaml", NULL) == QNS_OK)
        visit(qns_yaml_root(y));
    qns_yaml_free(y);
    read_data_spec(data, size);
    read_gate(data, size);
    if (qns_qconfig_parse(&set, (const char *)data, size, "fuzz.yaml", NULL, NULL) == QNS_OK) {
        qns_str t = {0};
        qns_qconfig_text(&t, set);
        qns_str_fini(&t);
    }
    qns_qconfig_free(set);
    return 0;
}
