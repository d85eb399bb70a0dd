/* SPDX-License-Identifier: MIT */
/* The harness of the kernel checks. A check function calls a kernel of the scalar table and the
 * same kernel of another table on the same problem and compares all bytes. check_family() raises
 * the CPU mask step by step and calls the check for every function pointer not seen before, so that
 * a new variant in kernels/table.c is tested without an edit here. */
#ifndef CHECK_H
#define CHECK_H

#include "core/base/rng.h"
#include "kernels/kernels.h"

#include <stdbool.h>

typedef enum check_fill {
    FILL_UNIFORM,     /* all codes; floats in [-4, 4) */
    FILL_EXTREMES,    /* only the smallest and the largest */
    FILL_ALTERNATING, /* smallest, largest, smallest, ... */
    FILL_OUTLIER,     /* one large among small ones */
    FILL_ZERO,
    FILL_TIES,    /* floats only: halves of integers, and their neighbours */
    FILL_SPECIAL, /* floats only: NaN, infinities, zeros, denormals, powers of 2 and their
                     neighbours */
    FILL_COUNT
} check_fill;

/* A check in progress. The seed and the problem are what a failure prints. */
typedef struct check {
    const char *family;
    qk_table ref, var; /* plain C, and the variant */
    unsigned mask;     /* the variant's */
    uint64_t seed;
    qns_rng rng;
    check_fill fill;
    char problem[200];
} check;

/* Calls run() once per variant; once with var = ref where there is none, for the guards. offset: of
 * the member in qk_table. */
void check_family(const char *family, size_t offset, void (*run)(check *c));
/* What is being computed, for the message. */
void check_problem(check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Uniform in lo..hi. */
size_t check_pick(check *c, size_t lo, size_t hi);
const char *check_fill_name(check_fill fill);

/* Inputs. The memory ends with the last byte, so that a sanitizer sees every read behind it, and
 * starts at 1 to 3 bytes off (codes), or 4 bytes off (the rest). Filled by c->fill. Free with
 * check_free(). */
uint8_t *check_in_u8(check *c, size_t n);
int8_t *check_in_s8(check *c, size_t n);
float *check_in_f32(check *c, size_t n);
void *check_in_bytes(check *c, size_t size); /* not filled */
void check_free(void *in);

/* Parameters for sums of k products and n channels: mult and offset are filled, bias is taken. The
 * multipliers leave codes in range for most sums; ties: an eighth, so that halves are common;
 * special: every kind of number that is not. */
qk_requant check_requant(check *c, float *mult, int32_t *offset, const float *bias, size_t k,
                         size_t n);

/* Outputs: rows of `width` bytes, `stride` bytes apart, between guards. One block for each table.
 */
typedef struct check_out {
    size_t rows, width, stride, size;
    uint8_t *block[2];
    uint8_t *ref, *var; /* the first row */
} check_out;

/* align: of the element, in bytes; the first row is aligned to it and to nothing more. */
check_out check_out_new(check *c, size_t rows, size_t width, size_t stride, size_t align);
/* Bytes outside of the rows are untouched and the rows are equal; varied: the reference is not
 * constant, looked at as elements of `element` bytes. Frees both blocks. */
void check_out_done(check *c, check_out *o, size_t element, bool varied);

#endif
