/* SPDX-License-Identifier: MIT */
/* What is fused, what is not, and how the result is called. */
#include "tests/unit/core/quant/net.h"

static qns_graph *fuse(const qns_graph *g)
{
    qns_graph *f;
    qns_err err = {0};
    cr_assert_eq(qns_fuse(&f, g, &err), QNS_OK, "%s (%s)", err.text, err.trail);
    return f;
}

static void has_origins(const qns_node *n, const char *const *want, uint32_t count)
{
    cr_assert_eq(n->n_origin, count, "%u origins", n->n_origin);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_str_eq(n->origin[i], want[i]);
}

Test(fuse, clamps_go_into_the_operator_before)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const qns_vid sum = net_op(&t, "Add", "sum", NET_IN(x, x), NULL, 0);
    const qns_vid y = net_relu(&t, "y", sum);
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 1);
    const qns_node *n = qns_graph_node(f, (qns_nid){0});
    cr_assert_str_eq(n->name, "sum_node");
    cr_assert_str_eq(qns_graph_value(f, n->out[0])->name, "y");
    cr_assert_eq(n->clamp.lo, 0);
    cr_assert_eq(n->clamp.hi, INFINITY);
    has_origins(n, (const char *const[]){"sum_node", "y_node"}, 2);
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(fuse, two_readers_keep_the_value)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const qns_vid sum = net_op(&t, "Add", "sum", NET_IN(x, x), NULL, 0);
    const qns_vid r = net_relu(&t, "r", sum);
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(sum, r), NULL, 0);
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 3);
    cr_assert(qns_has(qns_graph_find_value(f, "sum")));
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(fuse, graph_outputs_stay)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const qns_vid sum = net_op(&t, "Add", "sum", NET_IN(x, x), NULL, 0);
    const qns_vid r = net_relu(&t, "r", sum);
    qns_graph *g = net_finish(&t, (const qns_vid[]){sum, r}, 2), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 2);
    cr_assert_str_eq(qns_graph_value(f, qns_graph_output(f, 0))->name, "sum");
    cr_assert_str_eq(qns_graph_value(f, qns_graph_output(f, 1))->name, "r");
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(fuse, same_numbers)
{
    net t = net_start(1);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const qns_vid sum = net_op(&t, "Add", "sum", NET_IN(x, x), NULL, 0);
    const qns_vid r = net_relu(&t, "r", sum);
    const qns_vid y = net_maxpool2(&t, "y", r);
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    float in[32], a[8], b[8];
    qns_tensor sample = {QNS_F32, QNS_ROW, {4, {1, 2, 4, 4}}, in, NULL};
    net_sample(&sample, NULL, 0, NULL);
    net_eval(a, g, NULL, in, NULL);
    net_eval(b, f, NULL, in, NULL);
    cr_assert_arr_eq(a, b, sizeof a);
    qns_graph_free(f);
    qns_graph_free(g);
}

static qns_vid norm(net *t, const char *name, qns_vid x, int64_t channels)
{
    char part[4][64];
    qns_vid in[5] = {x};
    for (int i = 0; i < 4; i++) {
        snprintf(part[i], sizeof part[i], "%s.%d", name, i);
        in[i + 1] = net_random(t, part[i], (qns_shape){1, {channels}}, 0.5F, 1.5F);
    }
    return net_op(t, "BatchNormalization", name, in, 5, NULL, 0);
}

static void same_output(const qns_graph *g, const qns_graph *f, double tolerance)
{
    const qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    const qns_tensor out = qns_graph_tensor(g, qns_graph_output(g, 0));
    float *x = qns_calloc(qns_tensor_count(&in), 4), *a = qns_calloc(qns_tensor_count(&out), 4);
    float *b = qns_calloc(qns_tensor_count(&out), 4);
    qns_tensor sample = in;
    sample.data = x;
    net_sample(&sample, NULL, 0, NULL);
    net_eval(a, g, NULL, x, NULL);
    net_eval(b, f, NULL, x, NULL);
    for (size_t i = 0; i < qns_tensor_count(&out); i++)
        cr_assert_leq(fabs((double)a[i] - (double)b[i]), tolerance);
    qns_free(x);
    qns_free(a);
    qns_free(b);
}

Test(fuse, conv_takes_norm_and_clamp)
{
    net t = net_start(5);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const net_ints attr = {"kernel_shape", {1, 1}, 2};
    const qns_vid w = net_random(&t, "w", (qns_shape){4, {3, 2, 1, 1}}, -1, 1);
    const qns_vid c = net_op(&t, "Conv", "c", NET_IN(x, w), &attr, 1);
    const qns_vid y = net_relu(&t, "y", norm(&t, "n", c, 3));
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 1);
    const qns_node *n = qns_graph_node(f, (qns_nid){0});
    has_origins(n, (const char *const[]){"c_node", "n_node", "y_node"}, 3);
    cr_assert_eq(n->n_in, 3);
    cr_assert_str_eq(qns_graph_value(f, n->in[1])->origin, "w");
    same_output(g, f, 1e-5);
    qns_graph_free(f);
    qns_graph_free(g);
}

/* The clamp between hides the sum from the norm, which then takes the second clamp itself. */
Test(fuse, a_norm_that_cannot_be_folded_takes_its_clamp)
{
    net t = net_start(5);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 3, 4, 4}});
    const qns_vid s = net_relu(&t, "r", net_op(&t, "Add", "s", NET_IN(x, x), NULL, 0));
    const qns_vid y = net_relu(&t, "y", norm(&t, "n", s, 3));
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 2);
    const qns_node *n = qns_graph_node(f, qns_graph_find_node(f, "n_node"));
    cr_assert_eq(n->clamp.lo, 0);
    has_origins(n, (const char *const[]){"n_node", "y_node"}, 2);
    same_output(g, f, 0);
    qns_graph_free(f);
    qns_graph_free(g);
}

Test(fuse, a_norm_behind_a_conv_that_others_read_stays)
{
    net t = net_start(5);
    const qns_vid x = net_input(&t, "x", (qns_shape){4, {1, 2, 4, 4}});
    const net_ints attr = {"kernel_shape", {1, 1}, 2};
    const qns_vid w = net_random(&t, "w", (qns_shape){4, {3, 2, 1, 1}}, -1, 1);
    const qns_vid c = net_op(&t, "Conv", "c", NET_IN(x, w), &attr, 1);
    const qns_vid y = net_op(&t, "Add", "y", NET_IN(c, norm(&t, "n", c, 3)), NULL, 0);
    qns_graph *g = net_finish(&t, &y, 1), *f = fuse(g);
    cr_assert_eq(qns_graph_n_nodes(f), 3);
    same_output(g, f, 0);
    qns_graph_free(f);
    qns_graph_free(g);
}
