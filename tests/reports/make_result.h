/* SPDX-License-Identifier: MIT */
/* A made-up comparison of 64 layers for tests of the reports: every kind of value, names that try
 * to break out of HTML, JSON, gnuplot and terminals. Seeded: always the same. */
#ifndef QNS_MAKE_RESULT_H
#define QNS_MAKE_RESULT_H

#include "ns/result.h"

/* hostile: with names that attack and values without numbers. NULL when out of memory. */
qns_result *make_result(uint32_t n_layers, bool hostile);

#endif
