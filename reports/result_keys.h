/* SPDX-License-Identifier: MIT */
/* Keys of the result document that both directions share, in the order in which they are written.
 */
#ifndef QNS_RESULT_KEYS_H
#define QNS_RESULT_KEYS_H

#include "ns/result.h"

/* Numbers and texts of one struct by key; size_t is the offset of the member. */
typedef struct qns_result_key {
    const char *key;
    size_t at;
} qns_result_key;

extern const qns_result_key qns_diff_keys[];  /* double members of qns_diff; ends with NULL */
extern const qns_result_key qns_side_keys[];  /* text members of qns_side */
extern const qns_result_key qns_ident_keys[]; /* text members of qns_side below "identity" */

/* Names of single flags, for bits 0..n-1. */
enum { QNS_FLAG_BITS = 8 };

#endif
