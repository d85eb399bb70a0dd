/* SPDX-License-Identifier: MIT */
/* Random convolutions for tests, and a convolution by the textbook: seven nested loops over the
 * model's own axis order, in exact integers or in double. */
#ifndef QNS_TEST_CONV_CASE_H
#define QNS_TEST_CONV_CASE_H

#include "core/ops/conv_impl.h"
#include "tests/unit/core/ops/op_run.h"

typedef struct conv_case {
    qns_conv_attr attr;
    qns_shape x, w;
} conv_case;

static inline int64_t conv_between(qns_rng *rng, int64_t lo, int64_t hi)
{
    return lo + (int64_t)qns_rng_below(rng, (uint64_t)(hi - lo + 1));
}

static inline conv_case conv_random(qns_rng *rng)
{
    conv_case c = {.attr = {.win = {.rank = conv_between(rng, 1, 3)}}};
    const int64_t kind = conv_between(rng, 0, 3), rank = c.attr.win.rank;
    /* plain, grouped, depthwise, depthwise with a multiplier */
    const int64_t groups = kind == 0   ? 1
                           : kind == 1 ? conv_between(rng, 2, 3)
                                       : conv_between(rng, 2, 40);
    const int64_t cg = kind < 2 ? conv_between(rng, 1, 21) : 1;
    const int64_t og = kind < 2 ? conv_between(rng, 1, 37) : kind == 2 ? 1 : 2;

    c.attr.groups = groups;
    c.x = op_shape((int32_t)rank + 2, conv_between(rng, 1, 3), groups * cg, 0, 0);
    c.w = op_shape((int32_t)rank + 2, groups * og, cg, 0, 0);
    for (int64_t i = 0; i < rank; i++) {
        const int64_t k = conv_between(rng, 1, 4), dil = conv_between(rng, 1, 2);

        c.attr.win.kernel[i] = c.w.dim[i + 2] = k;
        c.attr.win.stride[i] = conv_between(rng, 1, 3);
        c.attr.win.dilation[i] = dil;
        c.attr.win.pad_lo[i] = conv_between(rng, 0, 2);
        c.attr.win.pad_hi[i] = conv_between(rng, 0, 2);
        c.x.dim[i + 2] = (k - 1) * dil + 1 + conv_between(rng, 0, rank == 3 ? 3 : 9);
        if (qns_rng_below(rng, 4) == 0) {
            c.attr.win.kernel[i] = c.w.dim[i + 2] = 1;
            c.attr.win.pad_lo[i] = c.attr.win.pad_hi[i] = 0;
        }
    }
    return c;
}

/* Where an element of a row-major [N, C, z, y, x] lies; missing spatial axes lead with 0. */
static inline int64_t conv_at(const qns_shape *s, int64_t n, int64_t c, const int64_t *p)
{
    int64_t at = n * s->dim[1] + c;

    for (int32_t i = 2; i < s->rank; i++)
        at = at * s->dim[i] + p[3 - (s->rank - 2) + i - 2];
    return at;
}

/* Calls add(ctx, x index or -1 for padding, w index) for every product of output (n, o, q). */
typedef void conv_add(void *ctx, int64_t x_at, int64_t w_at);
static inline void conv_products(const conv_case *c, int64_t n, int64_t o, const int64_t q[3],
                                 conv_add *add, void *ctx)
{
    const int64_t cg = c->w.dim[1], first = o / (c->w.dim[0] / c->attr.groups) * cg;
    const int32_t lead = 3 - (int32_t)c->attr.win.rank;
    int64_t k[3], p[3], size[3] = {1, 1, 1};

    for (int32_t i = lead; i < 3; i++)
        size[i] = c->w.dim[2 + i - lead];
    for (int64_t ch = 0; ch < cg; ch++)
        for (k[0] = 0; k[0] < size[0]; k[0]++)
            for (k[1] = 0; k[1] < size[1]; k[1]++)
                for (k[2] = 0; k[2] < size[2]; k[2]++) {
                    bool in = true;

                    for (int32_t i = 0; i < 3; i++) {
                        const int32_t j = i - lead;
                        p[i] = j < 0 ? 0
                                     : q[i] * c->attr.win.stride[j] +
                                           k[i] * c->attr.win.dilation[j] - c->attr.win.pad_lo[j];
                        in &= j < 0 || (p[i] >= 0 && p[i] < c->x.dim[2 + j]);
                    }
                    add(ctx, in ? conv_at(&c->x, n, first + ch, p) : -1, conv_at(&c->w, o, ch, k));
                }
}

/* Walks over all outputs in row-major order. */
typedef struct conv_walk {
    int64_t n, o, q[3], at;
} conv_walk;
static inline bool conv_next(conv_walk *w, const qns_shape *y)
{
    int64_t rest = ++w->at;

    if (rest >= (int64_t)qns_shape_count(y))
        return false;
    for (int32_t i = 3; i-- > 0;) {
        const int32_t axis = i - 3 + y->rank;
        w->q[i] = axis < 2 ? 0 : rest % y->dim[axis];
        rest = axis < 2 ? rest : rest / y->dim[axis];
    }
    w->o = rest % y->dim[1];
    w->n = rest / y->dim[1];
    return true;
}
#define CONV_WALK ((conv_walk){.at = -1})

#endif
