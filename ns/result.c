/* SPDX-License-Identifier: MIT */
#include "ns/result.h"

#include "core/base/mem.h"

#include <assert.h>
#include <string.h>

static const struct {
    unsigned flag;
    const char *name;
} flags_table[] = {
    {QNS_M_EXACT, "EXACT"},
    {QNS_M_ZERO_REF, "ZERO_REF"},
    {QNS_M_NONFINITE_REF, "NONFINITE_REF"},
    {QNS_M_NONFINITE_TEST, "NONFINITE_TEST"},
    {QNS_M_EMPTY, "EMPTY"},
    {QNS_M_UNDEFINED, "UNDEFINED"},
    {QNS_M_SATURATED, "SATURATED"},
    {QNS_M_CONSTANT, "CONSTANT"},
};

void qns_result_free(qns_result *r)
{
    if (!r)
        return;
    qns_arena_free(r->arena);
    qns_free(r);
}

const char *qns_verdict_text(qns_verdict_level v)
{
    return v == QNS_V_OK ? "ok" : v == QNS_V_WATCH ? "watch" : "bad";
}

void qns_flags_text(char *out, size_t size, unsigned flags)
{
    size_t n = 0;
    assert(size >= 128);
    out[0] = '\0';
    for (size_t i = 0; i < QNS_ARRAY_LEN(flags_table); i++) {
        if (!(flags & flags_table[i].flag))
            continue;
        if (n > 0)
            out[n++] = '|';
        const size_t len = strlen(flags_table[i].name);
        memcpy(out + n, flags_table[i].name, len + 1);
        n += len;
    }
}

unsigned qns_flag_parse(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(flags_table); i++)
        if (strcmp(name, flags_table[i].name) == 0)
            return flags_table[i].flag;
    return 0;
}
