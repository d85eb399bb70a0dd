/* SPDX-License-Identifier: MIT */
/* One case of a golden file: its numbers, its arrays, and the verdict.
 *
 * A case is a function that reads what the generator gave, runs the library, and compares. Whatever
 * is wrong with the file or the library ends the case through gd_stop(), which jumps out; memory of
 * the case is its arena's, and what an arena cannot free is registered with gd_defer(). So no case
 * can take the others with it, and the functions need no error paths. */
#ifndef QNS_GOLDEN_CASE_H
#define QNS_GOLDEN_CASE_H

#include "core/graph/qparams.h"
#include "core/model/npz.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>

enum { GD_MAX_DEFER = 64 };

typedef struct gd {
    const char *file; /* "conv" */
    size_t index;
    const char *kind;
    const json_t *json;
    qns_npz *npz;
    qns_arena *arena;
    unsigned failures, checks;
    char skipped[160]; /* why a part was left out; empty when nothing was */
    jmp_buf stop;
    struct {
        void (*free)(void *p);
        void *p;
    } defer[GD_MAX_DEFER];
    size_t n_defer;
} gd;

typedef struct gd_kind {
    const char *file, *kind; /* kind NULL: all of the file; file may end in '*' */
    void (*run)(gd *c);
} gd_kind;

/* Tables of all areas; each ends with file NULL. */
extern const gd_kind gd_quantize_kinds[], gd_choose_kinds[], gd_observer_kinds[], gd_gemm_kinds[],
    gd_elementwise_kinds[], gd_pool_kinds[], gd_norm_kinds[], gd_fusion_kinds[], gd_metric_kinds[],
    gd_e2e_kinds[], gd_boundary_kinds[], gd_dynamic_kinds[], gd_train_kinds[], gd_embedding_kinds[];

/* ---- verdicts ---- */

/* The case fails and ends. */
_Noreturn void gd_stop(gd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The case fails and goes on. */
void gd_fail(gd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A part of the case is not run; reason says why. */
void gd_skip(gd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Stops with the text of the error unless st is QNS_OK. */
void gd_ok(gd *c, qns_status st, const qns_err *err, const char *what);
void gd_defer(gd *c, void (*free)(void *p), void *p);

/* ---- reading ---- */

/* Booleans may be true/false or 0/1. The ones without a default stop the case when absent. */
double gd_num(gd *c, const char *key);
double gd_num_or(gd *c, const char *key, double def); /* also for null */
int64_t gd_int(gd *c, const char *key);
int64_t gd_int_or(gd *c, const char *key, int64_t def);
const char *gd_text(gd *c, const char *key); /* NULL when absent or null */
/* Element i of a list. */
double gd_num_at(gd *c, const char *key, size_t i);
/* A list of n integers, or one integer that counts for all. Absent: def for all. */
void gd_ints(int64_t *out, gd *c, const char *key, size_t n, int64_t def);

typedef struct gd_array {
    const char *field;
    int elem; /* qns_elem */
    qns_shape shape;
    size_t n;
    void *data; /* the arena's; aligned */
} gd_array;

bool gd_has(gd *c, const char *field);
gd_array gd_get(gd *c, const char *field);
/* "x" and 3 is "x3". */
const char *gd_field(gd *c, const char *prefix, size_t i);
const char *gd_name(gd *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The array as float, converted when it is stored as double; integers stop the case. */
const float *gd_floats(gd *c, const char *field, size_t *n);
/* Any number type, as double. n 0: any count. */
const double *gd_doubles(gd *c, const char *field, size_t n);
/* A tensor of one of the library's types: bool, int8 ... float32. */
qns_tensor gd_tensor(gd *c, const char *field);
void *gd_mem(gd *c, size_t n, size_t size);

/* ---- comparing ---- */

/* All bits. NaN equals NaN. want is the field. */
void gd_same(gd *c, const char *field, const void *got, int elem, const qns_shape *shape);
void gd_same_tensor(gd *c, const char *field, const qns_tensor *got, const char *who);
void gd_same_floats(gd *c, const char *field, const float *got, size_t n);
/* |got - want| <= absolute + relative * |want|. Infinities and NaN must be the same. */
void gd_close(gd *c, const char *field, const float *got, size_t n, double absolute,
              double relative);
void gd_close_number(gd *c, const char *what, double got, double want, double absolute,
                     double relative);
void gd_same_number(gd *c, const char *what, double got, double want);

/* ---- quantization parameters ---- */

const qns_qparams *gd_qp(gd *c, qns_dtype type, double scale, int64_t zero);
const qns_qparams *gd_qp_keys(gd *c, qns_dtype type, const char *scale, const char *zero);
/* From arrays of scales and, unless NULL or absent, zero points. */
const qns_qparams *gd_qp_arrays(gd *c, qns_dtype type, int32_t axis, const char *scales,
                                const char *zeros);
qns_tensor gd_codes(gd *c, const char *field, const qns_qparams *qp);

#endif
