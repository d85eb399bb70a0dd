/* SPDX-License-Identifier: MIT */
#include "onnx_case.h"

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/exec/plan.h"
#include "core/model/onnx_data.h"
#include "core/model/onnx_fold.h"
#include "core/model/onnx_import.h"
#include "core/model/onnx_read.h"
#include "core/model/onnx_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_IO = 32, MAX_FILE = 1 << 28 };
#define RTOL 1e-3 /* of the ONNX backend tests */
#define ATOL 1e-7

/* One data set: inputs and outputs in the order of the graph. */
typedef struct data_set {
    qns_arena *arena;
    Onnx__TensorProto *proto[MAX_IO];
    qns_tensor in[MAX_IO], out[MAX_IO];
    bool real[MAX_IO]; /* output i is a float of some width in the file */
    size_t n_in, n_out;
} data_set;

static void data_free(data_set *d)
{
    for (size_t i = 0; i < d->n_in; i++)
        onnx__tensor_proto__free_unpacked(d->proto[i], NULL);
    qns_arena_free(d->arena);
    *d = (data_set){0};
}

#define TYPE(x) ONNX__TENSOR_PROTO__DATA_TYPE__##x

/* The element type of a value, 0 when it is no tensor. */
static int32_t elem_type(const Onnx__ValueInfoProto *v)
{
    const Onnx__TypeProto *t = v->type;
    return t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && t->tensor_type
               ? t->tensor_type->elem_type
               : 0;
}

/* numpy has no bfloat16: the data files of the tests hold its bits and call them uint16. */
static void mend_type(Onnx__TensorProto *t, Onnx__ValueInfoProto *const *v, size_t n, size_t i)
{
    if (i < n && elem_type(v[i]) == TYPE(BFLOAT16) && t->data_type == TYPE(UINT16))
        t->data_type = TYPE(BFLOAT16);
}

/* Tensor i of the data set, which stands for v[i] of the graph. */
static qns_status read_tensor(Onnx__TensorProto **proto, qns_tensor *t, const char *path,
                              Onnx__ValueInfoProto *const *v, size_t n_v, size_t i, qns_arena *a,
                              qns_err *err)
{
    char *p;
    size_t n;
    qns_onnx_place place = {.path = path};
    QNS_TRY(qns_file_read(&p, &n, path, MAX_FILE, err));
    Onnx__TensorProto *m = onnx__tensor_proto__unpack(NULL, n, (const uint8_t *)p);
    qns_free(p);
    if (!m)
        QNS_FAIL(err, FORMAT, "'%s' is no tensor", path);
    mend_type(m, v, n_v, i);
    const qns_status st = qns_onnx_data(t, &place, m, a, err);
    if (st != QNS_OK) {
        onnx__tensor_proto__free_unpacked(m, NULL);
        return st;
    }
    *proto = m;
    return QNS_OK;
}

static qns_status data_read(data_set *d, const Onnx__GraphProto *g, const char *folder, int set,
                            qns_err *err)
{
    char path[1024];
    *d = (data_set){0};
    QNS_TRY(qns_arena_create(&d->arena, err));
    for (;; d->n_in++) {
        snprintf(path, sizeof path, "%s/test_data_set_%d/input_%zu.pb", folder, set, d->n_in);
        if (d->n_in == MAX_IO || !qns_file_exists(path))
            break;
        QNS_TRY(read_tensor(&d->proto[d->n_in], &d->in[d->n_in], path, g->input, g->n_input,
                            d->n_in, d->arena, err));
    }
    for (;; d->n_out++) {
        Onnx__TensorProto *m;
        snprintf(path, sizeof path, "%s/test_data_set_%d/output_%zu.pb", folder, set, d->n_out);
        if (d->n_out == MAX_IO || !qns_file_exists(path))
            break;
        QNS_TRY(read_tensor(&m, &d->out[d->n_out], path, g->output, g->n_output, d->n_out, d->arena,
                            err));
        d->real[d->n_out] = d->out[d->n_out].dtype == QNS_F32;
        onnx__tensor_proto__free_unpacked(m, NULL);
    }
    return QNS_OK;
}

/* ---- the model, with inputs from `first` on made constants ---- */

