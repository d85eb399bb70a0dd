/* SPDX-License-Identifier: MIT */
/* A comparison while it is being made; for compare.c, identity.c, pair.c, coverage.c, edges.c,
 * measure.c, detail.c and advice.c. */
#ifndef QNS_CMP_H
#define QNS_CMP_H

#include "ns/compare.h"
#include "ns/compare/hist.h"
#include "ns/h5_read.h"

#define QNS_CMP_NONE UINT32_MAX

/* What a live run (shadow.c) measured instead of reading it from files. */
typedef struct qns_cmp_live {
    qns_sums *const *channels; /* by layer: activation sums by channel; NULL: not made */
    qns_sums *const
        *local; /* by layer: of the local error in the first bad samples, by channel; NULL */
    const size_t *n_local;          /* by layer: channels of that */
    size_t same, ref_hit, test_hit; /* samples whose arg-max agrees; that hit their label */
    bool has_labels;
} qns_cmp_live;

typedef struct qns_cmp_row { /* a sample both sides have: its row in each file */
    int64_t ref, test, id;
} qns_cmp_row;

typedef struct qns_cmp_layer { /* data numbers; QNS_CMP_NONE: absent */
    uint32_t ref, test;        /* activations, or graph inputs */
    uint32_t ref_weight, test_weight;
    const char *by;
    bool conversion; /* a graph input, quantized: measured, but no operator */
} qns_cmp_layer;

typedef struct qns_cmp_channel { /* of a weight */
    double ref_min, ref_max;     /* NaN: no finite pair */
    double sqnr_db;
} qns_cmp_channel;

typedef struct qns_cmp {
    qns_capture *ref, *test;
    const qns_compare_opts *o;
    qns_result *r;
    qns_arena *a; /* of r */
    qk_table k;
    bool partial_ids; /* not all samples are in both */
    qns_cmp_row *row;
    size_t n_rows;
    struct {
        qns_cmp_layer *at;
        size_t n, cap;
    } layer; /* in the order of r->layer */
    struct {
        qns_finding *at;
        size_t n, cap;
    } finding;
    struct {
        qns_unmatched *at;
        size_t n, cap;
    } unmatched;
    double *weight_stretch;  /* by layer: widest channel over the median one; NaN unknown, or one
                                scale each */
    uint32_t *weight_widest; /* by layer: that channel */
    qns_cmp_channel **weight_channel; /* by layer; NULL: its weight was not measured */
    uint32_t *worst_input;    /* by layer: the layer among its inputs with the lowest SQNR */
    const qns_cmp_live *live; /* NULL: activations are read from the captures */
    bool failed;              /* a finding or text ran out of memory */
} qns_cmp;

