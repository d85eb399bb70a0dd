/* SPDX-License-Identifier: MIT */
/* Identity of bytes: 128-bit XXH3. Tells accidents apart, not attackers. */
#ifndef QNS_DIGEST_H
#define QNS_DIGEST_H

#include "core/base/status.h"

typedef struct qns_digest {
    uint8_t byte[16];
} qns_digest;

typedef struct qns_digester qns_digester;

qns_status qns_digester_create(qns_digester **out, qns_err *err);
void qns_digester_add(qns_digester *d, const void *p, size_t n);
/* Adds the text with its terminator, so that "ab","c" and "a","bc" differ. */
void qns_digester_add_text(qns_digester *d, const char *s);
qns_digest qns_digester_result(const qns_digester *d);
void qns_digester_free(qns_digester *d);

qns_digest qns_digest_of(const void *p, size_t n);
bool qns_digest_equal(const qns_digest *a, const qns_digest *b);
/* 32 lower-case hex digits. */
void qns_digest_hex(char out[33], const qns_digest *d);
bool qns_digest_parse(qns_digest *out, const char *hex);

#endif
