/* SPDX-License-Identifier: MIT */
/* Files that are cut, damaged or made to hurt: always a status with a message, never a crash. Worth
 * most under AddressSanitizer. */
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/rng.h"
#include "tests/unit/core/model/onnx_build.h"

#include <stdio.h>

static build b;

static void start(void)
{
    b_open(&b, 13);
    qns_log_to(NULL, NULL); /* damaged lineage and odd types would warn thousands of times */
}

static void stop(void)
{
    b_close(&b);
}

TestSuite(onnx_hostile, .init = start, .fini = stop);

/* Every feature of the reader in one small model. */
static uint8_t *rich_model(size_t *n)
{
    const float f[6] = {1, 2, 3, 4, 5, 6}, scale = 0.5F;
    const int64_t shape[2] = {0, -1};
    const int8_t zero = 0, w[4] = {1, 2, -3, 4};
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, 2, 4, 4));
    b_init(&b, b_raw(&b, "f", B_TYPE(FLOAT), f, 8, B_DIMS(1, 2, 1, 1)));
    b_init(&b, b_raw(&b, "w", B_TYPE(INT8), w, 4, B_DIMS(2, 2, 1, 1)));
    b_init(&b, b_raw(&b, "s", B_TYPE(FLOAT), &scale, 4, 0, NULL));
    b_init(&b, b_raw(&b, "z", B_TYPE(INT8), &zero, 1, 0, NULL));
    b_init(&b, b_raw(&b, "to", B_TYPE(INT64), shape, sizeof shape, B_DIMS(2)));
    b_ints(&b, b_node(&b, "Constant", "", "", "k"), "value_ints", 2, shape);
    b_node(&b, "Add", "", "x,f", "a");
    b_node(&b, "DequantizeLinear", "dq", "w,s,z", "wd");
    Onnx__NodeProto *conv = b_node(&b, "Conv", "conv", "a,wd", "c");
    b_ints(&b, conv, "kernel_shape", B_DIMS(1, 1));
    b_ints(&b, conv, "pads", B_DIMS(1, 0, 0, 1));
    Onnx__NodeProto *pool = b_node(&b, "MaxPool", "pool", "c", "p");
    b_ints(&b, pool, "kernel_shape", B_DIMS(2, 2));
    b_int(&b, b_node(&b, "Concat", "", "p,p", "pp"), "axis", 1);
    b_node(&b, "Identity", "", "pp", "id");
    b_ints(&b, b_node(&b, "Transpose", "", "id", "t"), "perm", B_DIMS(0, 2, 3, 1));
    b_node(&b, "Shape", "", "t", "ts");
    b_int(&b, b_node(&b, "Gather", "", "ts,k", "g"), "axis", 0);
    b_node(&b, "Reshape", "", "t,to", "r");
    b_int(&b, b_node(&b, "Softmax", "sm", "r", "y"), "axis", -1);
    b_output(&b, "y");
    b_entry(&b, "qns.lineage", "{\"values\":{\"y\":\"u\"},\"nodes\":{\"sm\":[\"a\",\"b\"]}}");
    return b_pack(&b, n);
}

/* A refusal has a code and says something. */
static void try_bytes(const uint8_t *p, size_t n, size_t seed)
{
    qns_err err = {0};
    qns_graph *g = NULL;
    /* A copy of the exact size, so that a read behind the end is noticed. */
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    const qns_status st = qns_onnx_read_bytes(&g, copy, n, "/nonexistent/x.onnx", NULL, &err);
    cr_assert((st == QNS_OK) == (g != NULL), "case %zu", seed);
    if (st != QNS_OK)
        cr_assert(err.code == st && err.text[0], "case %zu has no message", seed);
    qns_graph_free(g);
    free(copy);
}

Test(onnx_hostile, the_rich_model_itself_is_fine)
{
    size_t n;
    qns_err err = {0};
    qns_graph *g = NULL;
    const uint8_t *p = rich_model(&n);
    cr_assert_eq(qns_onnx_read_bytes(&g, p, n, "x.onnx", NULL, &err), QNS_OK, "%s: %s", err.trail,
                 err.text);
    qns_graph_free(g);
}

