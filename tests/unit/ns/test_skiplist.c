/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"
#include "ns/skiplist.h"

#include <criterion/criterion.h>
#include <string.h>

#define MODEL QNS_SOURCE_DIR "/fixtures/fashion/model.onnx"

static const char *const conv_origin[] = {"/b/b.0/Conv", "/b/b.1/BatchNormalization",
                                          "/b/b.2/Relu"};
static const char *const add_origin[] = {"/r/Add", "/r/relu_1/Relu"};
static const char *const other_origin[] = {"/r/relu/Relu"};
static const uint32_t ranking[] = {2, 1, 0, 3};

static qns_layer layers[] = {
    {.name = "/b/b.0/Conv", .op = "conv", .kept = "int8", .origin = conv_origin, .n_origin = 3},
    {.name = "/r/Add", .op = "add", .kept = "int8", .origin = add_origin, .n_origin = 2},
    {.name = "/s/Softmax", .op = "softmax", .kept = "float", .verdict = QNS_V_BAD},
    {.name = "/r/relu/Relu", .op = "clamp", .kept = "int8", .origin = other_origin, .n_origin = 1},
};

static qns_result result = {.ref.model = "m.onnx",
                            .layer = layers,
                            .n_layers = QNS_ARRAY_LEN(layers),
                            .ranking = ranking,
                            .n_ranking = QNS_ARRAY_LEN(ranking)};

static qns_skiplist *listed(qns_skip_select which)
{
    qns_err err = {0};
    qns_skiplist *l = NULL;
    cr_assert_eq(qns_skiplist_from_result(&l, &result, &which, NULL, &err), QNS_OK, "%s", err.text);
    return l;
}

Test(skiplist, worst_passes_over_float)
{
    qns_skiplist *l = listed((qns_skip_select){.worst = 2});
    cr_assert_eq(l->n_layers, 2);
    cr_assert_eq(l->n_float, 1);
    cr_assert_str_eq(l->layer[0].name, "/b/b.0/Conv"); /* execution order */
    cr_assert_str_eq(l->layer[1].name, "/r/Add");
    cr_assert_eq(l->layer[0].n_names[QNS_SKIP_NODES], 3);
    cr_assert_eq(l->layer[0].n_names[QNS_SKIP_TENSORS], 0);
    cr_assert_str_eq(l->layer[0].names[QNS_SKIP_MODULES][2], "b.2");
    /* relu and relu_1 may be one module: neither is named. The addition is a call. */
    cr_assert_eq(l->layer[1].n_names[QNS_SKIP_MODULES], 0);
    cr_assert_eq(l->layer[1].n_calls, 1);
    cr_assert_str_eq(l->layer[1].call[0].module, "r");
    cr_assert_str_eq(l->layer[1].call[0].function, "add");
    cr_assert_eq(l->layer[1].call[0].index, 0);
    qns_skiplist_free(l);
}

Test(skiplist, verdict)
{
    qns_skiplist *l = listed((qns_skip_select){.verdict = QNS_V_BAD});
    cr_assert_eq(l->n_layers, 0);
    cr_assert_eq(l->n_float, 1);
    qns_skiplist_free(l);
}

Test(skiplist, by_name)
{
    const char *const names[] = {"/b/*Relu", "/s/Softmax"};
    qns_skiplist *l = listed((qns_skip_select){.glob = names, .n_glob = 2});
    cr_assert_eq(l->n_layers, 2);
    cr_assert_str_eq(l->layer[0].name, "/b/b.0/Conv");
    cr_assert_str_eq(l->layer[1].name, "/s/Softmax");
    qns_skiplist_free(l);
}

Test(skiplist, not_utf8)
{
    const char *const bad[] = {"a\xff"};
    qns_layer layer = layers[0];
    qns_result r = result;
    qns_skiplist *l = NULL;
    qns_err err = {0};
    layer.origin = bad;
    layer.n_origin = 1;
    r.layer = &layer;
    r.n_layers = 1;
    r.n_ranking = 0;
    const qns_skip_select all = {.verdict = QNS_V_OK};
    cr_assert_eq(qns_skiplist_from_result(&l, &r, &all, NULL, &err), QNS_E_DATA);
    cr_assert_null(l);
}

/* A list of the model's own names, by what the rules say. */
static qns_status from_rules(qns_skiplist **out, const char *rules, qns_err *err)
{
    qns_model *m = NULL;
    qns_qconfig_set *set = NULL;
    qns_status st = qns_model_load(&m, MODEL, NULL, err);
    if (st == QNS_OK)
        st = qns_qconfig_parse(&set, rules, strlen(rules), "q.yaml", NULL, err);
    if (st == QNS_OK)
        st = qns_skiplist_from_qconfig(out, set, m, err);
    qns_qconfig_free(set);
    qns_model_free(m);
    return st;
}

Test(skiplist, rules_last_match_decides)
{
    qns_err err = {0};
    qns_skiplist *l = NULL;
    cr_assert_eq(from_rules(&l,
                            "rules:\n  - skip: ['/block1/*']\n"
                            "  - name: /block1/pointwise/pointwise.0/Conv\n    quantize: true\n",
                            &err),
                 QNS_OK, "%s", err.text);
    cr_assert_eq(l->n_layers, 1);
    cr_assert_str_eq(l->layer[0].name, "/block1/depthwise/depthwise.0/Conv");
    cr_assert_str_eq(l->layer[0].names[QNS_SKIP_MODULES][0], "block1.depthwise.0");
    cr_assert_eq(l->layer[0].n_names[QNS_SKIP_TENSORS], 3);
    qns_skiplist_free(l);
}

/* Out of memory anywhere is a status, and nothing leaks (seen by AddressSanitizer). */
Test(skiplist, no_memory)
{
    bool done = false;
    for (int64_t n = 0; n < 5000 && !done; n++) {
        qns_err err = {0};
        qns_skiplist *l = NULL;
        qns_str t = {0};
        const qns_skip_format *f;
        const qns_skip_select which = {.worst = 2};
        cr_assert_eq(qns_skip_format_find(&f, "pytorch-fx", &err), QNS_OK);
        qns_mem_fail_at(n);
        qns_status st = qns_skiplist_from_result(&l, &result, &which, NULL, &err);
        if (st == QNS_OK)
            st = qns_skiplist_write(&t, f, l, &err);
        qns_mem_fail_at(-1);
        cr_assert(st == QNS_OK || st == QNS_E_NOMEM, "%s", err.text);
        done = st == QNS_OK;
        qns_str_fini(&t);
        qns_skiplist_free(l);
    }
    cr_assert(done);
}
