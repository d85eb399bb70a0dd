/* SPDX-License-Identifier: MIT */
/* Small ONNX models made in memory, for tests of the reader: fixed room, one arena, no checks. */
#ifndef QNS_ONNX_BUILD_H
#define QNS_ONNX_BUILD_H

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/model/onnx_read.h"
#include "onnx/onnx.pb-c.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define B_TYPE(x) ONNX__TENSOR_PROTO__DATA_TYPE__##x

enum { B_ROOM = 80 };

typedef struct build {
    qns_arena *a;
    Onnx__ModelProto m;
    Onnx__GraphProto g;
    Onnx__OperatorSetIdProto opset[4], *opsets[4];
    Onnx__NodeProto *node[B_ROOM];
    Onnx__TensorProto *init[B_ROOM];
    Onnx__ValueInfoProto *in[B_ROOM], *out[B_ROOM];
    Onnx__StringStringEntryProto *meta[B_ROOM];
} build;

#define B_NEW(b, type) ((type *)qns_arena_get((b)->a, 1, sizeof(type)))

static inline char *b_text(build *b, const char *s)
{
    return qns_arena_strdup(b->a, s);
}

static inline void b_opset(build *b, const char *domain, int64_t version)
{
    const size_t i = b->m.n_opset_import++;
    b->opset[i] = (Onnx__OperatorSetIdProto)ONNX__OPERATOR_SET_ID_PROTO__INIT;
    b->opset[i].domain = b_text(b, domain);
    b->opset[i].has_version = 1;
    b->opset[i].version = version;
    b->opsets[i] = &b->opset[i];
}

static inline void b_open(build *b, int64_t opset)
{
    memset(b, 0, sizeof *b);
    cr_assert_eq(qns_arena_create(&b->a, NULL), QNS_OK);
    b->m = (Onnx__ModelProto)ONNX__MODEL_PROTO__INIT;
    b->g = (Onnx__GraphProto)ONNX__GRAPH_PROTO__INIT;
    b->m.graph = &b->g;
    b->m.opset_import = b->opsets;
    b->m.metadata_props = b->meta;
    b->m.has_ir_version = 1;
    b->m.ir_version = 7;
    b->g.name = b_text(b, "test");
    b->g.node = b->node;
    b->g.initializer = b->init;
    b->g.input = b->in;
    b->g.output = b->out;
    if (opset)
        b_opset(b, "", opset);
}

static inline void b_close(build *b)
{
    qns_arena_free(b->a);
}

/* A size above 0; 0: no size; a negative one: the symbol "D<axis>". */
static inline Onnx__ValueInfoProto *b_value(build *b, const char *name, int32_t type, size_t rank,
                                            const int64_t *dim)
{
    Onnx__ValueInfoProto *v = B_NEW(b, Onnx__ValueInfoProto);
    Onnx__TypeProto *t = B_NEW(b, Onnx__TypeProto);
    Onnx__TypeProto__Tensor *tt = B_NEW(b, Onnx__TypeProto__Tensor);
    Onnx__TensorShapeProto *s = B_NEW(b, Onnx__TensorShapeProto);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(t);
    onnx__type_proto__tensor__init(tt);
    onnx__tensor_shape_proto__init(s);
    s->n_dim = rank;
    s->dim = qns_arena_get(b->a, rank + 1, sizeof *s->dim);
    for (size_t i = 0; i < rank; i++) {
        s->dim[i] = B_NEW(b, Onnx__TensorShapeProto__Dimension);
        onnx__tensor_shape_proto__dimension__init(s->dim[i]);
        if (dim[i] > 0) {
            s->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            s->dim[i]->dim_value = dim[i];
        } else if (dim[i] < 0) {
            char text[16] = "D0";
            text[1] = (char)('0' + i);
            s->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            s->dim[i]->dim_param = b_text(b, text);
        }
    }
    tt->has_elem_type = 1;
    tt->elem_type = type;
    tt->shape = s;
    t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    t->tensor_type = tt;
    v->name = b_text(b, name);
    v->type = t;
    return v;
}

#define B_DIMS(...)                                                                                \
    QNS_ARRAY_LEN(((const int64_t[]){__VA_ARGS__})), (const int64_t[])                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static inline void b_input(build *b, const char *name, int32_t type, size_t rank,
                           const int64_t *dim)
{
    b->in[b->g.n_input++] = b_value(b, name, type, rank, dim);
}

static inline void b_output(build *b, const char *name)
{
    Onnx__ValueInfoProto *v = B_NEW(b, Onnx__ValueInfoProto);
    onnx__value_info_proto__init(v);
    v->name = b_text(b, name);
    b->out[b->g.n_output++] = v;
}