/* Formats into the arena; "" when out of memory (c->failed). */
const char *qns_cmp_text(qns_cmp *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* severity 0 note, 1 warning, 2 error; text and advice are kept as they are. */
void qns_cmp_find(qns_cmp *c, const char *code, int severity, const char *subject, const char *text,
                  const char *advice);

/* compare.c, in this order. open() opens both captures; begin() takes open ones and makes the
 * result with its two sides; layers() describes c->layer; measure() is the first pass over all that
 * can be read; finish() ranks, looks closer and advises. */
qns_status qns_cmp_open(qns_cmp *c, const char *ref, const char *test, qns_err *err);
qns_status qns_cmp_begin(qns_cmp *c, const char *kind, qns_err *err);
qns_status qns_cmp_layers(qns_cmp *c, qns_err *err);
qns_status qns_cmp_measure(qns_cmp *c, qns_err *err);
qns_status qns_cmp_finish(qns_cmp *c, qns_err *err);
/* What was found, most severe first; lists in the arena. */
qns_status qns_cmp_findings(const qns_finding **list, uint32_t *n_list, qns_cmp *c, qns_err *err);
void qns_cmp_fini(qns_cmp *c); /* all but the result; closes the captures */

/* Both sides come from the same float weights; MISMATCH, or with force a finding. */
qns_status qns_cmp_weights(qns_cmp *c, qns_err *err);
/* identity.c: may they be compared? Fills c->row. */
qns_status qns_cmp_identity(qns_cmp *c, qns_err *err);
/* pair.c: fills c->layer, in execution order. */
qns_status qns_cmp_pair(qns_cmp *c, qns_err *err);
/* edges.c: which layers each layer reads. After qns_cmp_layers(). */
qns_status qns_cmp_edges(qns_cmp *c, qns_err *err);
/* Keeps the layers that were asked for. After qns_cmp_coverage(), which is about all pairs. */
qns_status qns_cmp_filter(qns_cmp *c, qns_err *err);
/* coverage.c: every operator in one class. */
qns_status qns_cmp_coverage(qns_cmp *c, qns_err *err);
/* detail.c: histograms and channels of the n worst layers; output metrics. */
qns_status qns_cmp_detail(qns_cmp *c, uint32_t n, qns_err *err);
qns_status qns_cmp_output(qns_cmp *c, qns_err *err);
uint32_t qns_cmp_output_layer(const qns_cmp *c);        /* QNS_CMP_NONE: no output was paired */
int32_t qns_cmp_activation_axis(const qns_cap_data *t); /* channel axis; -1: none */
/* advice.c: verdicts, advice, findings. */
void qns_cmp_advise(qns_cmp *c);
/* diagnose.c: known faults by their traces. Adds findings; the advice of the first, or NULL. */
const char *qns_cmp_diagnose(qns_cmp *c, uint32_t k);
/* diagnose_weight.c: what was done to a weight that is not the rounded float one. */
typedef enum qns_weight_fault {
    QNS_WEIGHT_OTHER, /* nothing known */
    QNS_WEIGHT_SIGN,
    QNS_WEIGHT_ROWS,   /* output channels in another order */
    QNS_WEIGHT_INPUTS, /* input channels in another order */
    QNS_WEIGHT_TRANSPOSED,
    QNS_WEIGHT_SCALES /* right up to a factor for each channel */
} qns_weight_fault;
/* *first: a channel that is wrong, *now: the float channel it holds, or the number of wrong ones
 * for SCALES. OTHER also where it would take too long to find out. */
qns_weight_fault qns_cmp_weight_fault(size_t *first, size_t *now, qns_cmp *c, uint32_t k);

const qns_cap_data *qns_cmp_data(const qns_capture *cap, uint32_t i); /* NULL for NONE */
/* Channel axis of a weight: that of its scales, else the first; -1 when it has one axis only. */
int32_t qns_cmp_weight_axis(const qns_cap_data *t);
/* Quantization of a dataset as grids: 1 or n_scale of them; NULL when it is float. */
qns_status qns_cmp_grids(qns_grid **out, qns_cmp *c, const qns_cap_data *d, qns_err *err);

/* ---- measure.c ---- */

typedef struct qns_geom { /* row-major outer x channels x inner */
    size_t outer, channels, inner;
} qns_geom;
qns_geom qns_geom_of(const qns_shape *s, int32_t axis); /* axis -1: one channel */

typedef struct qns_measure {
    const qk_table *k;
    qns_capture *ref, *test;
    uint32_t ref_data, test_data;
    const qns_cmp_row *row; /* NULL: whole tensors (weights) */
    size_t n_rows;
    qns_geom geom;
    const qns_grid *grid; /* NULL: float; one, or one for each channel */
    size_t n_grid;
    qns_sums *channel; /* out: geom.channels sums over all rows, initialized here */
    double *db;        /* out: SQNR of each row; NULL: not wanted */
    size_t every;      /* of each every-th row only, db[row / every]; 0: 1 */
    qns_bins *bins;    /* in and out; NULL: not wanted */
    void *room;        /* QNS_MEASURE_ROOM bytes that one measure after the other uses, or NULL */
} qns_measure;

/* Both sides of a block: few enough to stay in the second-level cache. */
enum { QNS_MEASURE_BLOCK = 32 * QNS_SUMS_BLOCK, QNS_MEASURE_ROOM = QNS_MEASURE_BLOCK * 8 };

/* Reads both sides once, in blocks of bounded size. Thread-safe for different measures. */
qns_status qns_measure_run(qns_measure *m, qns_err *err);
/* Two test sides of the same rows of the same reference, which is read once. The bits are those of
 * two qns_measure_run(). */
qns_status qns_measure_both(qns_measure *m, qns_measure *also, qns_err *err);

#endif
