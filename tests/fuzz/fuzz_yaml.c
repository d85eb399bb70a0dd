/* SPDX-License-Identifier: MIT */
/* YAML trees, every getter on every node, and qconfig.yaml. */
#include "core/base/str.h"
#include "core/base/yaml.h"
#include "core/quant/qconfig.h"
#include "tests/fuzz/fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_yaml *y = NULL;
    qns_qconfig_set *set = NULL;
    if (qns_yaml_parse(&y, (const char *)data, size, "fuzz.yaml", NULL) == QNS_OK)
        visit(qns_yaml_root(y));
    qns_yaml_free(y);
    if (qns_qconfig_parse(&set, (const char *)data, size, "fuzz.yaml", NULL, NULL) == QNS_OK) {
        qns_str t = {0};
        qns_qconfig_text(&t, set);
        qns_str_fini(&t);
    }
    qns_qconfig_free(set);
    return 0;
}
