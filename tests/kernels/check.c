/* SPDX-License-Identifier: MIT */
/* The harness: variants, fills, guarded memory, comparison. */
#include "check.h"

#include "kernels/cpu.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 192, GUARD_BYTE = 0xa5, IN_HEAD = 64, MAX_VARIANTS = 8 };

static const uint64_t base_seed = 0x5eed0f5eed5ULL;

typedef void (*any_fn)(void);

static any_fn member(const qk_table *t, size_t offset)
{
    any_fn f;
    memcpy(&f, (const char *)t + offset, sizeof f);
    return f;
}

static void run_variant(const char *family, const qk_table *ref, const qk_table *var, unsigned mask,
                        void (*run)(check *c))
{
    check c = {.family = family, .ref = *ref, .var = *var, .mask = mask, .seed = base_seed + mask};

    qns_rng_seed(&c.rng, c.seed);
    run(&c);
}

void check_family(const char *family, size_t offset, void (*run)(check *c))
{
    static const unsigned bits[] = {QK_CPU_AVX2, QK_CPU_VNNI, QK_CPU_VBMI,
                                    QK_CPU_AMX,  QK_CPU_NEON, QK_CPU_NEONDOT};
    any_fn seen[MAX_VARIANTS];
    size_t n_seen = 0;
    unsigned mask = 0;
    qk_table ref, var;

    qk_table_init(&ref, 0);
    seen[n_seen++] = member(&ref, offset);
    cr_assert(seen[0] != NULL, "%s: plain C is missing", family);
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        mask |= bits[i];
        qk_table_init(&var, mask);
        const any_fn f = member(&var, offset);
        bool known = false;
        for (size_t j = 0; j < n_seen; j++)
            known |= f == seen[j];
        if (known)
            continue;
        seen[n_seen++] = f;
        run_variant(family, &ref, &var, mask, run);
    }
    if (n_seen == 1)
        run_variant(family, &ref, &ref, 0, run);
}

void check_problem(check *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(c->problem, sizeof c->problem, format, args);
    va_end(args);
}

size_t check_pick(check *c, size_t lo, size_t hi)
{
    return lo + (size_t)qns_rng_below(&c->rng, hi - lo + 1);
}

const char *check_fill_name(check_fill fill)
{
    static const char *const names[FILL_COUNT] = {"uniform", "extremes", "alternating", "outlier",
                                                  "zero",    "ties",     "special"};
    return names[fill];
}

/* Data behind a head in which the address of the block is kept; off: from a multiple of 16. */
static void *in_at(size_t size, size_t off)
{
    uint8_t *block = malloc(IN_HEAD + off + size);

    cr_assert(block != NULL);
    uint8_t *p = block + IN_HEAD + off;
    memcpy(p - sizeof block, &block, sizeof block);
    return p;
}

void *check_in_bytes(check *c, size_t size)
{
    return in_at(size, 4);
}

void check_free(void *in)
{
    uint8_t *block;

    if (!in)
        return;
    memcpy(&block, (uint8_t *)in - sizeof block, sizeof block);
    free(block);
}

/* Code number i of n; lo..hi is the range. */
static int code(check *c, size_t i, size_t outlier, int lo, int hi)
{
    switch (c->fill) {
    case FILL_EXTREMES:
        return qns_rng_next(&c->rng) >> 63 ? hi : lo;
    case FILL_ALTERNATING:
        return i % 2 ? hi : lo;
    case FILL_OUTLIER:
        return i == outlier ? hi : (int)qns_rng_below(&c->rng, 3);
    case FILL_ZERO:
        return 0;
    default:
        return lo + (int)qns_rng_below(&c->rng, (uint64_t)(hi - lo + 1));
    }
}

uint8_t *check_in_u8(check *c, size_t n)
{
    uint8_t *p = in_at(n, 1 + n % 3);
    const size_t outlier = n ? check_pick(c, 0, n - 1) : 0;

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)code(c, i, outlier, 0, 255);
    return p;
}

int8_t *check_in_s8(check *c, size_t n)
{
    int8_t *p = in_at(n, 1 + n % 3);
    const size_t outlier = n ? check_pick(c, 0, n - 1) : 0;

    for (size_t i = 0; i < n; i++)
        p[i] = (int8_t)code(c, i, outlier, -128, 127);
    return p;
}

static float special(check *c)
{
    static const float values[] = {
        NAN,           INFINITY,       -INFINITY,      0.0f,           -0.0f,
        1e-45f,        -1e-40f,        3.4e38f,        -3.4e38f,       2147483520,
        2147483648.0f, -2147483648.0f, -2147483904.0f, 4194303.5f,     -4194304.5f,
        8388607.5f,    -8388609.0f,    16777216.0f,    32767.5f,       -32768.5f,
        65535.0f,      1e9f,           -1e9f,          1.17549435e-38f};
    const float v = values[check_pick(c, 0, sizeof values / sizeof *values - 1)];
    switch (check_pick(c, 0, 3)) {
    case 0:
        return nextafterf(v, INFINITY);
    case 1:
        return nextafterf(v, -INFINITY);
    case 2:
        return -v;
    default:
        return v;
    }
}

