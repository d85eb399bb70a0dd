/* SPDX-License-Identifier: MIT */
/* What the benchmarks share. cmd_bench.c holds their table; bench_X.c is one of them. Timing is
 * told, never judged by a test: what a benchmark prints depends on the machine and its load. */
#ifndef QNS_BENCH_H
#define QNS_BENCH_H

#include "kernels/peak/peak.h"
#include "tools/cmd.h"
#include "tools/session.h"

#include <jansson.h>

enum { QNS_BENCH_MAX_THREADS = 8 };

typedef struct qns_bench_opts {
    qns_common common; /* threads, out and verbose are not used */
    int threads[QNS_BENCH_MAX_THREADS];
    size_t n_threads; /* never 0 after parsing */
    int runs;         /* 0: the benchmark's own choice */
} qns_bench_opts;

extern const struct argp qns_bench_argp; /* a child parser; its input is a qns_bench_opts */

typedef struct qns_bench {
    const char *name, *args, *summary;
    int (*run)(int argc, char **argv); /* returns the exit code */
} qns_bench;

/* ---- numbers ---- */

/* Of many runs: half of them took less than median, 8 in 10 lie in lo..hi. */
typedef struct qns_bench_stat {
    double median, lo, hi, min;
    size_t n;
} qns_bench_stat;

qns_bench_stat qns_bench_stat_of(double *x, size_t n); /* sorts x; n > 0 */
json_t *qns_bench_stat_json(const qns_bench_stat *s);

/* ---- the machine ---- */

/* Operations a second that this machine reaches with a number of threads, all of them together, by
 * the best loop of the allowed instruction sets. Tiles (AMX) are told beside the rest: layers that
 * are made for vectors can only reach what vectors reach. */
typedef struct qns_bench_peak {
    int threads;
    double f32, int8, int8_tiles; /* 0: there is no loop for it, as for plain C */
    const char *int8_name, *tiles_name;
} qns_bench_peak;

/* The loops, ready to be timed again and again: the clock of a machine moves by a tenth from one
 * moment to the next, so a share of peak is one of the peak right before and after what is
 * measured. The loops touch no memory: caches are as they were. */
typedef struct qns_bench_gauge {
    int threads;
    const qk_peak *loop[3]; /* f32, int8, tiles; NULL: there is none */
    size_t rounds[3];       /* some 0.3 ms */
} qns_bench_gauge;

/* Processors this process may use. */
int qns_bench_cores(void);
qns_bench_gauge qns_bench_gauge_make(int threads, unsigned cpu_mask);
/* What each loop reaches now. */
qns_bench_peak qns_bench_gauge_read(const qns_bench_gauge *g);
/* The higher number of each kind. a: all zeros where nothing was read before. */
qns_bench_peak qns_bench_peak_max(const qns_bench_peak *a, const qns_bench_peak *b);
/* Bytes a second of reading a block of that size, one thread. */
qns_status qns_bench_read_rate(double *rate, size_t size, unsigned cpu_mask, qns_err *err);
/* A block that no cache holds, of bytes; and of half the second-level cache. */
size_t qns_bench_dram_size(void);
size_t qns_bench_l2_size(void);

/* "Intel Xeon, 2 cores, avx2+vnni"; without a line end. */
void qns_bench_machine_text(char *out, size_t size, unsigned cpu_mask);
json_t *qns_bench_machine_json(unsigned cpu_mask);
json_t *qns_bench_peak_json(const qns_bench_peak *p);
/* "83.1", or "-" and null when the share is 0: the peak is not known. */
const char *qns_bench_percent(char out[16], double share);
json_t *qns_bench_share_json(double share);
/* Two lines: the machine, and its peaks for each number of threads. */
void qns_bench_print_machine(const qns_bench_peak *peak, size_t n, unsigned cpu_mask);

/* Prints {benchmark, machine, results} when the results are good, and releases them. results NULL:
 * JSON was not asked for. */
void qns_bench_finish_json(const char *benchmark, json_t *results, bool good, unsigned cpu_mask);

/* ---- models ---- */

/* A model that is ready to run on random inputs. */
typedef struct qns_bench_model {
    const char *path;
    int threads;
    qns_session s;
    qns_bench_gauge gauge;
    double *ms; /* one for each run that counts */
    int n_ms;
    double *step_ms; /* [run][node] */
    int n_step;
    double *share;             /* of the peak of its moment, one for each run that counts */
    qns_bench_peak *step_peak; /* [run]: of its moment */
    qns_bench_peak peak;       /* the highest */
    qns_bench_stat stat;
} qns_bench_model;

/* Start from {0}; close in every case. */
qns_status qns_bench_model_open(qns_bench_model *m, const char *path, int threads,
                                const qns_bench_opts *o, int runs, qns_err *err);
void qns_bench_model_close(qns_bench_model *m);
/* One run that does not count, one that does. */
qns_status qns_bench_model_turn(qns_bench_model *m, qns_err *err);
/* The same, with the time of each node. */
qns_status qns_bench_model_profile(qns_bench_model *m, qns_err *err);
const char *qns_bench_file_name(const char *path);    /* without its folders */
double qns_bench_model_ops(const qns_bench_model *m); /* of one run */
/* Median of the runs; 0: there is no peak. */
double qns_bench_model_peak_share(const qns_bench_model *m);
int64_t qns_bench_model_batch(const qns_bench_model *m);

/* The layers of a profiled model, slowest first. */
typedef struct qns_bench_layer {
    const qns_node *node;
    const char *impl;
    double ms, share; /* median; share of the sum of all layers */
    double ops, bytes;
    double peak_share; /* median; 0: there is no peak */
    bool integer;
} qns_bench_layer;

/* *out: one for each node that took time; free with qns_free(). */
qns_status qns_bench_layers(qns_bench_layer **out, size_t *n, const qns_bench_model *m,
                            qns_err *err);
void qns_bench_print_layers(const qns_bench_layer *l, size_t n, size_t shown,
                            const qns_bench_model *m);
json_t *qns_bench_layers_json(const qns_bench_layer *l, size_t n, const qns_bench_model *m);

extern const qns_bench qns_bench_calibrate_cmd, qns_bench_capture_cmd, qns_bench_compare_cmd,
    qns_bench_kernels_cmd, qns_bench_layers_cmd, qns_bench_memory_cmd, qns_bench_model_cmd,
    qns_bench_serve_cmd, qns_bench_shadow_cmd;

#endif
