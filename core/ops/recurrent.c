/* SPDX-License-Identifier: MIT */
/* Attributes, shapes and the walk over time of LSTM, GRU and RNN. Sequences and directions run in
 * parallel; within one, sums are made in the order of the inputs, so bits do not depend on threads.
 */
#include "core/ops/recurrent.h"

#include "core/ops/op_help.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const directions[] = {"forward", "reverse", "bidirectional"};

/* Names, defaults of alpha and beta; NAN: it has none. */
static const struct {
    const char *name;
    float alpha, beta;
} acts[QNS_ACT_COUNT] = {
    {"Sigmoid", NAN, NAN},      {"Tanh", NAN, NAN},          {"Relu", NAN, NAN},
    {"Affine", 1.0f, 0.0f},     {"LeakyRelu", 0.01f, NAN},   {"ThresholdedRelu", 1.0f, NAN},
    {"ScaledTanh", 1.0f, 1.0f}, {"HardSigmoid", 0.2f, 0.5f}, {"Elu", 1.0f, NAN},
    {"Softsign", NAN, NAN},     {"Softplus", NAN, NAN},
};

float qns_cell_act(const qns_cell *cell, int i, float v)
{
    const qns_recurrent_attr *a = cell->a;
    const int at = cell->first_act + i;
    const double p = (double)a->alpha[at], q = (double)a->beta[at];
    const float limited = a->clip > 0.0f ? fmaxf(-a->clip, fminf(a->clip, v)) : v;
    const double x = (double)(isnan(v) ? v : limited);
    switch ((qns_activation)a->act[at]) {
    case QNS_ACT_SIGMOID:
        return (float)(1.0 / (1.0 + exp(-x)));
    case QNS_ACT_TANH:
        return (float)tanh(x);
    case QNS_ACT_RELU:
        return x < 0 ? 0.0f : (float)x;
    case QNS_ACT_AFFINE:
        return (float)(p * x + q);
    case QNS_ACT_LEAKY_RELU:
        return (float)(x < 0 ? p * x : x);
    case QNS_ACT_THRESHOLDED_RELU:
        return (float)(x < p ? 0.0 : x);
    case QNS_ACT_SCALED_TANH:
        return (float)(p * tanh(q * x));
    case QNS_ACT_HARD_SIGMOID:
        return (float)fmin(fmax(p * x + q, 0.0), 1.0);
    case QNS_ACT_ELU:
        return (float)(x < 0 ? p * expm1(x) : x);
    case QNS_ACT_SOFTSIGN:
        return (float)(x / (1.0 + fabs(x)));
    default:
        return (float)(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
    }
}

/* ---- attributes ---- */

static qns_status read_acts(qns_recurrent_attr *a, const qns_recurrent *r, const char *words,
                            size_t want, qns_err *err)
{
    size_t n = 0;
    for (const char *s = words; *s; n++) {
        const size_t len = strcspn(s, " ");
        int k = 0;
        while (k < QNS_ACT_COUNT &&
               (strlen(acts[k].name) != len || strncasecmp(acts[k].name, s, len) != 0))
            k++;
        if (k == QNS_ACT_COUNT)
            QNS_FAIL(err, UNSUPPORTED, "activation '%.*s'", (int)(len > 40 ? 40 : len), s);
        if (n < want)
            a->act[n] = k;
        s += len;
        s += *s == ' ';
    }
    if (n != want)
        QNS_FAIL(err, FORMAT, "%zu activations; %s needs %zu here", n, r->type, want);
    return QNS_OK;
}

/* Each activation that has the parameter takes the next number. */
static void deal(float out[6], const qns_recurrent_attr *a, size_t n_acts, const float *v, size_t n,
                 bool beta)
{
    size_t k = 0;
    for (size_t i = 0; i < n_acts; i++) {
        const float def = beta ? acts[a->act[i]].beta : acts[a->act[i]].alpha;
        out[i] = isnan(def) ? 0.0f : k < n ? v[k++] : def;
    }
}

static qns_status read_activations(qns_recurrent_attr *a, const qns_recurrent *r, qns_onnx_node *n,
                                   qns_err *err)
{
    const size_t want = r->activations * (a->direction == QNS_BIDIRECTIONAL ? 2 : 1);
    const char *words;
    const float *alpha, *beta;
    size_t n_alpha, n_beta;
    QNS_TRY(qns_attrs_texts(&words, n->attrs, "activations", err));
    QNS_TRY(qns_attrs_floats(&alpha, &n_alpha, n->attrs, "activation_alpha", err));
    QNS_TRY(qns_attrs_floats(&beta, &n_beta, n->attrs, "activation_beta", err));
    for (size_t i = 0; i < want; i++)
        a->act[i] = r->def[i % r->activations];
    if (words)
        QNS_TRY(read_acts(a, r, words, want, err));
    a->custom = words != NULL;
    deal(a->alpha, a, want, alpha, n_alpha, false);
    deal(a->beta, a, want, beta, n_beta, true);
    return QNS_OK;
}

qns_status qns_recurrent_read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_recurrent_attr *a = attr;
    const qns_recurrent *r = n->op->family;
    const char *dir;
    QNS_TRY(qns_attrs_text(&dir, n->attrs, "direction", "forward", err));
    while (a->direction < 3 && strcmp(dir, directions[a->direction]) != 0)
        a->direction++;
    if (a->direction == 3)
        QNS_FAIL(err, FORMAT, "attribute 'direction' is '%.40s'", dir);
    QNS_TRY(qns_attrs_int(&a->hidden, n->attrs, "hidden_size", 0, err));
    QNS_TRY(qns_attrs_int(&a->batch_first, n->attrs, "layout", 0, err));
    QNS_TRY(qns_attrs_float(&a->clip, n->attrs, "clip", 0.0f, err));
    a->batch_first = a->batch_first != 0;
    const qns_shape *w = &qns_gb_value(n->gb, n->in[1])->shape;
    if (a->hidden == 0 && w->rank == 3) /* the weights tell it as well */
        a->hidden = w->dim[1] / (int64_t)r->gates;
    if (a->hidden < 1 || a->hidden > INT32_MAX)
        QNS_FAIL(err, FORMAT, "attribute 'hidden_size' is %" PRId64, a->hidden);
    return read_activations(a, r, n, err);
}

