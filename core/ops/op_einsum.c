/* SPDX-License-Identifier: MIT */
/* Sums of products by index letters, as numpy's einsum: "bhqd,bhkd->bhqk". Letters that the output
 * does not have are summed over; "..." stands for any number of axes that broadcast. Any equation
 * runs in one way, with sums in double: MatMul is faster where it will do. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Letters, then the axes of "...", the last axis last. */
enum { LETTERS = 52, LABELS = LETTERS + QNS_MAX_RANK, TERMS = 8, TEXT = 128 };
#define MAX_WORK (UINT64_C(1) << 40)

typedef struct einsum_attr {
    char equation[TEXT]; /* without spaces, zeros to the end */
} einsum_attr;

typedef struct term {
    int8_t label[QNS_MAX_RANK];
    int32_t rank;
} term;

typedef struct sums {
    term out;
    int64_t dim[LABELS]; /* 0: the label does not occur */
    int64_t step[TERMS][LABELS];
    int8_t summed[LABELS];
    int32_t n_summed;
    uint64_t per_out; /* products for one element of the output */
} sums;

static int label_of(char c)
{
    return islower((unsigned char)c) ? c - 'a' + 26 : c - 'A';
}

/* Labels of one term of `len` characters, for a tensor of this rank. dots: axes of "..." in the
 * output, where no tensor tells them; -1 elsewhere. */
static qns_status read_term(term *t, const char *s, size_t len, int32_t rank, int32_t dots,
                            qns_err *err)
{
    int32_t letters = 0;
    bool has_dots = false;
    for (size_t i = 0; i < len; i++) {
        if (isalpha((unsigned char)s[i])) {
            letters++;
        } else if (!has_dots && i + 3 <= len && strncmp(s + i, "...", 3) == 0) {
            has_dots = true;
            i += 2;
        } else {
            QNS_FAIL(err, FORMAT, "term '%.*s' of the equation has a '%c'", (int)len, s, s[i]);
        }
    }
    const int32_t open = dots >= 0 ? (has_dots ? dots : 0) : rank - letters;
    if (open < 0 || letters + open > QNS_MAX_RANK || (!has_dots && open > 0))
        QNS_FAIL(err, SHAPE, "term '%.*s' of the equation does not fit to %d axes", (int)len, s,
                 (int)rank);
    *t = (term){.rank = 0};
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '.') {
            t->label[t->rank++] = (int8_t)label_of(s[i]);
            continue;
        }
        for (int32_t k = 0; k < open; k++)
            t->label[t->rank++] = (int8_t)(LABELS - open + k);
        i += 2;
    }
    return QNS_OK;
}

static qns_status add_input(sums *e, uint32_t k, const term *t, const qns_shape *s, qns_err *err)
{
    int64_t step = 1;
    for (int32_t i = t->rank; i-- > 0; step *= s->dim[i]) {
        int64_t *dim = &e->dim[t->label[i]];
        if (s->dim[i] < 1)
            QNS_FAIL(err, UNSUPPORTED, "an input of shape %s is empty", qns_shape_str(s).s);
        if (*dim > 1 && s->dim[i] > 1 && *dim != s->dim[i])
            QNS_FAIL(err, SHAPE, "one letter of the equation has the sizes %lld and %lld",
                     (long long)*dim, (long long)s->dim[i]);
        *dim = *dim > s->dim[i] ? *dim : s->dim[i];
        e->step[k][t->label[i]] += s->dim[i] > 1 ? step : 0;
    }
    return QNS_OK;
}

/* Without "->": the axes of "...", then the letters that occur once, in the order of the alphabet.
 */
static qns_status implied_output(term *t, const int32_t count[LABELS], qns_err *err)
{
    *t = (term){.rank = 0};
    for (int32_t k = 0; k < LABELS; k++) {
        const int32_t l = k < QNS_MAX_RANK ? LETTERS + k : k - QNS_MAX_RANK;
        if (count[l] == 0 || (l < LETTERS && count[l] > 1))
            continue;
        if (t->rank == QNS_MAX_RANK)
            QNS_FAIL(err, SHAPE, "the output has more than %d axes", QNS_MAX_RANK);
        t->label[t->rank++] = (int8_t)l;
    }
    return QNS_OK;
}

static qns_status finish(sums *e, qns_err *err)
{
    bool is_out[LABELS] = {false};
    for (int32_t i = 0; i < e->out.rank; i++) {
        const int8_t l = e->out.label[i];
        if (is_out[l] || e->dim[l] == 0)
            QNS_FAIL(err, FORMAT, "a letter of the output occurs twice there, or in no input");
        is_out[l] = true;
    }
    uint64_t work = 1;
    e->per_out = 1;
    for (int32_t l = 0; l < LABELS; l++) {
        if (e->dim[l] == 0)
            continue;
        if (work > MAX_WORK / (uint64_t)e->dim[l])
            QNS_FAIL(err, UNSUPPORTED, "the equation takes more than 2^40 products");
        work *= (uint64_t)e->dim[l];
        if (is_out[l])
            continue;
        e->summed[e->n_summed++] = (int8_t)l;
        e->per_out *= (uint64_t)e->dim[l];
    }
    return QNS_OK;
}

