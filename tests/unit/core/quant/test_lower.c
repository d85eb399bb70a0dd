/* SPDX-License-Identifier: MIT */
/* Lowering convolutions: ours, and Q/DQ graphs the way other tools write them. */
#include "tests/unit/core/quant/net.h"

#include "core/quant/qdq.h"

static qns_vid conv3(net *t, const char *name, qns_vid x, int64_t in, int64_t out, bool bias)
{
    char w[64], b[64];
    const net_ints attr[] = {{"kernel_shape", {3, 3}, 2}, {"pads", {1, 1, 1, 1}, 4}};
    snprintf(w, sizeof w, "%s.w", name);
    snprintf(b, sizeof b, "%s.b", name);
    const qns_vid v[3] = {x, net_random(t, w, (qns_shape){4, {out, in, 3, 3}}, -0.3F, 0.4F),
                          bias ? net_random(t, b, (qns_shape){1, {out}}, -0.5F, 0.5F)
                               : QNS_NO_VALUE};
    return net_op(t, "Conv", name, v, bias ? 3 : 2, attr, 2);
}

/* x -> c1 -> r1 (relu) -> c2 -> s (c2 + r1) -> r2 (relu) -> y (pool) */
static qns_graph *residual(void)
{
    net t = net_start(7);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const qns_vid r1 = net_relu(&t, "r1", conv3(&t, "c1", x, 3, 6, true));
    const qns_vid c2 = conv3(&t, "c2", r1, 6, 6, false);
    const qns_vid r2 = net_relu(&t, "r2", net_op(&t, "Add", "s", NET_IN(c2, r1), NULL, 0));
    const qns_vid y = net_maxpool2(&t, "y", r2);
    return net_finish(&t, &y, 1);
}

typedef struct codes {
    struct {
        char name[64];
        uint8_t *at;
        size_t n;
    } v[32];
    size_t n;
} codes;

static bool is_u8(void *ctx, const qns_value *v)
{
    (void)ctx;
    return v->dtype == QNS_U8;
}

static qns_status keep(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                       qns_err *err)
{
    codes *c = ctx;
    (void)sample, (void)err;
    cr_assert_lt(c->n, QNS_ARRAY_LEN(c->v));
    snprintf(c->v[c->n].name, sizeof c->v[c->n].name, "%s", v->name);
    c->v[c->n].n = qns_tensor_count(t);
    c->v[c->n].at = qns_calloc(c->v[c->n].n, 1);
    qns_tensor_relayout(c->v[c->n].at, QNS_ROW, t);
    c->n++;
    return QNS_OK;
}

static void codes_fini(codes *c)
{
    for (size_t i = 0; i < c->n; i++)
        qns_free(c->v[i].at);
}

static const uint8_t *codes_of(const codes *c, const char *name, size_t *n)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i].name, name) == 0) {
            *n = c->v[i].n;
            return c->v[i].at;
        }
    cr_assert(false, "no codes '%s'", name);
    return NULL;
}

static void run_codes(codes *c, const qns_graph *g, const qns_backend *be)
{
    float x[3 * 8 * 8], y[6 * 8 * 8];
    qns_tensor in = {QNS_F32, QNS_ROW, {4, {1, 3, 8, 8}}, x, NULL};
    const qns_tap tap = {c, is_u8, keep};
    const qns_taps taps = {&tap, 1};
    net_sample(&in, NULL, 55, NULL);
    net_eval(y, g, be, x, &taps);
}

/* Where the integers and the literal graph get the same codes in, they may differ by one code out.
 */
static void same_within_one(const qns_graph *lowered, const qns_graph *literal,
                            const qns_backend *be, const char *const *name, size_t n_names)
{
    codes a = {0}, b = {0};
    size_t off = 0, total = 0;
    run_codes(&a, lowered, be);
    run_codes(&b, literal, be);
    for (size_t k = 0; k < n_names; k++) {
        char q[64];
        size_t n, m;
        snprintf(q, sizeof q, "%s_q", name[k]);
        const uint8_t *x = codes_of(&a, name[k], &n), *y = codes_of(&b, q, &m);
        cr_assert_eq(n, m);
        for (size_t i = 0; i < n; i++) {
            cr_assert_leq(abs(x[i] - y[i]), 1, "%s[%zu]: %d and %d", name[k], i, x[i], y[i]);
            off += x[i] != y[i];
        }
        total += n;
    }
    cr_assert_leq(off * 50, total, "%zu of %zu codes differ", off, total);
    codes_fini(&a);
    codes_fini(&b);
}