static qns_status write_acts(qns_onnx_out *w, const qns_recurrent_attr *a, size_t n, qns_err *err)
{
    char words[128] = "";
    float alpha[6], beta[6];
    size_t n_alpha = 0, n_beta = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(words);
        snprintf(words + len, sizeof words - len, "%s%s", i ? " " : "", acts[a->act[i]].name);
        if (!isnan(acts[a->act[i]].alpha))
            alpha[n_alpha++] = a->alpha[i];
        if (!isnan(acts[a->act[i]].beta))
            beta[n_beta++] = a->beta[i];
    }
    QNS_TRY(qns_attrs_add_texts(&w->attrs, "activations", words, err));
    if (n_alpha)
        QNS_TRY(qns_attrs_add_floats(&w->attrs, "activation_alpha", alpha, n_alpha, err));
    return n_beta ? qns_attrs_add_floats(&w->attrs, "activation_beta", beta, n_beta, err) : QNS_OK;
}

qns_status qns_recurrent_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_recurrent *r = n->op->family;
    const qns_recurrent_attr *a = n->attr;
    w->type = r->type;
    w->since = a->batch_first ? 14 : 0;
    if (a->batch_first)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "layout", 1, err));
    QNS_TRY(qns_attrs_add_text(&w->attrs, "direction", directions[a->direction], err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "hidden_size", a->hidden, err));
    if (a->clip > 0.0f)
        QNS_TRY(qns_attrs_add_float(&w->attrs, "clip", a->clip, err));
    if (!a->custom)
        return QNS_OK;
    return write_acts(w, a, r->activations * (a->direction == QNS_BIDIRECTIONAL ? 2 : 1), err);
}

