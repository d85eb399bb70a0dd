/* SPDX-License-Identifier: MIT */
#include "core/base/digest.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct qns_digester {
    XXH3_state_t *state;
};

static qns_digest canonical(XXH128_hash_t h)
{
    XXH128_canonical_t c;
    qns_digest d;
    XXH128_canonicalFromHash(&c, h);
    memcpy(d.byte, c.digest, sizeof d.byte);
    return d;
}

qns_status qns_digester_create(qns_digester **out, qns_err *err)
{
    qns_digester *d;
    QNS_TRY(qns_new((void **)&d, 1, sizeof *d, err));
    d->state = XXH3_createState();
    if (!d->state) {
        qns_free(d);
        QNS_FAIL(err, NOMEM, "cannot make a digest state");
    }
    XXH3_128bits_reset(d->state);
    *out = d;
    return QNS_OK;
}

void qns_digester_add(qns_digester *d, const void *p, size_t n)
{
    XXH3_128bits_update(d->state, p, n);
}

void qns_digester_add_text(qns_digester *d, const char *s)
{
    qns_digester_add(d, s, strlen(s) + 1);
}

qns_digest qns_digester_result(const qns_digester *d)
{
    return canonical(XXH3_128bits_digest(d->state));
}

void qns_digester_free(qns_digester *d)
{
    if (!d)
        return;
    XXH3_freeState(d->state);
    qns_free(d);
}

qns_digest qns_digest_of(const void *p, size_t n)
{
    return canonical(XXH3_128bits(p, n));
}

bool qns_digest_equal(const qns_digest *a, const qns_digest *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

void qns_digest_hex(char out[33], const qns_digest *d)
{
    for (size_t i = 0; i < sizeof d->byte; i++)
        snprintf(out + 2 * i, 3, "%02x", d->byte[i]);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool qns_digest_parse(qns_digest *out, const char *hex)
{
    qns_digest d;
    if (strlen(hex) != 2 * sizeof d.byte)
        return false;
    for (size_t i = 0; i < sizeof d.byte; i++) {
        const int hi = hex_value(hex[2 * i]), lo = hex_value(hex[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        d.byte[i] = (uint8_t)(hi << 4 | lo);
    }
    *out = d;
    return true;
}