static void check_backend(const char *backend)
{
    static const char *const names[] = {"r1", "c2", "r2"};
    qns_graph *g = residual(), *f, *qdq, *lowered, *literal;
    qns_qconfig_set *set;
    qns_err err = {0};
    const qns_backend *be = qns_backend_find(backend);
    const qns_calibration c = net_calibration(8);
    cr_assert_eq(qns_fuse(&f, g, &err), QNS_OK);
    cr_assert_eq(qns_qconfig_create(&set, be, NULL, &err), QNS_OK);
    cr_assert_eq(qns_quantize(&qdq, NULL, f, set, &c, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(qns_lower(&lowered, qdq, be, &err), QNS_OK);
    cr_assert_eq(qns_lower_literal(&literal, qdq, &err), QNS_OK);
    cr_assert_eq(qns_graph_n_nodes(lowered), 6);
    same_within_one(lowered, literal, be, names, QNS_ARRAY_LEN(names));
    qns_graph_free(lowered);
    qns_graph_free(literal);
    qns_graph_free(qdq);
    qns_qconfig_free(set);
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(lower, fbgemm_computes_what_the_graph_says)
{
    check_backend("fbgemm");
}

Test(lower, qnnpack_computes_what_the_graph_says)
{
    check_backend("qnnpack");
}

/* ---- as other tools write it ---- */

static qns_vid pair(net *t, qns_vid x, const char *name, qns_dtype dtype, double scale,
                    int32_t zero)
{
    char q_name[64], dq_name[64];
    const qns_qparams *qp;
    qns_vid q, dq;
    snprintf(q_name, sizeof q_name, "%s_q", name);
    snprintf(dq_name, sizeof dq_name, "%s_dq", name);
    cr_assert_eq(qns_qparams_new(&qp, qns_gb_arena(t->gb), dtype, -1, 1, &scale, &zero, &t->err),
                 QNS_OK);
    const qns_qdq_ops op = qns_qdq_find();
    cr_assert_eq(qns_qdq_add(&q, t->gb, op.q, x, q_name, NULL, qp, &t->err), QNS_OK);
    cr_assert_eq(qns_qdq_add(&dq, t->gb, op.dq, q, dq_name, NULL, qp, &t->err), QNS_OK);
    return dq;
}

/* A constant of codes without qparams of its own, behind a dequantize: as a file has it. */
static qns_vid coded(net *t, const char *name, qns_dtype dtype, qns_shape shape, const void *data,
                     double scale)
{
    const qns_qparams *qp;
    const int32_t zero = 0;
    char dq_name[64];
    qns_vid q, dq;
    const size_t bytes = qns_shape_count(&shape) * qns_dtype_size(dtype);
    const qns_const_spec s = {.name = name,
                              .dtype = dtype,
                              .shape = shape,
                              .data = qns_arena_dup(qns_gb_arena(t->gb), data, bytes)};
    snprintf(dq_name, sizeof dq_name, "%s_dq", name);
    cr_assert_eq(qns_qparams_new(&qp, qns_gb_arena(t->gb), dtype, -1, 1, &scale, &zero, &t->err),
                 QNS_OK);
    cr_assert_eq(qns_gb_constant(&q, t->gb, &s, &t->err), QNS_OK);
    cr_assert_eq(qns_qdq_add(&dq, t->gb, qns_qdq_find().dq, q, dq_name, NULL, qp, &t->err), QNS_OK);
    return dq;
}

/* x -> pair -> conv (int8 weight, int32 bias) -> relu -> pair -> y, or y = relu + pair when leaky.
 */
static qns_graph *foreign(bool leaky, qns_dtype act)
{
    net t = net_start(9);
    const net_ints attr[] = {{"kernel_shape", {3, 3}, 2}, {"pads", {1, 1, 1, 1}, 4}};
    int8_t w[6 * 3 * 9];
    int32_t b[6];
    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (int8_t)((int)qns_rng_below(&t.rng, 255) - 127);
    for (size_t i = 0; i < 6; i++)
        b[i] = (int32_t)qns_rng_below(&t.rng, 20000) - 10000;
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 8, 8}});
    const int32_t shift = act == QNS_I8 ? 128 : 0;
    const qns_vid x_dq = pair(&t, x, "x", act, 0.0078125, 128 - shift);
    const qns_vid weight = coded(&t, "w", QNS_I8, (qns_shape){4, {6, 3, 3, 3}}, w, 0.003);
    const qns_vid bias = coded(&t, "b", QNS_I32, (qns_shape){1, {6}}, b, 0.003 * 0.0078125);
    const qns_vid c = net_op(&t, "Conv", "c", NET_IN(x_dq, weight, bias), attr, 2);
    const qns_vid r = net_relu(&t, "r", c);
    qns_vid y = pair(&t, r, "r", act, 0.01, 0 - shift);
    if (leaky)
        y = net_op(&t, "Add", "y", NET_IN(y, r), NULL, 0);
    return net_finish(&t, &y, 1);
}