static qns_status bake(char **out, size_t *n_out, Onnx__ModelProto *m, const data_set *d,
                       size_t first, qns_err *err)
{
    Onnx__GraphProto *g = m->graph;
    Onnx__TensorProto **own = g->initializer, **both = NULL, copy[MAX_IO];
    const size_t n_own = g->n_initializer, n_in = g->n_input;
    QNS_TRY(qns_new((void **)&both, n_own + MAX_IO, sizeof *both, err));
    if (n_own)
        memcpy(both, own, n_own * sizeof *both);
    for (size_t i = first; i < n_in && i < d->n_in; i++) {
        copy[i] = *d->proto[i];
        copy[i].name = g->input[i]->name;
        both[g->n_initializer++] = &copy[i];
    }
    g->initializer = both;
    g->n_input = first < n_in ? first : n_in;
    *n_out = onnx__model_proto__get_packed_size(m);
    *out = qns_calloc(*n_out + 1, 1);
    if (*out)
        onnx__model_proto__pack(m, (uint8_t *)*out);
    g->initializer = own;
    g->n_initializer = n_own;
    g->n_input = n_in;
    qns_free(both);
    if (!*out)
        QNS_FAIL(err, NOMEM, "cannot pack the model");
    return QNS_OK;
}

/* ---- running and comparing ---- */

static qns_status compare(const qns_tensor *got, const qns_tensor *want, bool real, qns_err *err)
{
    if (got->dtype != want->dtype || !qns_shape_equal(&got->shape, &want->shape))
        QNS_FAIL(err, MISMATCH, "is %s %s, must be %s %s", qns_dtype_name(got->dtype),
                 qns_shape_str(&got->shape).s, qns_dtype_name(want->dtype),
                 qns_shape_str(&want->shape).s);
    if (!real && memcmp(got->data, want->data, qns_tensor_bytes(got)) != 0)
        QNS_FAIL(err, MISMATCH, "has other integers");
    for (size_t i = 0; real && i < qns_tensor_count(got); i++) {
        const double g = (double)qns_cf32(got)[i], w = (double)qns_cf32(want)[i];
        if ((isnan(g) && isnan(w)) || g == w)
            continue;
        if (!(fabs(g - w) <= ATOL + RTOL * fabs(w)))
            QNS_FAIL(err, MISMATCH, "element %zu is %.9g, must be %.9g", i, g, w);
    }
    return QNS_OK;
}

static qns_status run_graph(const qns_graph *g, const data_set *d, qns_arena *a, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_plan *plan = NULL;
    qns_tensor out[MAX_IO] = {{0}};
    const uint32_t n_out = qns_graph_n_outputs(g);
    const qns_exec_opts opts = {.be = qns_backend_find("onnxruntime"), .cpu_mask = ~0u};
    QNS_TRY(qns_plan_create(&plan, g, &opts, err));
    if (n_out != d->n_out || qns_graph_n_inputs(g) > d->n_in)
        QNS_FAIL_DONE(err, MISMATCH, "has %u outputs, the data %zu", n_out, d->n_out);
    for (uint32_t i = 0; i < n_out; i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_output(g, i));
        out[i] = (qns_tensor){.dtype = v->dtype, .shape = v->shape};
        QNS_TRY_DONE(qns_arena_new(&out[i].data, a, qns_tensor_bytes(&out[i]) + 1, 1, err));
    }
    QNS_TRY_DONE(qns_plan_run(out, plan, d->in, 0, err));
    for (uint32_t i = 0; i < n_out && st == QNS_OK; i++) {
        st = compare(&out[i], &d->out[i], d->real[i], err);
        if (st != QNS_OK)
            qns_err_note(err, "output %u", i);
    }
done:
    qns_plan_free(plan);
    return st;
}

/* What is written must be read again and compute the same. */
static qns_status run_written(const qns_graph *g, const data_set *d, qns_err *err)
{
    qns_graph *again = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/qns_onnx_backend_%ld.onnx", (long)getpid());
    qns_status st = qns_onnx_write(path, g, false, err);
    if (st == QNS_OK)
        st = qns_onnx_read(&again, path, NULL, err);
    unlink(path);
    if (st == QNS_OK)
        st = run_graph(again, d, d->arena, err);
    qns_graph_free(again);
    return st;
}

static qns_status run_bytes(qns_err *unwritten, const char *p, size_t n, const data_set *d,
                            qns_err *err)
{
    qns_graph *g = NULL;
    QNS_TRY(qns_onnx_read_bytes(&g, p, n, "model", NULL, err));
    const qns_status st = run_graph(g, d, d->arena, err);
    if (st == QNS_OK)
        run_written(g, d, unwritten);
    qns_graph_free(g);
    return st;
}

