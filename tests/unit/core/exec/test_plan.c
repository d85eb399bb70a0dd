/* SPDX-License-Identifier: MIT */
#include "core/exec/plan.h"

#include <criterion/criterion.h>
#include <string.h>

enum { C = 3, H = 4, W = 4, COUNT = C * H * W };

static const qns_shape shape = {4, {1, C, H, W}};

static const qns_op *op(const char *name)
{
    const qns_op *o = qns_op_find(name);
    cr_assert_not_null(o, "no operator '%s'", name);
    return o;
}

/* Adds `name`(in...) with an all-zero attribute struct. */
static qns_vid node(qns_gb *gb, const char *op_name, const char *name, const qns_vid *in,
                    uint32_t n)
{
    static const char attr[256];
    qns_vid out;
    qns_err err = {0};
    const qns_node_spec s = {.op = op(op_name),
                             .name = name,
                             .attr = attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = in,
                             .n_in = n,
                             .n_out = 1,
                             .out_name = &name};
    cr_assert_eq(qns_gb_node(&out, gb, &s, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return out;
}

/* x -> a = x + x -> b = a + x -> c = a + b -> out = c + a: a stays alive over two adds that could
 * run in place, so a wrong lifetime shows. out = (2x + 3x) + 2x = 7x. */
static qns_graph *chain(void)
{
    qns_gb *gb;
    qns_graph *g;
    qns_vid x, v[2];
    cr_assert_eq(qns_gb_create(&gb, "chain", NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&x, gb, "x", QNS_F32, &shape, NULL), QNS_OK);
    v[0] = v[1] = x;
    const qns_vid a = node(gb, "add", "a", v, 2);
    v[0] = a;
    const qns_vid b = node(gb, "add", "b", v, 2);
    v[1] = b;
    const qns_vid c = node(gb, "add", "c", v, 2);
    v[0] = c;
    v[1] = a;
    const qns_vid out = node(gb, "add", "out", v, 2);
    cr_assert_eq(qns_gb_output(gb, out, NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
    return g;
}

typedef struct seen {
    float first[8];
    char name[8][8];
    int n;
} seen;

static bool wants(void *ctx, const qns_value *v)
{
    (void)ctx;
    return strcmp(v->name, "b") != 0;
}

static qns_status see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                      qns_err *err)
{
    seen *s = ctx;
    cr_assert_eq(sample, 5);
    s->first[s->n] = qns_cf32(t)[1];
    strncpy(s->name[s->n++], v->name, 7);
    if (sample < 0)
        QNS_FAIL(err, DATA, "unused");
    return QNS_OK;
}

static void run(float *out, const qns_graph *g, bool keep_all, const qns_taps *taps)
{
    qns_plan *p;
    qns_err err = {0};
    float x[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)i;
    const qns_exec_opts o = {.cpu_mask = ~0u, .keep_all = keep_all};
    cr_assert_eq(qns_plan_create(&p, g, &o, &err), QNS_OK, "%s: %s", err.trail, err.text);
    cr_assert_eq(qns_plan_bind(p, taps, NULL), QNS_OK);
    const qns_tensor in = {QNS_F32, QNS_ROW, shape, x, NULL};
    qns_tensor t = {.data = out};
    cr_assert_eq(qns_plan_run(&t, p, &in, 5, &err), QNS_OK, "%s", err.text);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(x[i], (float)i, "the caller's input was written to");
    qns_plan_free(p);
}

Test(plan, values_that_are_still_needed_are_not_overwritten)
{
    qns_graph *g = chain();
    float shared[COUNT], kept[COUNT];
    run(shared, g, false, NULL);
    run(kept, g, true, NULL);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(shared[i], 7.0f * (float)i);
        cr_assert_eq(kept[i], 7.0f * (float)i);
    }
    qns_graph_free(g);
}

Test(plan, taps_see_what_they_want_in_run_order)
{
    qns_graph *g = chain();
    float out[COUNT];
    seen s = {0};
    const qns_tap tap = {&s, wants, see};
    const qns_taps taps = {&tap, 1};
    run(out, g, false, &taps);
    const char *const names[] = {"x", "a", "c", "out"};
    const float first[] = {1, 2, 5, 7};
    cr_assert_eq(s.n, 4);
    for (int i = 0; i < 4; i++) {
        cr_assert_str_eq(s.name[i], names[i]);
        cr_assert_eq(s.first[i], first[i]);
    }
    qns_graph_free(g);
}

/* Nothing runs before it is asked for or twice; a run that was left begins anew. */
Test(plan, in_steps)
{
    qns_graph *g = chain();
    qns_plan *p;
    float x[COUNT] = {0, 1};
    seen s = {0};
    const qns_tap tap = {&s, wants, see};
    const qns_taps taps = {&tap, 1};
    const qns_exec_opts o = {.cpu_mask = ~0u};
    const qns_tensor in = {QNS_F32, QNS_ROW, shape, x, NULL};
    cr_assert_eq(qns_plan_create(&p, g, &o, NULL), QNS_OK);
    cr_assert_eq(qns_plan_bind(p, &taps, NULL), QNS_OK);
    cr_assert_eq(qns_plan_begin(p, &in, 5, NULL), QNS_OK);
    cr_assert_eq(qns_plan_run_until(p, 3, 5, NULL), QNS_OK);
    cr_assert_eq(s.n, 3);
    cr_assert_str_eq(s.name[2], "c");
    cr_assert_eq(qns_plan_run_until(p, 2, 5, NULL), QNS_OK);
    cr_assert_eq(s.n, 3);
    cr_assert_eq(qns_plan_begin(p, &in, 5, NULL), QNS_OK);
    cr_assert_eq(qns_plan_run_until(p, 1, 5, NULL), QNS_OK);
    cr_assert_eq(s.n, 5);
    cr_assert_str_eq(s.name[4], "a");
    cr_assert_eq(qns_plan_run_until(p, 4, 5, NULL), QNS_OK);
    cr_assert_eq(s.n, 7);
    cr_assert_eq(s.first[6], 7);
    qns_plan_free(p);
    qns_graph_free(g);
}

Test(plan, an_input_of_another_shape_is_refused)
{
    qns_graph *g = chain();
    qns_plan *p;
    qns_err err = {0};
    float x[COUNT] = {0}, y[COUNT];
    const qns_exec_opts o = {0};
    cr_assert_eq(qns_plan_create(&p, g, &o, NULL), QNS_OK);
    const qns_tensor in = {QNS_F32, QNS_ROW, {4, {1, C, W, H - 1}}, x, NULL};
    qns_tensor out = {.data = y};
    cr_assert_eq(qns_plan_run(&out, p, &in, 0, &err), QNS_E_SHAPE);
    cr_assert_not_null(strstr(err.text, "'x'"));
    qns_plan_free(p);
    qns_graph_free(g);
}

Test(graph, dead_nodes_go_and_names_are_made_unique)
{
    qns_gb *gb;
    qns_graph *g;
    qns_vid x, v[2];
    cr_assert_eq(qns_gb_create(&gb, NULL, NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_input(&x, gb, "x", QNS_F32, &shape, NULL), QNS_OK);
    v[0] = v[1] = x;
    const qns_vid keep = node(gb, "add", "n", v, 2);
    (void)node(gb, "add", "dead", v, 2);
    v[0] = keep;
    const qns_vid out = node(gb, "add", "n", v, 2);
    cr_assert_eq(qns_gb_output(gb, out, NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
    cr_assert_eq(qns_graph_n_nodes(g), 2);
    cr_assert_str_eq(qns_graph_node(g, (qns_nid){1})->name, "n_1");
    cr_assert_eq(qns_graph_find_node(g, "dead").i, QNS_NONE);
    cr_assert_eq(qns_graph_value(g, qns_graph_find_value(g, "n"))->n_uses, 1);
    qns_graph_free(g);
}

Test(graph, an_empty_graph_is_refused)
{
    qns_gb *gb;
    qns_graph *g;
    cr_assert_eq(qns_gb_create(&gb, NULL, NULL, NULL), QNS_OK);
    cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_E_FORMAT);
}
