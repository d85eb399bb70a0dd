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
