/* SPDX-License-Identifier: MIT */
/* Samples an image [N, C, H, W] where a grid [N, h, w, 2] of x, y in -1..1 says. Float only. What
 * lies outside is zero, the edge, or the image mirrored. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NEAREST, LINEAR, CUBIC, N_MODES };
enum { ZEROS, BORDER, REFLECTION, N_PADS };
static const char *const modes[] = {"nearest", "bilinear", "bicubic"};
static const char *const modes_20[] = {"nearest", "linear", "cubic"};
static const char *const pads[] = {"zeros", "border", "reflection"};

typedef struct grid_attr {
    int64_t mode, pad, corners;
} grid_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *g = &in[1].shape;
    if (in[0].dtype != QNS_F32 || in[1].dtype != QNS_F32 || x->rank != 4 || g->rank != 4 ||
        g->dim[0] != x->dim[0] || g->dim[3] != 2)
        QNS_FAIL(err, UNSUPPORTED,
                 "image %s %s and grid %s %s; must be float32 [N, C, H, W] and "
                 "[N, h, w, 2]",
                 qns_dtype_name(in[0].dtype), qns_shape_str(x).s, qns_dtype_name(in[1].dtype),
                 qns_shape_str(g).s);
    if (x->dim[2] < 1 || x->dim[3] < 1 || x->dim[2] > INT32_MAX || x->dim[3] > INT32_MAX)
        QNS_FAIL(err, SHAPE, "the image %s has no pixels, or too many", qns_shape_str(x).s);
    out[0].dtype = QNS_F32;
    out[0].shape = (qns_shape){4, {x->dim[0], x->dim[1], g->dim[1], g->dim[2]}};
    return QNS_OK;
}

static qns_status choose(int64_t *out, const char *text, const char *const *all, int64_t n,
                         const char *name, qns_err *err)
{
    for (*out = 0; *out < n; (*out)++)
        if (strcmp(text, all[*out]) == 0)
            return QNS_OK;
    QNS_FAIL(err, UNSUPPORTED, "attribute '%s' is '%.40s'", name, text);
}

static qns_status read_modes(grid_attr *a, qns_onnx_node *n, const char *const *names, qns_err *err)
{
    const char *mode, *pad;
    QNS_TRY(qns_attrs_text(&mode, n->attrs, "mode", names[LINEAR], err));
    QNS_TRY(qns_attrs_text(&pad, n->attrs, "padding_mode", "zeros", err));
    QNS_TRY(qns_attrs_int(&a->corners, n->attrs, "align_corners", 0, err));
    a->corners = a->corners != 0;
    QNS_TRY(choose(&a->mode, mode, names, N_MODES, "mode", err));
    return choose(&a->pad, pad, pads, N_PADS, "padding_mode", err);
}

static qns_status read_16(void *attr, qns_onnx_node *n, qns_err *err)
{
    return read_modes(attr, n, modes, err);
}

static qns_status read_20(void *attr, qns_onnx_node *n, qns_err *err)
{
    return read_modes(attr, n, modes_20, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const grid_attr *a = n->attr;
    const bool now = w->opset >= 20;
    w->type = "GridSample";
    w->since = now ? 20 : 16;
    QNS_TRY(qns_attrs_add_text(&w->attrs, "mode", (now ? modes_20 : modes)[a->mode], err));
    QNS_TRY(qns_attrs_add_text(&w->attrs, "padding_mode", pads[a->pad], err));
    return qns_attrs_add_int(&w->attrs, "align_corners", a->corners, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const grid_attr *a = n->attr;
    snprintf(out, size, "%s, %s%s", modes[a->mode], pads[a->pad],
             a->corners ? ", align corners" : "");
}

/* Mirrors v at lo and hi until it lies between them. */
static double mirror(double v, double lo, double hi)
{
    const double span = hi - lo;
    if (span <= 0)
        return lo;
    const double d = fabs(v - lo), turns = floor(d / span), rest = d - turns * span;
    return fmod(turns, 2) == 0 ? lo + rest : hi - rest;
}

static double within(double v, double hi)
{
    return v > 0 ? (v < hi ? v : hi) : 0; /* NaN gives 0 */
}

/* A position on an axis of `size` pixels, brought inside as the padding says. */
static double padded(double v, int64_t size, const grid_attr *a)
{
    const double edge = (double)(size - 1);
    if (a->pad == ZEROS)
        return v;
    if (a->pad == REFLECTION)
        v = a->corners ? mirror(v, 0, edge) : mirror(v, -0.5, edge + 0.5);
    return within(v, edge);
}

static double position(float g, int64_t size, const grid_attr *a)
{
    const double v = (double)g + 1, far = 0x1p40;
    const double p = a->corners ? v / 2 * (double)(size - 1) : (v * (double)size - 1) / 2;
    return p > -far ? (p < far ? p : far) : -far; /* int64 holds it; NaN, too */
}

typedef struct image {
    const float *p;
    int64_t h, w;
} image;

static double pixel(const image *m, double y, double x)
{
    if (!(y >= 0 && y < (double)m->h && x >= 0 && x < (double)m->w))
        return 0;
    return (double)m->p[(int64_t)y * m->w + (int64_t)x];
}

/* Keys' cubic convolution with a = -0.75. */
static double weight(double d, bool cubic)
{
    d = fabs(d);
    if (!cubic)
        return d < 1 ? 1 - d : 0;
    if (d <= 1)
        return (1.25 * d - 2.25) * d * d + 1;
    return d < 2 ? ((-0.75 * d + 3.75) * d - 6) * d + 3 : 0;
}

static float sample(const image *m, float gx, float gy, const grid_attr *a)
{
    const bool cubic = a->mode == CUBIC;
    double y = position(gy, m->h, a), x = position(gx, m->w, a), sum = 0;
    if (!cubic) {
        y = padded(y, m->h, a);
        x = padded(x, m->w, a);
    }
    if (a->mode == NEAREST)
        return (float)pixel(m, nearbyint(y), nearbyint(x));
    const int from = cubic ? -1 : 0, to = cubic ? 2 : 1;
    for (int j = from; j <= to; j++)
        for (int i = from; i <= to; i++) {
            const double py = floor(y) + j, px = floor(x) + i;
            const double v =
                cubic ? pixel(m, padded(py, m->h, a), padded(px, m->w, a)) : pixel(m, py, px);
            sum += v * weight(y - py, cubic) * weight(x - px, cubic);
        }
    return (float)sum;
}

static void run(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape, *s = &c->out[0].shape;
    const size_t spots = (size_t)(s->dim[2] * s->dim[3]), n = qns_tensor_count(&c->out[0]);
    const float *in = qns_cf32(&c->in[0]), *grid = qns_cf32(&c->in[1]);
    float *out = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (n > QNS_PAR_MIN / 16)
    for (size_t i = 0; i < n; i++) {
        const size_t plane = i / spots;
        const image m = {in + plane * (size_t)(x->dim[2] * x->dim[3]), x->dim[2], x->dim[3]};
        const float *g = grid + (plane / (size_t)x->dim[1] * spots + i % spots) * 2;
        out[i] = sample(&m, g[0], g[1], c->node->attr);
    }
}

static const qns_impl f32 = {.name = "grid_sample.f32", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {
    {"GridSample", 16, read_16}, {"GridSample", 20, read_20}, {NULL, 0, NULL}};

const qns_op qns_op_grid_sample = {
    .name = "grid_sample",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(grid_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
