/* SPDX-License-Identifier: MIT */
/* The operator: everything QNS knows about one kind of node stands in one struct in one file of
 * core/ops. Other layers ask the struct; they never compare names. */
#ifndef QNS_OP_H
#define QNS_OP_H

#include "core/base/team.h"
#include "core/graph/attrs.h"
#include "core/graph/backend.h"
#include "core/graph/builder.h"
#include "core/graph/graph.h"

enum { QNS_MAX_IN = 64, QNS_MAX_OUT = 8 };

/* ---- how a node is quantized ---- */

typedef enum qns_out_rule {
    QNS_OUT_OWN,      /* own range: conv, add */
    QNS_OUT_AS_INPUT, /* passes codes on: maxpool, reshape; all inputs of concat get one range */
    QNS_OUT_DERIVED,  /* passes codes on with another scale and zero point: op->derive() */
    QNS_OUT_FIXED,    /* known range: sigmoid, softmax */
    QNS_OUT_FLOAT     /* never quantized */
} qns_out_rule;

/* What becomes of a node whose weights are codes while its activations stay float. */
typedef enum qns_dynamic_rule {
    QNS_DYNAMIC_NONE,
    QNS_DYNAMIC_LINEAR,   /* "linear_dynamic" with the same inputs; the weight is `weight` */
    QNS_DYNAMIC_RECURRENT /* the same operator; the weights are inputs 1 and 2 */
} qns_dynamic_rule;

typedef struct qns_quant_rule {
    qns_out_rule out;
    qns_dynamic_rule dynamic;
    double fixed_scale; /* for QNS_OUT_FIXED, quint8 */
    int32_t fixed_zero;
    int8_t weight, bias; /* input slots, -1 when there is none */
    int8_t weight_axis;  /* per-channel axis of the weight */
} qns_quant_rule;

/* A per-channel y = (x - mean) / sqrt(var + eps) * gamma + beta, the way batch norm states it. The
 * parts stay apart because conv and linear associate the product differently (spec section 7.1). */
typedef struct qns_affine {
    size_t n;
    bool last; /* the channels are the last of three or more axes; else they are axis 1 */
    const float *mean, *var, *gamma, *beta; /* NULL: 0, nothing to divide by, 1, 0 */
    float eps;
} qns_affine;

/* ---- implementations ---- */

typedef struct qk_table qk_table; /* kernels/kernels.h */

typedef enum qns_engine { QNS_ENGINE_ONEDNN, QNS_ENGINE_REFERENCE } qns_engine;

/* An elementwise node that follows another: run piece by piece on what was just made, while it is
 * in the cache. What is made need not be written to output 0 of the first node. The bits are those
 * of running one node after the other. */
typedef struct qns_call qns_call;
typedef struct qns_tail {
    void (*run)(const qns_call *c, size_t first, size_t n);
    const qns_call *call;
    uint32_t input; /* of call: what the first node makes */
} qns_tail;

/* One node at run time. While a plan is made, in and out have dtype, layout, shape and qp; data is
 * set for constants only. An input that was left out has dtype QNS_DTYPE_COUNT. */
struct qns_call {
    const qns_node *node;
    const qns_backend *be;
    const qk_table *k;
    qns_engine engine;
    const qns_tensor *in;
    qns_tensor *out;
    void *packed;  /* what prepare() made; NULL without prepare() */
    void *scratch; /* scratch_size() bytes, aligned to 64 */
    /* NULL, or what run() calls for every piece of output 0 after making it. Set only for an
     * implementation that gives pieces. */
    const qns_tail *tail;
    qns_team *team;    /* open while run() runs, if the implementation works on a team; or NULL */
    const void *ahead; /* what the step after this one reads first, or NULL: see reads_first() */
};

static inline bool qns_call_has(const qns_call *c, uint32_t i)
{
    return i < c->node->n_in && c->in[i].dtype != QNS_DTYPE_COUNT;
}