void qns_recurrent_describe(char *out, size_t size, const qns_node *n)
{
    const qns_recurrent_attr *a = n->attr;
    snprintf(out, size, "hidden %" PRId64 " %s%s%s%s%s", a->hidden, directions[a->direction],
             a->batch_first ? " batch first" : "", a->custom ? " own activations" : "",
             a->linear_before_reset ? " linear before reset" : "",
             a->input_forget ? " input forget" : "");
}

/* ---- shapes ---- */

typedef struct sizes {
    size_t time, batch, in, hidden, dirs, gates;
} sizes;

static sizes sizes_of(const qns_recurrent_attr *a, const qns_tensor *in)
{
    const int64_t *x = in[0].shape.dim;
    return (sizes){.time = (size_t)x[a->batch_first ? 1 : 0],
                   .batch = (size_t)x[a->batch_first ? 0 : 1],
                   .in = (size_t)x[2],
                   .hidden = (size_t)a->hidden,
                   .dirs = a->direction == QNS_BIDIRECTIONAL ? 2 : 1,
                   .gates = (size_t)(in[1].shape.dim[1] / a->hidden)};
}

static qns_status expect(const qns_tensor *t, const char *name, int32_t rank, size_t a, size_t b,
                         size_t c, qns_err *err)
{
    const qns_shape want = {.rank = rank, .dim = {(int64_t)a, (int64_t)b, (int64_t)c}};
    if (t->dtype != QNS_F32 || !qns_shape_equal(&t->shape, &want))
        QNS_FAIL(err, SHAPE, "input %s is %s %s, must be float32 %s", name,
                 qns_dtype_name(t->dtype), qns_shape_str(&t->shape).s, qns_shape_str(&want).s);
    return QNS_OK;
}

static bool has(const qns_node *n, const qns_tensor *in, uint32_t i)
{
    return i < n->n_in && in[i].dtype != QNS_DTYPE_COUNT;
}

/* Weights may be codes or float16, too. */
static qns_status expect_weight(const qns_tensor *t, const char *name, const sizes *z, size_t cols,
                                qns_err *err)
{
    qns_tensor any = *t;
    if ((t->dtype == QNS_I8 && t->qp) || t->dtype == QNS_F16)
        any.dtype = QNS_F32;
    return expect(&any, name, 3, z->dirs, z->gates * z->hidden, cols, err);
}

static qns_status check_optional(const sizes *z, const qns_recurrent *r, const qns_node *n,
                                 const qns_tensor *in, qns_err *err)
{
    const bool bf = ((const qns_recurrent_attr *)n->attr)->batch_first != 0;
    const size_t s0 = bf ? z->batch : z->dirs, s1 = bf ? z->dirs : z->batch;
    if (has(n, in, 3))
        QNS_TRY(expect(&in[3], "B", 2, z->dirs, 2 * r->gates * z->hidden, 0, err));
    if (has(n, in, 4) &&
        (in[4].dtype != QNS_I32 || in[4].shape.rank != 1 || (size_t)in[4].shape.dim[0] != z->batch))
        QNS_FAIL(err, SHAPE, "the sequence lengths must be %zu numbers of type int32", z->batch);
    for (uint32_t i = 5; i < (r->has_c ? 7 : 6); i++)
        if (has(n, in, i))
            QNS_TRY(expect(&in[i], i == 5 ? "initial_h" : "initial_c", 3, s0, s1, z->hidden, err));
    if (r->has_c && has(n, in, 7))
        QNS_TRY(expect(&in[7], "P", 2, z->dirs, 3 * z->hidden, 0, err));
    return QNS_OK;
}