Test(onnx_hostile, cut_at_every_byte)
{
    size_t n;
    const uint8_t *p = rich_model(&n);
    for (size_t i = 0; i < n; i++)
        try_bytes(p, i, i);
}

Test(onnx_hostile, random_damage)
{
    size_t n;
    const uint8_t *p = rich_model(&n);
    uint8_t *q = qns_arena_get(b.a, n, 1);
    qns_rng r;
    qns_rng_seed(&r, 20);
    for (size_t i = 0; i < 6000; i++) {
        memcpy(q, p, n);
        for (uint64_t k = qns_rng_below(&r, 4) + 1; k > 0; k--) {
            const size_t at = (size_t)qns_rng_below(&r, n);
            q[at] = qns_rng_below(&r, 2) ? (uint8_t)qns_rng_next(&r)
                                         : (uint8_t)(q[at] ^ 1U << qns_rng_below(&r, 8));
        }
        try_bytes(q, n, i);
    }
}

Test(onnx_hostile, every_byte_with_every_interesting_value)
{
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t n;
    uint8_t *p = rich_model(&n);
    for (size_t i = 0; i < n; i++) {
        const uint8_t old = p[i];
        for (size_t k = 0; k < QNS_ARRAY_LEN(odd); k++) {
            p[i] = odd[k];
            try_bytes(p, n, i);
        }
        p[i] = old;
    }
}

Test(onnx_hostile, a_real_model_cut_and_damaged)
{
    const char *path = QNS_SHARED_DIR "/models/mnist_cnn.onnx";
    char *p;
    size_t n;
    qns_rng r;
    if (!qns_file_exists(path))
        cr_skip_test("there is no '%s'", path);
    cr_assert_eq(qns_file_read(&p, &n, path, 1 << 26, NULL), QNS_OK);
    qns_rng_seed(&r, 21);
    for (size_t i = 0; i < 600; i++)
        try_bytes((const uint8_t *)p, (size_t)qns_rng_below(&r, n), i);
    for (size_t i = 0; i < 600; i++) {
        const size_t at = (size_t)qns_rng_below(&r, n);
        const char old = p[at];
        p[at] = (char)qns_rng_next(&r);
        try_bytes((const uint8_t *)p, n, i);
        p[at] = old;
    }
    qns_free(p);
}

static void refused(const void *p, size_t n, const char *text)
{
    qns_err err = {0};
    qns_graph *g = NULL;
    cr_expect_eq(qns_onnx_read_bytes(&g, p, n, "dir/x.onnx", NULL, &err), QNS_E_FORMAT);
    cr_expect(strstr(err.text, "'dir/x.onnx' is not an ONNX model: "), "%s", err.text);
    cr_expect(strstr(err.text, text), "'%s' is not in: %s", text, err.text);
    qns_graph_free(g);
}