/* One way to run an op. Its SIMD variants are behind qk_table and give the same bits. Where bits
 * may differ it is another implementation with another name. */
typedef struct qns_impl {
    const char *name; /* "conv.u8s8.fbgemm": in plans, logs and capture files */
    /* NULL when it can run the node, else the reason, a string literal */
    const char *(*reject)(const qns_call *c);
    /* May be NULL. What is doubtful about the numbers of a node that it does run, a string literal;
     * NULL when nothing is. */
    const char *(*warn)(const qns_call *c);
    /* May be NULL. Memory comes from the arena; release() undoes what does not (library handles).
     */
    qns_status (*prepare)(void **packed, const qns_call *c, qns_arena *a, qns_err *err);
    void (*release)(void *packed);
    /* May be NULL: run() only reads what prepare() made, so several runs at once may use it. Else
     * what a run at the same time needs instead, made of what prepare() made; release() undoes it.
     */
    qns_status (*share)(void **packed, const void *of, qns_err *err);
    size_t (*scratch_size)(const qns_call *c); /* after prepare(); may be NULL */
    /* After prepare(), may be NULL: where the weights begin. The step before brings them nearer
     * while it still computes. */
    const void *(*reads_first)(const qns_call *c);
    void (*run)(const qns_call *c); /* cannot fail: all was checked before. Threads split outputs */
    bool on_team;                   /* run() asks for threads by qns_parallel() only, not OpenMP */
    /* Elements first..first + n - 1 of output 0, counted in memory; every input has the shape and
     * layout of the output. Pieces start and end at multiples of `piece` elements, the last one
     * where the tensor ends. NULL: it cannot be run in pieces. */
    void (*run_piece)(const qns_call *c, size_t first, size_t n);
    size_t piece;
    /* After prepare(): run() can hand output 0 to c->tail in such pieces; may be NULL: never. */
    bool (*gives_pieces)(const qns_call *c, size_t piece);
    bool in_place; /* output 0 may be the memory of input 0 (same count and element size) */
    bool view;     /* output 0 has the bytes of input 0: with shared memory run() is skipped */
} qns_impl;

/* ---- ONNX ---- */

/* A node as it is being read. The reader fills the attribute struct and may edit in[]: drop inputs
 * that became attributes (Reshape's shape), add constants (a transposed weight). */
typedef struct qns_onnx_node {
    const char *type, *name;
    /* The op whose rule is reading. The reader may name another one that has no attributes either
     * (MatMul with a constant weight is "linear", with two activations "matmul"). */
    const qns_op *op;
    int opset;
    qns_attrs *attrs;
    qns_gb *gb; /* qns_gb_value() tells shapes and constants of the inputs */
    qns_vid in[QNS_MAX_IN];
    /* ONNX type of the inputs that the file states to be floats of another width than the float32
     * that they are here; 0 for all others. */
    int32_t file_type[QNS_MAX_IN];
    uint32_t n_in, n_out;
    qns_range clamp; /* the reader may set it (Relu, Clip are "clamp" nodes) */
    /* The reader may set it when output 0 of the node in the file is codes and op computes floats:
     * a quantize node with these goes behind. */
    const qns_qparams *out_qp;
} qns_onnx_node;

/* A node as it is being written. The writer names the type, adds attributes, and appends constant
 * inputs behind the node's own. A fused clamp is written by the caller, as a node behind.
 *
 * Files have opset 13, or the lowest above it in which every node can be said: writers are asked
 * once more with that one. */
typedef struct qns_onnx_out {
    const char *type;
    int opset; /* of the file */
    int since; /* first opset that has the form which was written; 0: 13, or that of the operator */
    int8_t turned; /* a matrix input that the form wants transposed; 0: none */
    int8_t added;  /* the last input, which goes into an Add behind; 0: none */
    qns_attrs attrs;
    struct {
        const char *suffix; /* the initializer is called <node name>.<suffix> */
        qns_tensor t;       /* data NULL with dtype QNS_DTYPE_COUNT: an input that is left out */
    } extra[4];
    uint32_t n_extra;
    qns_arena *arena; /* for what the writer computes */
} qns_onnx_out;