qns_status qns_recurrent_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in,
                               qns_err *err)
{
    const qns_recurrent *r = n->op->family;
    const qns_recurrent_attr *a = n->attr;
    if (in[0].dtype != QNS_F32 || in[0].shape.rank != 3)
        QNS_FAIL(err, SHAPE, "the input is %s %s, must be float32 with 3 axes",
                 qns_dtype_name(in[0].dtype), qns_shape_str(&in[0].shape).s);
    if (in[1].shape.rank != 3)
        QNS_FAIL(err, SHAPE, "W is %s, must have 3 axes", qns_shape_str(&in[1].shape).s);
    sizes z = sizes_of(a, in);
    z.gates = r->gates;
    QNS_TRY(expect_weight(&in[1], "W", &z, z.in, err));
    QNS_TRY(expect_weight(&in[2], "R", &z, z.hidden, err));
    QNS_TRY(check_optional(&z, r, n, in, err));
    const int64_t t = (int64_t)z.time, b = (int64_t)z.batch, d = (int64_t)z.dirs, h = a->hidden;
    for (uint32_t i = 0; i < n->n_out; i++) {
        out[i].dtype = QNS_F32;
        if (i == 0)
            out[i].shape = a->batch_first ? (qns_shape){.rank = 4, .dim = {b, t, d, h}}
                                          : (qns_shape){.rank = 4, .dim = {t, d, b, h}};
        else
            out[i].shape = a->batch_first ? (qns_shape){.rank = 3, .dim = {b, d, h}}
                                          : (qns_shape){.rank = 3, .dim = {d, b, h}};
    }
    return QNS_OK;
}

uint64_t qns_recurrent_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const sizes z = sizes_of(n->attr, in);
    return (uint64_t)z.time * z.batch * z.dirs * z.gates * z.hidden * (z.in + z.hidden);
}

/* ---- running ---- */

const char *qns_recurrent_reject(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in + c->node->n_out; i++) {
        const qns_tensor *t = i < c->node->n_in ? &c->in[i] : &c->out[i - c->node->n_in];
        if (t->dtype != QNS_DTYPE_COUNT && t->dtype != (i == 4 ? QNS_I32 : QNS_F32) &&
            i < c->node->n_in)
            return "an input is not float32";
        if (t->dtype != QNS_DTYPE_COUNT && t->layout != QNS_ROW && !qns_layout_trivial(&t->shape))
            return "a tensor is not row-major";
    }
    return c->out[0].dtype != QNS_F32 ? "the output is not float32" : NULL;
}

/* Floats of one sequence in one direction: x, r, two of G H; h, c, 2 for the step, of H. */
static size_t job_floats(const sizes *z)
{
    return (2 * z->gates + 4) * z->hidden;
}

size_t qns_recurrent_scratch(const qns_call *c)
{
    const qns_recurrent *r = c->node->op->family;
    const sizes z = sizes_of(c->node->attr, c->in);
    const size_t gh = r->gates * z.hidden;
    return sizeof(float) *
           (z.dirs * (z.in + z.hidden) * gh + gh + z.dirs * z.batch * job_floats(&z));
}

void qns_cell_product(float *out, const float *h, const float *w, size_t hidden, size_t stride,
                      size_t n)
{
    for (size_t k = 0; k < hidden; k++)
        for (size_t j = 0; j < n; j++)
            out[j] += h[k] * w[k * stride + j];
}

/* [rows][cols] to [cols][rows] */
static void turn(float *out, const float *in, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < cols; k++)
            out[k * rows + i] = in[i * cols + k];
}

typedef struct job {
    const qns_call *c;
    const qns_recurrent *r;
    sizes z;
    const float *w_x, *w_r, *zeros; /* all directions */
    float *mem;                     /* of this job */
    size_t d, b;
} job;

static size_t length_of(const job *j)
{
    if (!qns_call_has(j->c, 4))
        return j->z.time;
    const int32_t n = ((const int32_t *)j->c->in[4].data)[j->b];
    return n < 0 ? 0 : (size_t)n > j->z.time ? j->z.time : (size_t)n;
}

/* Where the state of this job lies in Y_h, Y_c and the first states. */
static size_t state_at(const job *j, bool batch_first)
{
    return (batch_first ? j->b * j->z.dirs + j->d : j->d * j->z.batch + j->b) * j->z.hidden;
}

static void load_state(float *to, const job *j, uint32_t i, bool batch_first)
{
    if (qns_call_has(j->c, i))
        memcpy(to, qns_cf32(&j->c->in[i]) + state_at(j, batch_first), j->z.hidden * sizeof *to);
    else
        memset(to, 0, j->z.hidden * sizeof *to);
}