/* As it is; then with the first input open; then with none. */
static qns_status run_inputs(case_report *out, Onnx__ModelProto *m, const data_set *d, qns_err *err)
{
    const size_t firsts[] = {d->n_in, 1, 0};
    qns_status st = QNS_OK;
    qns_err first_err = {0};
    for (int i = 0; i < 3; i++) {
        char *p;
        size_t n;
        qns_err why = {0}, unwritten = {0};
        QNS_TRY(bake(&p, &n, m, d, firsts[i], err));
        st = run_bytes(&unwritten, p, n, d, &why);
        qns_free(p);
        out->baked |= i > 0 && st == QNS_OK;
        if (st == QNS_OK && unwritten.code != QNS_OK)
            snprintf(out->unwritten, sizeof out->unwritten, "%.200s: %.300s", unwritten.trail,
                     unwritten.text);
        if (i == 0 || (st != QNS_E_UNSUPPORTED && st != QNS_OK))
            first_err = why;
        if (st == QNS_OK || st == QNS_E_MISMATCH)
            break;
    }
    if (st != QNS_OK && err)
        *err = first_err;
    return st == QNS_OK ? QNS_OK : first_err.code;
}

/* With all outputs; when that is refused, with the first alone. */
static qns_status run_set(case_report *out, Onnx__ModelProto *m, data_set *d, qns_err *err)
{
    qns_err again = {0};
    const size_t n_graph = m->graph->n_output, n_data = d->n_out;
    const qns_status st = run_inputs(out, m, d, err);
    if (st == QNS_OK || st == QNS_E_MISMATCH || n_graph < 2)
        return st;
    m->graph->n_output = d->n_out = 1;
    out->partly |= run_inputs(out, m, d, &again) == QNS_OK;
    m->graph->n_output = n_graph;
    d->n_out = n_data;
    return st;
}

/* ---- the whole test ---- */

/* True when QNS has all operators, in whatever opset. */
static bool claimed(const Onnx__ModelProto *m, char *op, size_t size)
{
    const Onnx__GraphProto *g = m->graph;
    bool all = true, several = false;
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        int since = 0;
        const bool known =
            qns_onnx_is_default_domain(n->domain) &&
            (strcmp(n->op_type, "Constant") == 0 || qns_onnx_is_shape_op(n->op_type) ||
             qns_op_find_onnx(NULL, &since, n->op_type, 1 << 20));
        several |= strcmp(n->op_type, g->node[0]->op_type) != 0;
        all &= known;
    }
    snprintf(op, size, "%s",
             g->n_node == 0 ? "(none)"
             : several      ? "(functions)"
                            : g->node[0]->op_type);
    return all;
}

/* True when every input and output is a tensor of numbers. */
static bool all_numbers(const Onnx__GraphProto *g)
{
    bool all = true;
    for (size_t i = 0; i < g->n_input + g->n_output; i++) {
        const int32_t t = elem_type(i < g->n_input ? g->input[i] : g->output[i - g->n_input]);
        all &= t > 0 && t != TYPE(STRING) && t != TYPE(COMPLEX64) && t != TYPE(COMPLEX128);
    }
    return all;
}

static void judge(case_report *out, qns_status st, const qns_err *why, bool all_claimed,
                  bool numbers)
{
    out->result = st == QNS_OK              ? CASE_PASSED
                  : out->partly             ? CASE_PARTLY
                  : !all_claimed            ? CASE_UNSUPPORTED
                  : !numbers                ? CASE_OTHER_TYPE
                  : st == QNS_E_UNSUPPORTED ? CASE_REFUSED
                                            : CASE_FAILED;
    if (st != QNS_OK)
        snprintf(out->why, sizeof out->why, "%.200s: %.300s", why->trail, why->text);
}

qns_status case_run(case_report *out, const char *folder, qns_err *err)
{
    qns_status st = QNS_OK;
    char path[1024], *p;
    size_t n;
    *out = (case_report){0};
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    QNS_TRY(qns_file_read(&p, &n, path, MAX_FILE, err));
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, n, (const uint8_t *)p);
    qns_free(p);
    if (!m || !m->graph)
        QNS_FAIL(err, FORMAT, "'%s' is no model", path);
    const bool all = claimed(m, out->op, sizeof out->op);
    qns_err why = {0};
    int sets = 0;
    for (;; sets++) {
        data_set d;
        snprintf(path, sizeof path, "%s/test_data_set_%d", folder, sets);
        char probe[1040];
        snprintf(probe, sizeof probe, "%s/output_0.pb", path);
        if (st != QNS_OK || !qns_file_exists(probe))
            break;
        st = data_read(&d, m->graph, folder, sets, &why);
        if (st == QNS_OK)
            st = run_set(out, m, &d, &why);
        data_free(&d);
    }
    const bool numbers = all_numbers(m->graph);
    onnx__model_proto__free_unpacked(m, NULL);
    if (sets == 0)
        QNS_FAIL(err, FORMAT, "'%s' has no data sets", folder);
    judge(out, st, &why, all, numbers);
    return QNS_OK;
}