typedef struct qns_onnx_rule {
    const char *type; /* "Conv", or with another domain "com.microsoft.QLinearAdd" */
    int since;        /* first opset of ai.onnx with this meaning */
    qns_status (*read)(void *attr, qns_onnx_node *n, qns_err *err); /* NULL: no attributes */
} qns_onnx_rule;

/* ---- the operator ---- */

typedef enum qns_layout_rule {
    QNS_LAYOUT_ANY,    /* all activations in one layout: channels-last if they have one rank and any
                          of them lies so, else row-major */
    QNS_LAYOUT_CHLAST, /* activations of rank 3 to 5 are channels-last */
    QNS_LAYOUT_ROW     /* all row-major */
} qns_layout_rule;

struct qns_op {
    const char *name; /* "conv": in configs, dumps, reports */
    uint8_t min_in, max_in, n_out;
    size_t attr_size;
    qns_layout_rule layout;

    /* Shape and dtype of the outputs from those of the inputs; in[i].data is set for constants. */
    qns_status (*infer)(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);

    /* ONNX operators that map to it, ended by type NULL; NULL when none does. */
    const qns_onnx_rule *onnx;
    qns_status (*onnx_write)(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err);

    qns_quant_rule quant;

    /* Fusion. A clamp behind it goes into node->clamp; an affine behind it goes into weight and
     * bias: fold_affine edits in[] (values of gb) and *n_in. NULL: it cannot. */
    bool takes_clamp;
    qns_status (*fold_affine)(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                              const qns_affine *a, qns_err *err);
    /* The op is itself a clamp (sets *range) or an affine (fills *a); false: this node is not. */
    bool (*as_clamp)(qns_range *range, const qns_graph *g, const qns_node *n);
    bool (*as_affine)(qns_affine *a, const qns_graph *g, const qns_node *n);
    /* For QNS_OUT_DERIVED: scale and zero point of output 0, of the type of input 0, from the
     * qparams of input 0 and the constants. Fails with DATA when there are none. */
    qns_status (*derive)(double *scale, int32_t *zero, const qns_node *n, const qns_tensor *in,
                         qns_err *err);
    bool is_identity; /* Dropout, Identity: output = input, removed while reading */

    /* Multiply-adds of one run, for reports and cost models; NULL: 0. */
    uint64_t (*macs)(const qns_node *n, const qns_tensor *in, const qns_tensor *out);

    /* Human-readable attributes for dumps, "kernel 3x3 stride 2"; may be NULL. */
    void (*describe)(char *out, size_t size, const qns_node *n);

    /* Implementations, best first, the reference last, NULL at the end. */
    const qns_impl *const *impls;

    /* What the functions that it shares with its like need to know of it: a qns_unary, a
     * qns_scalar, a qns_recurrent (core/ops); else NULL. */
    const void *family;
};

const qns_op *qns_op_find(const char *name);
/* The rule with the highest `since` that is not above opset. NULL when none; *since_min then is the
 * first opset any rule of that type needs, or 0 when the type is unknown. */
const qns_op *qns_op_find_onnx(const qns_onnx_rule **rule, int *since_min, const char *type,
                               int opset);
/* All operators, NULL-terminated. */
const qns_op *const *qns_ops(void);

/* Multiply-adds of one run of a node; 0 when its op does not count them. */
uint64_t qns_node_macs(const qns_graph *g, const qns_node *n);

/* The first implementation that does not refuse. NULL when all do; then *why is the reason of the
 * last one. on_refuse may be NULL. */
const qns_impl *qns_impl_select(const char **why, const qns_call *c,
                                void (*on_refuse)(void *ctx, const qns_impl *i, const char *why),
                                void *ctx);

#endif
