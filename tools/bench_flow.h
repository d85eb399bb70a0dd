/* SPDX-License-Identifier: MIT */
/* Benchmarks of the commands that run models over data: ways to spend time on the same samples,
 * which take turns. */
#ifndef QNS_BENCH_FLOW_H
#define QNS_BENCH_FLOW_H

#include "tools/bench.h"

typedef struct qns_flow_args {
    qns_bench_opts opts;
    qns_data_args data;
    const char *model[2];
    size_t n_models, need; /* given, and at least wanted */
    const char *what;      /* the benchmark, in messages */
    const char *folder;    /* for files that are written */
} qns_flow_args;

/* The only child of a parser that has no function of its own: so its input, a qns_flow_args with
 * `need` and `what` set, comes here. */
extern const struct argp qns_flow_argp;

typedef struct qns_flow qns_flow;
typedef struct qns_flow_way qns_flow_way;
typedef qns_status (*qns_flow_run)(qns_flow *f, qns_flow_way *w, qns_err *err);

struct qns_flow_way {
    const char *name;
    qns_flow_run run;
    size_t model;     /* which one it runs, if it runs one */
    unsigned what;    /* QNS_WHAT_*, for a capture */
    const char *text; /* for its own use */
    double bytes;     /* moved by one run; set by the run */
    bool writes;      /* a new file, the model's: the old one goes before the clock starts */
    bool fixed_cost; /* run for few samples, too, to tell what grows with them from what does not */
    double *s, *s_few;
    qns_bench_stat stat, few;
};

enum { QNS_FLOW_WAYS = 8 };

struct qns_flow {
    const qns_flow_args *args;
    int threads;
    qns_session session[2];
    qns_session lanes[2]; /* the same, for what runs samples side by side; opened when needed */
    int64_t samples;      /* that the way shall take */
    int64_t all_samples;  /* of the data */
    int64_t few_samples;  /* one for each thread, so that they are run as all are */
    char path[4][1100];   /* a file for each model, and two more; removed at the end */
    qns_flow_way way[QNS_FLOW_WAYS];
    size_t n_ways;
    json_t *findings; /* NULL: text */
};

qns_flow_way *qns_flow_add(qns_flow *f, const char *name, qns_flow_run run);
/* All samples through a model, one after the other, each layer on all threads; nobody looks. */
qns_status qns_flow_plain(qns_flow *f, qns_flow_way *w, qns_err *err);
/* The same side by side. */
qns_status qns_flow_side_by_side(qns_flow *f, qns_flow_way *w, qns_err *err);
/* What w->what says (0: all) of all samples of a model into its file. */
qns_status qns_flow_capture(qns_flow *f, qns_flow_way *w, qns_err *err);

/* Seconds of one sample: with fixed_cost of each that all have and few have not, else the mean. */
double qns_flow_per_sample(const qns_flow *f, const qns_flow_way *w);
double qns_flow_rate(const qns_flow_way *w); /* bytes a second */
/* One conclusion: text for people, key and value for JSON. */
void qns_flow_say(qns_flow *f, const char *key, double value, const char *text);

/* A benchmark: prepare adds the ways, conclude says what they mean. */
typedef struct qns_flow_plan {
    qns_status (*prepare)(qns_flow *f, qns_err *err);
    qns_status (*conclude)(qns_flow *f, qns_err *err);
    int rounds;
} qns_flow_plan;

/* Once for each number of threads. Returns the exit code. */
int qns_flow_main(qns_flow_args *a, const qns_flow_plan *p);

#endif
