/* SPDX-License-Identifier: MIT */
/* What a user said about the data, before any file is opened. Made from the command line (source.c)
 * or from a data.yaml (source_yaml.c); everything lives in the arena of the qns_data_spec. */
#ifndef QNS_SOURCE_SPEC_H
#define QNS_SOURCE_SPEC_H

#include "core/base/arena.h"
#include "core/model/elem.h"

/* One number for all channels, or one for each; n is 0 when nothing was said. */
typedef struct qns_per_channel {
    const float *v;
    size_t n;
} qns_per_channel;

/* How one input of the model is filled:  x = (value * scale - mean) / std
 * in float, in this order, per channel; the channels in the order in which the model has them. */
typedef struct qns_input_spec {
    const char *file;   /* NULL: nothing was said about this input */
    const char *name;   /* array in the file; NULL: that of the input, or the only one */
    const char *layout; /* of the file: "NHWC", ...; NULL: as the model has it */
    qns_per_channel scale, mean, std;
    bool reverse_channels; /* the file is RGB, the model wants BGR */
    qns_elem elem;         /* what the file must hold; QNS_ELEM_COUNT: anything */
    const char *place;     /* for messages: "data.yaml:4", or NULL */
} qns_input_spec;

typedef struct qns_data_spec {
    qns_arena *arena;
    qns_input_spec *in; /* one for each input of the graph, in its order */
    uint32_t n_in;
    const char *labels, *labels_name; /* NULL: none; NULL: "labels", or the only one */
    bool labels_maybe;                /* take them if they are there */
    int64_t label_offset;             /* class of the model = label + label_offset */
    int64_t limit;                    /* 0: all */
} qns_data_spec;

#endif
