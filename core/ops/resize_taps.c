/* SPDX-License-Identifier: MIT */
#include "core/ops/resize_taps.h"

#include <math.h>

/* A position in the region of interest, whose ends are parts of the input. */
static float crop(const qns_resize_attr *a, int32_t i, int64_t x, int64_t in, float length)
{
    const float edge = (float)(in - 1), from = a->roi_from[i], to = a->roi_to[i];
    if (length > 1.0f)
        return from * edge + (float)x * (to - from) * edge / (length - 1.0f);
    return 0.5f * (from + to) * edge;
}

/* Position in the input, in f32 as PyTorch computes it when sizes are given. */
static float source(const qns_resize_attr *a, int32_t i, int64_t x, int64_t in, int64_t out)
{
    const float ratio = (float)in / (float)out, scale = (float)a->scale[i];
    const bool by_size = a->by_size != 0;
    const float length = by_size ? (float)out : scale * (float)in;
    const float half = by_size ? ratio * ((float)x + 0.5f) : ((float)x + 0.5f) / scale;

    switch ((qns_resize_coord)a->coord) {
    case QNS_COORD_ALIGN_CORNERS:
        return length == 1.0f || out == 1 ? 0.0f : (float)x * ((float)(in - 1) / (length - 1.0f));
    case QNS_COORD_ASYMMETRIC:
        return by_size ? (float)x * ratio : (float)x / scale;
    case QNS_COORD_TF_HALF_PIXEL_FOR_NN:
        return half;
    case QNS_COORD_PYTORCH_HALF_PIXEL:
        return out == 1 ? 0.0f : half - 0.5f;
    case QNS_COORD_HALF_PIXEL_SYMMETRIC:
        return (float)in / 2.0f * (1.0f - (float)out / length) + half - 0.5f;
    case QNS_COORD_TF_CROP_AND_RESIZE:
        return crop(a, i, x, in, (float)out);
    case QNS_COORD_HALF_PIXEL:
        break;
    }
    return half - 0.5f;
}

static int64_t rounded(float x, int64_t how)
{
    const float down = floorf(x), rest = x - down;

    if (how == QNS_ROUND_FLOOR)
        return (int64_t)down;
    if (how == QNS_ROUND_CEIL)
        return (int64_t)ceilf(x);
    return (int64_t)down + (rest > 0.5f || (rest == 0.5f && how == QNS_ROUND_PREFER_CEIL));
}

static int64_t within(int64_t at, int64_t in)
{
    return at < 0 ? 0 : at >= in ? in - 1 : at;
}

/* Keys' cubic convolution (1981), a distance of d >= 0 away. */
static float cubic(float d, float a)
{
    if (d <= 1.0f)
        return ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f;
    return d < 2.0f ? ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a : 0.0f;
}

/* Neighbours outside are the edge, or count nothing; the others' weights then sum up to 1 again. */
static void set_cubic(qns_resize_tap *t, const qns_resize_attr *a, float from, int64_t in)
{
    const float down = floorf(from), rest = from - down;
    float sum = 0.0f;
    for (int k = 0; k < 4; k++) {
        const int64_t at = (int64_t)down + k - 1;
        t->at[k] = within(at, in);
        t->weight[k] = cubic(fabsf(rest - (float)(k - 1)), a->cubic_a);
        if (a->exclude_outside && t->at[k] != at)
            t->weight[k] = 0.0f;
        sum += t->weight[k];
    }
    for (int k = 0; a->exclude_outside && k < 4; k++)
        t->weight[k] /= sum;
}

static void set_linear(qns_resize_tap *t, float from, int64_t in)
{
    const float edge = (float)(in - 1);
    const float p = from > 0.0f ? (from < edge ? from : edge) : 0.0f;
    t->at[0] = (int64_t)p;
    t->at[1] = t->at[0] + (t->at[0] < in - 1);
    t->weight[1] = p - (float)t->at[0];
    t->weight[0] = 1.0f - t->weight[1];
}

qns_resize_tap qns_resize_tap_of(const qns_resize_attr *a, int32_t i, int64_t x, int64_t in,
                                 int64_t out)
{
    /* Far beyond every axis, but a number that int64 holds. */
    const float limit = 0x1p40f;
    const float s = source(a, i, x, in, out);
    const float from = s > -limit ? (s < limit ? s : limit) : -limit;
    qns_resize_tap t = QNS_RESIZE_NO_TAP;

    t.outside =
        a->coord == QNS_COORD_TF_CROP_AND_RESIZE && !(from >= 0.0f && from <= (float)(in - 1));
    if (a->mode == QNS_RESIZE_CUBIC)
        set_cubic(&t, a, from, in);
    else if (a->mode == QNS_RESIZE_LINEAR)
        set_linear(&t, from, in);
    else
        t.at[0] = within(rounded(from, a->round), in);
    return t;
}