Test(onnx_hostile, files_of_other_kinds)
{
    static const uint8_t group[] = {0x0b, 0x0c}, endless[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                              0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    size_t n;
    const uint8_t *p = rich_model(&n);
    refused("", 0, "it has no graph");
    refused("\x93NUMPY\x01\x00v", 9, "no field starts at byte 0");
    refused("\x89HDF\r\n\x1a\n", 8, "byte");
    refused("PK\x03\x04", 4, "no field starts at byte 2");
    refused("# a text file\n", 14, "byte");
    refused(group, 2, "no field starts at byte 0");
    refused(endless, sizeof endless, "does not end");
    refused(p, n - 20, "truncated at byte");
}

/* graph { node { attribute { g { ... } } } }, from the inside out. */
static uint8_t *nested(size_t *n, int levels)
{
    static const uint8_t inner[3] = {0x0a, 0x2a, 0x32}; /* node, attribute, g */
    const size_t room = (size_t)levels * 8 + 16;
    uint8_t *buf = qns_arena_get(b.a, room, 1);
    size_t at = room;
    for (int i = levels - 1; i >= 0; i--) {
        const uint8_t tag = i == 0 ? 0x3a : inner[(i - 1) % 3]; /* 0x3a: the model's graph */
        uint8_t len[10];
        size_t k = 0;
        for (uint64_t v = room - at; k == 0 || v; v >>= 7)
            len[k++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
        at -= k;
        memcpy(buf + at, len, k);
        buf[--at] = tag;
    }
    *n = room - at;
    return buf + at;
}

Test(onnx_hostile, nesting_is_bounded)
{
    size_t n;
    const uint8_t *p = nested(&n, 400000);
    refused(p, n, "parts are nested more than 64 deep at byte");
    p = nested(&n, 66);
    refused(p, n, "parts are nested more than 64 deep at byte");
    p = nested(&n, 60); /* reaches the operator check: the node has no type */
    qns_err err = {0};
    qns_graph *g = NULL;
    cr_assert_neq(qns_onnx_read_bytes(&g, p, n, "x.onnx", NULL, &err), QNS_OK);
    cr_assert_null(strstr(err.text, "nested"), "%s", err.text);
}

Test(onnx_hostile, a_graph_given_twice_is_not_merged)
{
    static const uint8_t twice[] = {0x3a, 0x00, 0x3a, 0x00};
    refused(twice, sizeof twice, "field 'graph' is given twice, at byte 4");
}

Test(onnx_hostile, many_empty_parts_do_not_fill_the_memory)
{
    const size_t nodes = (size_t)12 << 20, n = 2 * nodes + 6;
    uint8_t *p = qns_calloc(n, 1);
    size_t at = 0;
    p[at++] = 0x3a;
    for (uint64_t v = 2 * nodes; v; v >>= 7)
        p[at++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
    for (size_t i = 0; i < nodes; i++, at += 2)
        p[at] = 0x0a;
    refused(p, at, "has too many parts");
    qns_free(p);
}

/* A chain as long as this would overflow the stack of a recursive sort. */
Test(onnx_hostile, a_long_chain_in_reverse_order)
{
    enum { N = 60000 };
    Onnx__NodeProto **list = qns_arena_get(b.a, N, sizeof *list);
    for (int i = 0; i < N; i++) {
        char in[16], out[16];
        snprintf(in, sizeof in, i ? "v%d" : "x", i - 1);
        snprintf(out, sizeof out, "v%d", i);
        Onnx__NodeProto *n = B_NEW(&b, Onnx__NodeProto);
        onnx__node_proto__init(n);
        n->op_type = b_text(&b, "Relu");
        n->n_input = n->n_output = 1;
        n->input = qns_arena_get(b.a, 1, sizeof(char *));
        n->output = qns_arena_get(b.a, 1, sizeof(char *));
        n->input[0] = b_text(&b, in);
        n->output[0] = b_text(&b, out);
        list[N - 1 - i] = n;
    }
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1));
    b_output(&b, "v59999");
    b.g.node = list;
    b.g.n_node = N;
    qns_graph *g = b_graph(&b, NULL);
    cr_assert_eq(qns_graph_n_nodes(g), N);
    qns_graph_free(g);
}

Test(onnx_hostile, every_allocation_may_fail)
{
    size_t n;
    const uint8_t *p = rich_model(&n);
    for (int64_t k = 0;; k++) {
        qns_graph *g = NULL;
        qns_err err = {0};
        qns_mem_fail_at(k);
        const qns_status st = qns_onnx_read_bytes(&g, p, n, "x.onnx", NULL, &err);
        qns_mem_fail_at(-1);
        cr_assert((st == QNS_OK) == (g != NULL), "allocation %lld", (long long)k);
        qns_graph_free(g);
        if (st == QNS_OK)
            break;
        cr_assert(err.text[0], "allocation %lld has no message", (long long)k);
        cr_assert_lt(k, 100000);
    }
}