static qns_cell cell_of(const job *j)
{
    const qns_recurrent_attr *a = j->c->node->attr;
    const size_t h = j->z.hidden, gh = j->z.gates * h;
    const bool p = j->r->has_c && qns_call_has(j->c, 7);
    float *state = j->mem + 2 * gh;
    return (qns_cell){.a = a,
                      .first_act = (int32_t)(j->d * j->r->activations),
                      .hidden = h,
                      .x = j->mem,
                      .r = j->mem + gh,
                      .w_r = j->w_r + j->d * h * gh,
                      .b_r = qns_call_has(j->c, 3) ? qns_cf32(&j->c->in[3]) + (2 * j->d + 1) * gh
                                                   : j->zeros,
                      .peephole = p ? qns_cf32(&j->c->in[7]) + j->d * 3 * h : NULL,
                      .h = state,
                      .c = state + h,
                      .tmp = state + 2 * h};
}

static void run_job(const job *j)
{
    const qns_recurrent_attr *a = j->c->node->attr;
    const sizes *z = &j->z;
    const bool bf = a->batch_first != 0;
    const size_t gh = z->gates * z->hidden, len = length_of(j), h_size = z->hidden * sizeof(float);
    const bool back = a->direction == QNS_REVERSE || j->d == 1;
    const float *bias = qns_call_has(j->c, 3) ? qns_cf32(&j->c->in[3]) + 2 * j->d * gh : j->zeros;
    float *x = j->mem, *r = x + gh, *y = qns_f32(&j->c->out[0]);
    const qns_cell cell = cell_of(j);
    load_state(cell.h, j, 5, bf);
    if (j->r->has_c)
        load_state(cell.c, j, 6, bf);
    for (size_t s = 0; s < z->time; s++) {
        const size_t t = s < len && back ? len - 1 - s : s;
        float *to = y + (bf ? (j->b * z->time + t) * z->dirs + j->d
                            : (t * z->dirs + j->d) * z->batch + j->b) *
                            z->hidden;
        if (s >= len) {
            memset(to, 0, h_size);
            continue;
        }
        const float *from =
            qns_cf32(&j->c->in[0]) + (bf ? j->b * z->time + t : t * z->batch + j->b) * z->in;
        memcpy(x, bias, gh * sizeof *x);
        qns_cell_product(x, from, j->w_x + j->d * z->in * gh, z->in, gh, gh);
        memcpy(r, cell.b_r, gh * sizeof *r);
        qns_cell_product(r, cell.h, cell.w_r, z->hidden, gh, gh);
        j->r->step(&cell);
        memcpy(to, cell.h, h_size);
    }
    for (uint32_t i = 1; i < j->c->node->n_out; i++)
        memcpy(qns_f32(&j->c->out[i]) + state_at(j, bf), i == 1 ? cell.h : cell.c, h_size);
}

void qns_recurrent_run(const qns_call *c)
{
    const qns_recurrent *r = c->node->op->family;
    const sizes z = sizes_of(c->node->attr, c->in);
    const size_t gh = r->gates * z.hidden, jobs = z.dirs * z.batch;
    float *w_x = c->scratch, *w_r = w_x + z.dirs * z.in * gh;
    float *zeros = w_r + z.dirs * z.hidden * gh, *mem = zeros + gh;
    for (size_t d = 0; d < z.dirs; d++) {
        turn(w_x + d * z.in * gh, qns_cf32(&c->in[1]) + d * z.in * gh, gh, z.in);
        turn(w_r + d * z.hidden * gh, qns_cf32(&c->in[2]) + d * z.hidden * gh, gh, z.hidden);
    }
    memset(zeros, 0, gh * sizeof *zeros);
#pragma omp parallel for schedule(static) if (jobs > 1)
    for (size_t i = 0; i < jobs; i++) {
        const job j = {c,           r,          z, w_x, w_r, zeros, mem + i * job_floats(&z),
                       i / z.batch, i % z.batch};
        run_job(&j);
    }
}