static void check_foreign(const char *backend)
{
    qns_graph *g = foreign(false, QNS_U8), *lowered, *literal;
    qns_err err = {0};
    const qns_backend *be = qns_backend_find(backend);
    cr_assert(qns_is_qdq(g));
    cr_assert_eq(qns_lower(&lowered, g, be, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(qns_lower_literal(&literal, g, &err), QNS_OK);
    cr_assert_eq(qns_graph_n_nodes(lowered), 3);
    const qns_node *n = qns_graph_node(lowered, (qns_nid){1});
    cr_assert_str_eq(n->name, "c_node");
    cr_assert_eq(n->n_origin, 2);
    cr_assert_eq(n->clamp.lo, 0);
    cr_assert_eq(qns_graph_value(lowered, n->in[2])->dtype, be->float_bias ? QNS_F32 : QNS_I32);
    cr_assert_eq(qns_graph_value(lowered, n->out[0])->dtype, QNS_U8);
    same_within_one(lowered, literal, be, (const char *const[]){"r"}, 1);
    qns_graph_free(lowered);
    qns_graph_free(literal);
    qns_graph_free(g);
}

Test(lower, a_clamp_and_an_int32_bias_of_other_tools)
{
    check_foreign("fbgemm");
    check_foreign("qnnpack");
}

/* Signed codes are unsigned ones moved by 128: same integer graph, same numbers. */
Test(lower, int8_activations_become_uint8)
{
    qns_graph *g = foreign(false, QNS_I8), *u = foreign(false, QNS_U8), *a, *b, *literal;
    qns_err err = {0};
    const qns_backend *be = qns_backend_find("fbgemm");
    float x[3 * 8 * 8], y[3][6 * 8 * 8];
    qns_tensor in = {QNS_F32, QNS_ROW, {4, {1, 3, 8, 8}}, x, NULL};
    net_sample(&in, NULL, 4, NULL);
    cr_assert_eq(qns_lower(&a, g, be, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(qns_lower(&b, u, be, &err), QNS_OK);
    cr_assert_eq(qns_lower_literal(&literal, g, &err), QNS_OK);
    cr_assert_eq(qns_graph_n_nodes(a), 3);
    cr_assert_eq(qns_graph_value(a, qns_graph_find_value(a, "x_q"))->dtype, QNS_U8);
    cr_assert_eq(qns_graph_value(literal, qns_graph_find_value(literal, "x_q"))->dtype, QNS_I8);
    net_eval(y[0], a, be, x, NULL);
    net_eval(y[1], b, be, x, NULL);
    net_eval(y[2], literal, be, x, NULL);
    cr_assert_arr_eq(y[0], y[1], sizeof y[0]);
    for (size_t i = 0; i < QNS_ARRAY_LEN(y[0]); i++)
        cr_assert_leq(fabs((double)y[0][i] - (double)y[2][i]), 0.010001);
    qns_graph_free(a);
    qns_graph_free(b);
    qns_graph_free(literal);
    qns_graph_free(g);
    qns_graph_free(u);
}

Test(lower, a_float_reader_keeps_the_node_float)
{
    qns_graph *g = foreign(true, QNS_U8), *lowered, *literal;
    qns_err err = {0};
    float x[3 * 8 * 8], a[6 * 8 * 8], b[6 * 8 * 8];
    qns_tensor in = {QNS_F32, QNS_ROW, {4, {1, 3, 8, 8}}, x, NULL};
    net_sample(&in, NULL, 3, NULL);
    cr_assert_eq(qns_lower(&lowered, g, qns_backend_find("fbgemm"), &err), QNS_OK);
    cr_assert_eq(qns_lower_literal(&literal, g, &err), QNS_OK);
    cr_assert(qns_has(qns_graph_find_value(lowered, "c")));
    net_eval(a, lowered, NULL, x, NULL);
    net_eval(b, literal, NULL, x, NULL);
    cr_assert_arr_eq(a, b, sizeof a);
    qns_graph_free(lowered);
    qns_graph_free(literal);
    qns_graph_free(g);
}
