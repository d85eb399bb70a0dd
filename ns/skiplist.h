/* SPDX-License-Identifier: MIT */
/* Skip lists: the layers that stay in float, written for another tool in its format and by its
 * names. A list is made from a result or from the rules of a qconfig.yaml; a layer stands for every
 * node of the model file that was folded into it, under all the names that other tools know. */
#ifndef QNS_SKIPLIST_H
#define QNS_SKIPLIST_H

#include "core/base/str.h"
#include "core/quant/model.h"
#include "core/quant/qconfig.h"
#include "ns/result.h"

typedef enum qns_skip_space {
    QNS_SKIP_LAYERS,  /* QNS's names */
    QNS_SKIP_NODES,   /* nodes of the ONNX file */
    QNS_SKIP_MODULES, /* modules of PyTorch: "layer1.0.conv1" */
    QNS_SKIP_TENSORS, /* output tensors of these nodes; only when a model was given */
    QNS_SKIP_SPACES
} qns_skip_space;

/* A function that a module calls: it has no module of its own. */
typedef struct qns_skip_call {
    const char *module;   /* that calls; "" for the outermost */
    const char *function; /* "add", "mul", "cat", "matmul" */
    uint32_t index;       /* among the calls of this function in the module */
} qns_skip_call;

typedef struct qns_skip_layer {
    const char *name, *op;
    const char *const *names[QNS_SKIP_SPACES];
    uint32_t n_names[QNS_SKIP_SPACES]; /* 0: no name in this space */
    const qns_skip_call *call;
    uint32_t n_calls;
} qns_skip_layer;

typedef struct qns_skiplist {
    qns_arena *arena; /* owns everything below */
    const char *model;
    const qns_skip_layer *layer; /* in execution order */
    uint32_t n_layers;
    uint32_t n_float;    /* layers that fit the selection, but ran in float already */
    bool checked;        /* names were looked up in a model */
    const char *unnamed; /* QNS's name of a listed node that has none in the model file; or NULL */
} qns_skiplist;

/* Which layers of a result. What ran in float is selected by name only, unless everything did
 * (captures of other tools do not say). */
typedef struct qns_skip_select {
    uint32_t worst;            /* the n worst of the ranking; 0: not by rank */
    qns_verdict_level verdict; /* this one or a worse one; when there are neither rank nor names */
    const char *const *glob;   /* names or patterns; each must fit a layer */
    size_t n_glob;
} qns_skip_select;

/* float_model may be NULL: names are then those of the result, unchecked, and there are no tensors.
 * Nothing selected is an empty list. Fails with CONFIG (no layers in the result, a quantized
 * model), NOTFOUND (unknown name, naming the nearest), DATA (a name that is not UTF-8). */
qns_status qns_skiplist_from_result(qns_skiplist **out, const qns_result *r,
                                    const qns_skip_select *which, const qns_model *float_model,
                                    qns_err *err);
/* What the rules keep in float; the last rule that matches a layer decides. */
qns_status qns_skiplist_from_qconfig(qns_skiplist **out, const qns_qconfig_set *set,
                                     const qns_model *float_model, qns_err *err);
void qns_skiplist_free(qns_skiplist *l);

/* ---- formats ---- */

typedef struct qns_skip_format qns_skip_format;
struct qns_skip_format {
    const char *name;
    qns_skip_space space;
    const char *kind; /* "python", "json", "yaml", "shell" */
    const char *what; /* the tool */
    const char *use;  /* one line: how the file is used */
    const char *var;  /* the list's name where a list is all there is */
    void (*emit)(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                 const char *const *name, size_t n);
};

/* The last one has no name. */
const qns_skip_format *qns_skip_formats(void);
/* Fails with NOTFOUND naming the nearest. */
qns_status qns_skip_format_find(const qns_skip_format **out, const char *name, qns_err *err);
/* "layer", "node", "module", "tensor" */
const char *qns_skip_space_text(qns_skip_space s);
/* Has this layer a name that the format can use? Those without are named in the header. */
bool qns_skip_has_name(const qns_skip_format *f, const qns_skip_layer *l);
/* Appends the file. Fails with CONFIG when the format needs a model and none was given, or names of
 * nodes that the model file does not have. */
qns_status qns_skiplist_write(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                              qns_err *err);

#endif
