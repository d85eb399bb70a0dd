/* SPDX-License-Identifier: MIT */
/* Got against expected: all bits, or a stated tolerance. The first difference is printed. */
#include "golden_case.h"

#include "core/model/elem.h"

#include <inttypes.h>
#include <stdio.h>

static void element_text(char *out, size_t size, int elem, const void *p, size_t i)
{
    switch (elem) {
    case QNS_ELEM_BOOL:
    case QNS_ELEM_U8:
        snprintf(out, size, "%d", ((const uint8_t *)p)[i]);
        break;
    case QNS_ELEM_I8:
        snprintf(out, size, "%d", ((const int8_t *)p)[i]);
        break;
    case QNS_ELEM_U16:
        snprintf(out, size, "0x%04x", ((const uint16_t *)p)[i]);
        break;
    case QNS_ELEM_I32:
        snprintf(out, size, "%" PRId32, ((const int32_t *)p)[i]);
        break;
    case QNS_ELEM_I64:
        snprintf(out, size, "%" PRId64, ((const int64_t *)p)[i]);
        break;
    case QNS_ELEM_F32:
        snprintf(out, size, "%.9g (%a)", (double)((const float *)p)[i],
                 (double)((const float *)p)[i]);
        break;
    case QNS_ELEM_F64:
        snprintf(out, size, "%.17g", ((const double *)p)[i]);
        break;
    default:
        snprintf(out, size, "?");
    }
}

static bool both_nan(int elem, const void *a, const void *b, size_t i)
{
    if (elem == QNS_ELEM_F32)
        return isnan(((const float *)a)[i]) && isnan(((const float *)b)[i]);
    return elem == QNS_ELEM_F64 && isnan(((const double *)a)[i]) && isnan(((const double *)b)[i]);
}

static void compare(gd *c, const gd_array *want, const void *got, const char *who)
{
    const size_t size = qns_elem_size((qns_elem)want->elem);
    const char *a = got, *b = want->data;
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < want->n; i++)
        if (memcmp(a + i * size, b + i * size, size) != 0 && !both_nan(want->elem, a, b, i) &&
            bad++ == 0)
            first = i;
    c->checks++;
    if (!bad)
        return;
    char is[64], should[64];
    element_text(is, sizeof is, want->elem, got, first);
    element_text(should, sizeof should, want->elem, want->data, first);
    gd_fail(c, "%s%s%s: %zu of %zu differ, first at index %zu: expected %s, got %s", want->field,
            who ? " by " : "", who ? who : "", bad, want->n, first, should, is);
}

/* [2, 3] and [2, 3, 1, 1] hold the same elements in the same order. */
static bool same_elements(const qns_shape *a, const qns_shape *b)
{
    int32_t i = 0, k = 0;
    for (;;) {
        while (i < a->rank && a->dim[i] == 1)
            i++;
        while (k < b->rank && b->dim[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->dim[i++] != b->dim[k++])
            return false;
    }
}

static void same(gd *c, const char *field, const void *got, int elem, const qns_shape *shape,
                 const char *who)
{
    const gd_array want = gd_get(c, field);
    if (!same_elements(shape, &want.shape)) {
        gd_fail(c, "%s%s%s: shape %s instead of %s", field, who ? " by " : "", who ? who : "",
                qns_shape_str(shape).s, qns_shape_str(&want.shape).s);
        return;
    }
    if (want.elem != elem) {
        gd_fail(c, "%s: %s instead of %s", field, qns_elem_name((qns_elem)elem),
                qns_elem_name((qns_elem)want.elem));
        return;
    }
    compare(c, &want, got, who);
}

void gd_same(gd *c, const char *field, const void *got, int elem, const qns_shape *shape)
{
    same(c, field, got, elem, shape, NULL);
}

void gd_same_tensor(gd *c, const char *field, const qns_tensor *got, const char *who)
{
    same(c, field, got->data, (int)qns_elem_of(got->dtype), &got->shape, who);
}

void gd_same_floats(gd *c, const char *field, const float *got, size_t n)
{
    const qns_shape s = {1, {(int64_t)n}};
    gd_array want = gd_get(c, field);
    want.data = (void *)(uintptr_t)gd_floats(c, field, NULL);
    want.elem = QNS_ELEM_F32;
    if (want.n != n)
        gd_fail(c, "%s: %s elements instead of %zu", field, qns_shape_str(&s).s, want.n);
    else
        compare(c, &want, got, NULL);
}

static bool near(double got, double want, double absolute, double relative)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(got - want) <= absolute + relative * fabs(want);
}

void gd_close(gd *c, const char *field, const float *got, size_t n, double absolute,
              double relative)
{
    size_t have, bad = 0, first = 0;
    const float *want = gd_floats(c, field, &have);
    c->checks++;
    if (have != n) {
        gd_fail(c, "%s: %zu elements instead of %zu", field, n, have);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!near((double)got[i], (double)want[i], absolute, relative) && bad++ == 0)
            first = i;
    if (bad)
        gd_fail(c,
                "%s: %zu of %zu differ by more than %g + %g * |expected|, first at index %zu: "
                "expected %.9g, got %.9g",
                field, bad, n, absolute, relative, first, (double)want[first], (double)got[first]);
}

void gd_close_number(gd *c, const char *what, double got, double want, double absolute,
                     double relative)
{
    c->checks++;
    if (!near(got, want, absolute, relative))
        gd_fail(c, "%s: expected %.17g within %g + %g of it, got %.17g", what, want, absolute,
                relative, got);
}

void gd_same_number(gd *c, const char *what, double got, double want)
{
    c->checks++;
    if (got != want && !(isnan(got) && isnan(want)))
        gd_fail(c, "%s: expected %.17g, got %.17g", what, want, got);
}
