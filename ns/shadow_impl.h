/* SPDX-License-Identifier: MIT */
/* What a shadow run is made of: what all samples share, and lanes, each of which runs one sample
 * after the other. For shadow.c and shadow_lane.c only. */
#ifndef QNS_SHADOW_IMPL_H
#define QNS_SHADOW_IMPL_H

#include "core/exec/lanes.h"
#include "ns/h5_memory.h"
#include "ns/shadow.h"
#include "ns/shadow_local.h"
#include "ns/shadow_pass.h"
#include "ns/shadow_track.h"

#include <stdatomic.h>

typedef struct qns_shadow_run qns_shadow_run;

/* ---- of all lanes ---- */

typedef struct qns_shadow_half { /* one of the two graphs */
    const qns_shadow_side *of;
    const qns_graph *g;
    qns_plan *plan;        /* lanes share its weights */
    uint32_t *data_value;  /* by data of the capture: the value */
    qns_capture_list list; /* by value: data of the capture */
    bool keep_all;         /* in the plan */
} qns_shadow_half;

typedef struct qns_shadow_layer {
    qns_vid ref, test; /* QNS_NONE: weights only */
    qns_track activation, local, channels;
    qns_track shift; /* the local error of the first samples that are bad, by channel */
    atomic_bool shift_full;
    size_t count;
    uint32_t next; /* layer with the same ref; QNS_CMP_NONE */
} qns_shadow_layer;

/* ---- of one lane ---- */

/* What a sample adds to the tracks of a layer; by channel of each. */
typedef struct qns_shadow_sums {
    qns_sums *activation, *local, *channels, *shift;
    bool has_local, has_shift; /* in this sample */
} qns_shadow_sums;

typedef struct qns_shadow_lane {
    qns_shadow_run *run;
    qns_plan *ref, *test;
    qns_local *local;
    qns_tap ref_tap, test_tap;
    qns_taps ref_taps, test_taps;
    qns_tensor
        *value; /* by value of the quantized graph: where it lies in the run of this sample */
    qns_tensor *in, *out;  /* of the float graph; out data NULL: not wanted */
    qns_shadow_sums *sums; /* by layer */
    size_t best[2];        /* arg-max of the output, float and quantized */
    qns_pass pass;
} qns_shadow_lane;

struct qns_shadow_run {
    qns_cmp c;
    qns_compare_opts cmp_opts;
    qns_cmp_live live;
    const qns_shadow_opts *o;
    qns_source *s;
    qns_shadow_half ref, test;
    qns_shadow_layer *layer; /* by layer of c */
    qns_sums **channels, **shift;
    size_t *n_shift;
    uint32_t output;    /* the layer whose arg-max is compared; QNS_CMP_NONE */
    uint32_t *layers;   /* by value of the float graph: the first layer that is measured there */
    uint32_t *layer_of; /* by value of the quantized graph */
    uint32_t *against;  /* the same: the value of the float graph */
    uint32_t *until;    /* by value of the float graph: nodes of the quantized one that run then */
    qns_digester *inputs;
    qns_shadow_lane *lane;
    int n_lanes;
    int threads; /* of all lanes together */
};

/* Makes plans for so many threads. */
qns_status qns_shadow_plan(qns_shadow_half *h, int threads, qns_err *err);

/* The lanes of a run whose other members are set; and all samples through them. */
qns_status qns_shadow_open_lanes(qns_shadow_run *s, qns_err *err);
qns_status qns_shadow_samples(qns_shadow_run *s, qns_err *err);
void qns_shadow_close_lanes(qns_shadow_run *s);

#endif
