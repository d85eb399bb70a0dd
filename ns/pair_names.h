/* SPDX-License-Identifier: MIT */
/* Names as different tools write them, brought to one form for pairing captures without lineage. */
#ifndef QNS_PAIR_NAMES_H
#define QNS_PAIR_NAMES_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "ns/h5_read.h"

/* "/layer1/conv1/Conv_output_0_quantized:0" -> "layer1.conv1.conv": slashes become dots, letters
 * lower case, and what tools hang behind a name goes. At most size - 1 letters. */
void qns_name_normalize(char *out, size_t size, const char *name);
/* The same, and ".weight" and the like goes, too: the layer a weight belongs to. */
void qns_name_of_layer(char *out, size_t size, const char *weight);

/* Names to data numbers. A name that two data share stands for none. */
typedef struct qns_name_index {
    qns_map map;
    qns_arena *arena; /* of the keys; not owned */
} qns_name_index;

enum { QNS_NAMES_AMBIGUOUS = UINT32_MAX - 1 };

/* NULL and "" are ignored. normal: enter the normalized form. */
qns_status qns_name_index_add(qns_name_index *n, const char *name, bool normal, uint32_t data,
                              qns_err *err);
/* QNS_MAP_NONE when there is none or it is ambiguous. */
uint32_t qns_name_index_find(const qns_name_index *n, const char *name, bool normal);
void qns_name_index_fini(qns_name_index *n);

#endif
