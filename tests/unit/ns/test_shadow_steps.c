/* SPDX-License-Identifier: MIT */
/* How far the quantized graph runs for each float value, and whether what is measured is there. */
#include "ns/shadow_steps.h"

#include "core/graph/op.h"

#include <criterion/criterion.h>
#include <string.h>

/* A graph of additions. text: "p=xx q=px": node p adds x to x, node q adds x to p; x is the input.
 * What nobody reads is an output. */
static qns_graph *graph(const char *text)
{
    const qns_shape shape = {1, {4}};
    qns_gb *gb;
    qns_graph *g;
    qns_vid value[128], x;
    bool read[128] = {false};
    cr_assert_eq(qns_gb_create(&gb, "adds", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&x, gb, "x", QNS_F32, &shape, NULL), QNS_OK);
    value['x'] = x;
    for (const char *t = text; *t; t += t[4] ? 5 : 4) {
        static const char attr[256];
        const char name[2] = {t[0], 0}, *names = name;
        const qns_vid in[2] = {value[(int)t[2]], value[(int)t[3]]};
        const qns_node_spec s = {.op = qns_op_find("add"),
                                 .name = name,
                                 .attr = attr,
                                 .clamp = QNS_NO_CLAMP,
                                 .in = in,
                                 .n_in = 2,
                                 .n_out = 1,
                                 .out_name = &names};
        cr_assert_eq(qns_gb_node(&value[(int)t[0]], gb, &s, NULL), QNS_OK);
        read[(int)t[2]] = read[(int)t[3]] = true;
    }
    for (const char *t = text; *t; t += t[4] ? 5 : 4)
        if (!read[(int)t[0]])
            cr_assert_eq(qns_gb_output(gb, value[(int)t[0]], NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
    return g;
}

static qns_vid named(const qns_graph *g, char name)
{
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        if (qns_graph_value(g, (qns_vid){i})->name[0] == name)
            return (qns_vid){i};
    return QNS_NO_VALUE;
}

/* met: the names of values that both have. steps: how many nodes have run for each of them. */
static void check(const char *ref, const char *test, const char *met, const char *steps, bool stays)
{
    qns_graph *r = graph(ref), *t = graph(test);
    uint32_t until[16];
    qns_met pair[16];
    bool got = !stays;
    const size_t n = strlen(met);
    for (size_t i = 0; i < n; i++)
        pair[i] = (qns_met){named(r, met[i]), named(t, met[i])};
    pair[n] = (qns_met){QNS_NO_VALUE, QNS_NO_VALUE};
    cr_assert_eq(qns_steps_find(until, &got, r, t, pair, n + 1, NULL), QNS_OK);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(until[pair[i].ref.i], (uint32_t)(steps[i] - '0'), "%s, %s: %c is %u", ref,
                     test, met[i], until[pair[i].ref.i]);
    cr_assert_eq(got, stays, "%s, %s", ref, test);
    qns_graph_free(r);
    qns_graph_free(t);
}

Test(shadow_steps, same_order)
{
    check("p=xx q=pp r=qp", "p=xx q=pp r=qp", "xpqr", "0123", true);
}

/* More nodes on the quantized side, and a value that is not measured. */
Test(shadow_steps, other_nodes)
{
    check("p=xx q=pp r=qp", "a=xx p=aa b=pp q=bp r=qa", "pr", "25", true);
}

/* q is made before p, and both have readers that still wait. */
Test(shadow_steps, two_branches_swapped)
{
    check("p=xx q=xx r=pq", "q=xx p=xx r=pq", "pqr", "223", true);
}

/* What is measured last was made first, and its only reader has run. */
Test(shadow_steps, gone_before_it_is_measured)
{
    check("p=xx q=pp r=xx", "r=xx s=rr p=xx q=pp", "pqr", "344", false);
}

/* Nobody reads q: its memory is free for the node behind it. */
Test(shadow_steps, unread)
{
    check("p=xx q=xx", "q=xx p=xx", "pq", "22", false);
}
