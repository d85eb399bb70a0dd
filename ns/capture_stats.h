/* SPDX-License-Identifier: MIT */
/* Statistics of values while a plan runs, instead of the values. For capture.c. */
#ifndef QNS_CAPTURE_STATS_H
#define QNS_CAPTURE_STATS_H

#include "ns/h5_write.h"

typedef struct qns_stat_list qns_stat_list;

qns_status qns_stat_list_create(qns_stat_list **out, qns_err *err);
void qns_stat_list_free(qns_stat_list *l);
/* A value to watch. Texts of d must outlive the list. */
qns_status qns_stat_list_add(uint32_t *index, qns_stat_list *l, const qns_cap_desc *d,
                             qns_err *err);
/* Values of one index come in the order of samples; different ones may come at once. room: for as
 * many floats as the value has elements. */
void qns_stat_list_see(qns_stat_list *l, uint32_t index, const qns_tensor *t, float *room);
/* Writes all of them. The last call. */
qns_status qns_stat_list_write(uint64_t *bytes, qns_cap_writer *w, qns_stat_list *l, qns_err *err);

#endif