static float number(check *c, size_t i, size_t outlier)
{
    const float unit = (float)(8 * qns_rng_unit(&c->rng) - 4);

    switch (c->fill) {
    case FILL_EXTREMES:
        return unit < 0 ? -3e4f : 3e4f;
    case FILL_ALTERNATING:
        return i % 2 ? 7.3f : -7.3f;
    case FILL_OUTLIER:
        return i == outlier ? 5e5f : unit / 64;
    case FILL_ZERO:
        return unit < 0 ? -0.0f : 0.0f;
    case FILL_TIES: {
        const float tie = (float)check_pick(c, 0, 1023) - 511.5f;
        return unit < -2 ? nextafterf(tie, -INFINITY) : unit > 2 ? nextafterf(tie, INFINITY) : tie;
    }
    case FILL_SPECIAL:
        return unit < 1 ? special(c) : unit;
    default:
        return unit;
    }
}

float *check_in_f32(check *c, size_t n)
{
    float *p = check_in_bytes(c, n * sizeof *p);
    const size_t outlier = n ? check_pick(c, 0, n - 1) : 0;

    for (size_t i = 0; i < n; i++)
        p[i] = number(c, i, outlier);
    return p;
}

qk_requant check_requant(check *c, float *mult, int32_t *offset, const float *bias, size_t k,
                         size_t n)
{
    const float step = c->fill == FILL_TIES ? 0.125f : 1.0f / (16.0f * (float)k);
    qk_requant rq = {.scheme = check_pick(c, 0, 3) ? QK_RQ_FBGEMM : QK_RQ_QNNPACK,
                     .per_channel = check_pick(c, 0, 1),
                     .mult = mult,
                     .offset = offset,
                     .prescaled = check_pick(c, 0, 1),
                     .rcp = c->fill == FILL_TIES ? 4.0f : 37.77f,
                     .zero = (int32_t)check_pick(c, 0, 255),
                     .hi = 255};

    if (rq.scheme == QK_RQ_FBGEMM && check_pick(c, 0, 2))
        rq.bias = bias;
    if (check_pick(c, 0, 1))
        rq.lo = rq.zero;
    if (check_pick(c, 0, 2) == 0)
        rq.hi = rq.lo + (int32_t)check_pick(c, 0, (size_t)(255 - rq.lo));
    for (size_t j = 0; j < n; j++) {
        mult[j] = c->fill == FILL_TIES ? step : step * (0.1f + (float)qns_rng_unit(&c->rng));
        offset[j] = (int32_t)check_pick(c, 0, 2000) - 1000;
        if (c->fill == FILL_EXTREMES)
            offset[j] = check_pick(c, 0, 1) ? INT32_MAX : INT32_MIN;
        if (c->fill == FILL_SPECIAL)
            mult[j] = check_pick(c, 0, 1) ? 1e10f : 0x1p-120f;
    }
    return rq;
}

check_out check_out_new(check *c, size_t rows, size_t width, size_t stride, size_t align)
{
    check_out o = {.rows = rows, .width = width, .stride = stride};

    o.size = 2 * GUARD + align + rows * stride;
    for (int i = 0; i < 2; i++) {
        o.block[i] = malloc(o.size);
        cr_assert(o.block[i] != NULL);
        memset(o.block[i], GUARD_BYTE, o.size);
    }
    o.ref = o.block[0] + GUARD + align;
    o.var = o.block[1] + GUARD + align;
    return o;
}

static void fail(const check *c, const char *what, size_t row, size_t byte)
{
    cr_assert_fail("%s, mask %s, seed %#llx, fill %s, %s: %s at row %zu, byte %zu", c->family,
                   qk_cpu_text(c->mask), (unsigned long long)c->seed, check_fill_name(c->fill),
                   c->problem, what, row, byte);
}

/* Everything that no row owns still has the pattern. */
static void check_guards(const check *c, const check_out *o, const uint8_t *block,
                         const uint8_t *first, const char *who)
{
    char what[64];

    snprintf(what, sizeof what, "%s wrote outside of its rows", who);
    for (size_t i = 0; i < o->size; i++) {
        const uint8_t *p = block + i;
        const bool before = p < first;
        const size_t at = before ? 0 : (size_t)(p - first);
        const size_t row = at / o->stride, byte = at % o->stride;
        if (!before && row < o->rows && byte < o->width)
            continue;
        if (*p != GUARD_BYTE)
            fail(c, what, row, byte);
    }
}

static void compare_row(const check *c, const check_out *o, size_t row, size_t element)
{
    const uint8_t *ref = o->ref + row * o->stride, *var = o->var + row * o->stride;
    size_t i = 0;

    if (!memcmp(ref, var, o->width))
        return;
    while (ref[i] == var[i])
        i++;
    i -= i % element;
    char what[100];
    if (element == 4) {
        uint32_t r, v;
        memcpy(&r, ref + i, 4);
        memcpy(&v, var + i, 4);
        snprintf(what, sizeof what, "element %zu: %#x (%d) is not plain C's %#x (%d)", i / 4, v,
                 (int)v, r, (int)r);
    } else {
        snprintf(what, sizeof what, "element %zu: %d is not plain C's %d", i, var[i], ref[i]);
    }
    fail(c, what, row, i);
}

void check_out_done(check *c, check_out *o, size_t element, bool varied)
{
    bool constant = true;

    check_guards(c, o, o->block[0], o->ref, "plain C");
    check_guards(c, o, o->block[1], o->var, "the variant");
    for (size_t r = 0; r < o->rows; r++) {
        compare_row(c, o, r, element);
        for (size_t i = 0; i + element <= o->width; i += element)
            constant &= !memcmp(o->ref + r * o->stride + i, o->ref, element);
    }
    if (varied && constant)
        fail(c, "the reference is constant: a weak test", 0, 0);
    free(o->block[0]);
    free(o->block[1]);
}