static qns_status lay(sums *e, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const char *s = ((const einsum_attr *)n->attr)->equation, *arrow = strstr(s, "->");
    const char *end = arrow ? arrow : s + strlen(s);
    int32_t count[LABELS] = {0}, dots = 0;
    *e = (sums){.n_summed = 0};
    for (uint32_t k = 0; k < n->n_in; k++) {
        const char *comma = memchr(s, ',', (size_t)(end - s));
        const size_t len = (size_t)((comma ? comma : end) - s);
        term t;
        if ((comma != NULL) != (k + 1 < n->n_in))
            QNS_FAIL(err, FORMAT, "the equation does not have %u terms", n->n_in);
        QNS_TRY(read_term(&t, s, len, in[k].shape.rank, -1, err));
        QNS_TRY(add_input(e, k, &t, &in[k].shape, err));
        int32_t own = 0;
        for (int32_t i = 0; i < t.rank; i++) {
            count[t.label[i]]++;
            own += t.label[i] >= LETTERS;
        }
        dots = own > dots ? own : dots;
        s += len + (comma != NULL);
    }
    if (arrow)
        QNS_TRY(read_term(&e->out, arrow + 2, strlen(arrow + 2), 0, dots, err));
    else
        QNS_TRY(implied_output(&e->out, count, err));
    return finish(e, err);
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    sums e;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (in[i].dtype != QNS_F32)
            QNS_FAIL(err, UNSUPPORTED, "einsum of %s", qns_dtype_name(in[i].dtype));
    QNS_TRY(lay(&e, n, in, err));
    out[0].dtype = QNS_F32;
    out[0].shape = (qns_shape){.rank = e.out.rank};
    for (int32_t i = 0; i < e.out.rank; i++)
        out[0].shape.dim[i] = e.dim[e.out.label[i]];
    return qns_shape_check(&out[0].shape, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    char *to = ((einsum_attr *)attr)->equation;
    const char *from;
    size_t len = 0;
    QNS_TRY(qns_attrs_text(&from, n->attrs, "equation", "", err));
    for (; *from; from++) {
        if (*from == ' ')
            continue;
        if (len + 1 == TEXT)
            QNS_FAIL(err, UNSUPPORTED, "attribute 'equation' is longer than %d", TEXT - 1);
        to[len++] = *from;
    }
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Einsum";
    return qns_attrs_add_text(&w->attrs, "equation", ((const einsum_attr *)n->attr)->equation, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%s", ((const einsum_attr *)n->attr)->equation);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    sums e;
    return lay(&e, n, in, NULL) == QNS_OK ? (uint64_t)qns_tensor_count(&out[0]) * e.per_out : 0;
}

/* Element i of the output: every product of the labels that are summed over. */
static float sum_at(const qns_call *c, const sums *e, size_t i)
{
    int64_t pos[TERMS] = {0}, at[LABELS] = {0};
    double sum = 0;
    for (int32_t k = e->out.rank; k-- > 0;) {
        const int8_t l = e->out.label[k];
        for (uint32_t t = 0; t < c->node->n_in; t++)
            pos[t] += (int64_t)(i % (size_t)e->dim[l]) * e->step[t][l];
        i /= (size_t)e->dim[l];
    }
    for (uint64_t p = 0; p < e->per_out; p++) {
        double product = 1;
        for (uint32_t t = 0; t < c->node->n_in; t++)
            product *= (double)qns_cf32(&c->in[t])[pos[t]];
        sum += product;
        for (int32_t k = e->n_summed; k-- > 0;) {
            const int8_t l = e->summed[k];
            const int64_t move = ++at[l] < e->dim[l] ? 1 : 1 - e->dim[l];
            for (uint32_t t = 0; t < c->node->n_in; t++)
                pos[t] += move * e->step[t][l];
            if (move == 1)
                break;
            at[l] = 0;
        }
    }
    return (float)sum;
}

static void run(const qns_call *c)
{
    const size_t n = qns_tensor_count(&c->out[0]);
    float *y = qns_f32(&c->out[0]);
    sums e;
    if (lay(&e, c->node, c->in, NULL) != QNS_OK) /* infer() has been through the same */
        return;
#pragma omp parallel for schedule(static) if ((uint64_t)n * e.per_out > QNS_PAR_MIN)
    for (size_t i = 0; i < n; i++)
        y[i] = sum_at(c, &e, i);
}

static const qns_impl f32 = {.name = "einsum.f32", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"Einsum", 12, read}, {NULL, 0, NULL}};

const qns_op qns_op_einsum = {
    .name = "einsum",
    .min_in = 1,
    .max_in = TERMS,
    .n_out = 1,
    .attr_size = sizeof(einsum_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