static inline Onnx__TensorProto *b_tensor(build *b, const char *name, int32_t type, size_t rank,
                                          const int64_t *dim)
{
    Onnx__TensorProto *t = B_NEW(b, Onnx__TensorProto);
    onnx__tensor_proto__init(t);
    t->name = name ? b_text(b, name) : NULL;
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = rank;
    t->dims = qns_arena_dup(b->a, dim, rank * sizeof *dim);
    return t;
}

static inline Onnx__TensorProto *b_raw(build *b, const char *name, int32_t type, const void *p,
                                       size_t size, size_t rank, const int64_t *dim)
{
    Onnx__TensorProto *t = b_tensor(b, name, type, rank, dim);
    t->has_raw_data = 1;
    t->raw_data.len = size;
    t->raw_data.data = qns_arena_dup(b->a, p, size);
    return t;
}

static inline void b_init(build *b, Onnx__TensorProto *t)
{
    b->init[b->g.n_initializer++] = t;
}

/* Names separated by commas; an empty one is an input that is left out. */
static inline char **b_names(build *b, size_t *n, const char *list)
{
    char **out = qns_arena_get(b->a, 100, sizeof *out);
    char *text = b_text(b, list);
    *n = 0;
    for (char *p = text; p; *n += 1) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma = 0;
        out[*n] = p;
        p = comma ? comma + 1 : NULL;
    }
    return out;
}

static inline Onnx__NodeProto *b_node(build *b, const char *type, const char *name, const char *in,
                                      const char *out)
{
    Onnx__NodeProto *n = B_NEW(b, Onnx__NodeProto);
    onnx__node_proto__init(n);
    n->op_type = b_text(b, type);
    n->name = b_text(b, name);
    n->input = b_names(b, &n->n_input, in);
    if (!in[0])
        n->n_input = 0;
    n->output = b_names(b, &n->n_output, out);
    n->attribute = qns_arena_get(b->a, 400, sizeof *n->attribute);
    b->node[b->g.n_node++] = n;
    return n;
}

static inline Onnx__AttributeProto *b_attr(build *b, Onnx__NodeProto *n, const char *name, int type)
{
    Onnx__AttributeProto *a = B_NEW(b, Onnx__AttributeProto);
    onnx__attribute_proto__init(a);
    a->name = b_text(b, name);
    a->has_type = 1;
    a->type = (Onnx__AttributeProto__AttributeType)type;
    n->attribute[n->n_attribute++] = a;
    return a;
}

static inline void b_int(build *b, Onnx__NodeProto *n, const char *name, int64_t v)
{
    Onnx__AttributeProto *a = b_attr(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = v;
}

static inline void b_ints(build *b, Onnx__NodeProto *n, const char *name, size_t count,
                          const int64_t *v)
{
    Onnx__AttributeProto *a = b_attr(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->n_ints = count;
    a->ints = qns_arena_dup(b->a, v, count * sizeof *v);
}

static inline void b_entry(build *b, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *e = B_NEW(b, Onnx__StringStringEntryProto);
    onnx__string_string_entry_proto__init(e);
    e->key = b_text(b, key);
    e->value = b_text(b, value);
    b->meta[b->m.n_metadata_props++] = e;
}

static inline uint8_t *b_pack(build *b, size_t *n)
{
    *n = onnx__model_proto__get_packed_size(&b->m);
    uint8_t *p = qns_arena_get(b->a, *n, 1);
    cr_assert_eq(onnx__model_proto__pack(&b->m, p), *n);
    return p;
}

static inline qns_status b_read(qns_graph **g, build *b, const qns_onnx_opts *o, qns_err *err)
{
    size_t n;
    const uint8_t *p = b_pack(b, &n);
    *g = NULL;
    return qns_onnx_read_bytes(g, p, n, "/tmp/x.onnx", o, err);
}

/* Reads a model that must be fine. */
static inline qns_graph *b_graph(build *b, const qns_onnx_opts *o)
{
    qns_err err = {0};
    qns_graph *g;
    cr_assert_eq(b_read(&g, b, o, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return g;
}

/* Reads a model that must be refused: the message and its place contain both texts. */
static inline void b_refused(build *b, const qns_onnx_opts *o, qns_status code, const char *text,
                             const char *trail)
{
    qns_err err = {0};
    qns_graph *g;
    cr_expect_eq(b_read(&g, b, o, &err), code, "status of: %s", err.text);
    cr_expect(strstr(err.text, text), "'%s' is not in: %s", text, err.text);
    cr_expect(strstr(err.trail, trail), "'%s' is not in: %s", trail, err.trail);
    qns_graph_free(g);
}

static inline const qns_value *b_find(const qns_graph *g, const char *name)
{
    const qns_vid v = qns_graph_find_value(g, name);
    cr_assert(qns_has(v), "no value '%s'", name);
    return qns_graph_value(g, v);
}

#endif
