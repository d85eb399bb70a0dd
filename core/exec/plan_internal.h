/* SPDX-License-Identifier: MIT */
/* What a plan is made of; for plan.c and run.c only. */
#ifndef QNS_PLAN_INTERNAL_H
#define QNS_PLAN_INTERNAL_H

#include "core/exec/memplan.h"
#include "core/exec/plan.h"
#include "kernels/kernels.h"

/* Memory of one or more values: a place in the plan's buffer, or the caller's memory of an input.
 */
typedef struct qns_buf {
    size_t size;
    uint32_t first, last; /* steps; node i runs in step i + 1, inputs arrive in step 0 */
    uint32_t input;       /* QNS_NONE: in the plan's buffer; else the number of the graph input */
    void *data;           /* set before the first run, for inputs at every run */
} qns_buf;

typedef struct qns_relayout {
    qns_tensor src; /* data is set at run time when the buffer is an input's */
    uint32_t src_buf, dst_buf;
    qns_layout layout;
} qns_relayout;

typedef struct qns_step {
    const qns_node *node;
    const qns_impl *impl;
    qns_call call;
    qns_tensor *in, *out;
    uint32_t *in_buf, *out_buf; /* QNS_NONE for constants and absent inputs */
    qns_relayout *relayout;
    uint32_t n_relayout;
    bool skip; /* a view that shares its memory */
    /* The next step, run piece by piece within this one; not while a tap wants what this one makes.
     */
    struct qns_step *tail;
} qns_step;

struct qns_plan {
    const qns_graph *g;
    const qns_plan *of; /* whose packed weights it uses; NULL: its own */
    qns_arena *arena;
    qk_table kernels;
    qns_exec_opts opts;
    qns_step *step;
    qns_buf *buf;
    uint32_t n_buf, cap_buf;
    uint32_t *value_buf; /* by value: its own layout */
    uint32_t *copy_buf;  /* by value: the other layout, QNS_NONE when nobody needs it */
    uint32_t *last_use;  /* by value: step */
    char *memory;
    size_t memory_size, memory_no_reuse;
    void *scratch;
    qns_taps taps;
    uint32_t *wanted; /* by value: bit i set when tap i wants it */
    bool any_wanted;
    uint32_t next;   /* node of this run */
    double *seconds; /* by node, or NULL: see qns_plan_time() */
    qns_team *team;  /* NULL with one thread */
    qns_team *open;  /* team, while it is open */
};

enum { QNS_MAX_TAPS = 32 };

#endif
