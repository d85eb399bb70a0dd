/* SPDX-License-Identifier: MIT */
#include "ns/accuracy.h"

#include <math.h>

enum { MAX_CLASSES = 65536 };

bool qns_is_class_scores(const qns_shape *s)
{
    int32_t axes = 0;
    for (int32_t i = 0; i < s->rank; i++)
        axes += s->dim[i] > 1;
    return axes == 1 && qns_shape_count(s) <= MAX_CLASSES;
}

size_t qns_argmax(const float *score, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (score[i] > score[best])
            best = i;
    return best;
}

void qns_accuracy_add(qns_accuracy *a, const float *score, size_t n, int64_t label)
{
    const size_t best = qns_argmax(score, n);
    size_t same = 0, above = 0;
    for (size_t i = 0; i < n; i++)
        same += score[i] == score[best];
    a->n++;
    a->ties += same > 1;
    if (label < 0 || (uint64_t)label >= n)
        return;
    const size_t y = (size_t)label;
    /* The rank of the right class, where an equal score counts only before it. */
    for (size_t i = 0; i < n; i++)
        above += score[i] > score[y] || (score[i] == score[y] && i < y);
    a->top1 += best == y;
    a->top5 += above < 5 && !isnan(score[y]);
}

void qns_wilson(double *lo, double *hi, int64_t hits, int64_t n)
{
    const double z = 1.959963984540054; /* 97.5 % point of the normal distribution */
    if (n == 0) {
        *lo = 0;
        *hi = 1;
        return;
    }
    const double p = (double)hits / (double)n, zn = z * z / (double)n;
    const double mid = p + zn / 2, half = z * sqrt(p * (1 - p) / (double)n + zn / (double)n / 4);
    *lo = (mid - half) / (1 + zn);
    *hi = (mid + half) / (1 + zn);
    *lo = *lo < 0 ? 0 : *lo;
    *hi = *hi > 1 ? 1 : *hi;
}
