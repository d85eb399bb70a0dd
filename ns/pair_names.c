/* SPDX-License-Identifier: MIT */
#include "ns/pair_names.h"

#include <ctype.h>
#include <string.h>

static bool cut(char *s, const char *suffix)
{
    const size_t n = strlen(s), k = strlen(suffix);
    if (n <= k || strcmp(s + n - k, suffix) != 0)
        return false;
    s[n - k] = '\0';
    return true;
}

void qns_name_normalize(char *out, size_t size, const char *name)
{
    static const char *const suffixes[] = {":0",
                                           "_output_0",
                                           "_quantized",
                                           "_dequantized",
                                           "_quantizelinear_output",
                                           "_dequantizelinear_output",
                                           "_quantizelinear",
                                           "_dequantizelinear",
                                           "_dq",
                                           "_q"};
    size_t n = 0;
    bool again = true;
    while (*name == '/' || *name == '.')
        name++;
    for (; *name && n + 1 < size; name++)
        out[n++] = (char)(*name == '/' ? '.' : tolower((unsigned char)*name));
    out[n] = '\0';
    while (again) {
        again = false;
        for (size_t i = 0; i < QNS_ARRAY_LEN(suffixes); i++)
            again |= cut(out, suffixes[i]);
    }
}

void qns_name_of_layer(char *out, size_t size, const char *weight)
{
    static const char *const suffixes[] = {".weight", "_weight", ".kernel", "_kernel", ".w", "_w"};
    qns_name_normalize(out, size, weight);
    for (size_t i = 0; i < QNS_ARRAY_LEN(suffixes); i++)
        if (cut(out, suffixes[i]))
            return;
}

qns_status qns_name_index_add(qns_name_index *n, const char *name, bool normal, uint32_t data,
                              qns_err *err)
{
    char buf[1024];
    if (!name || !name[0])
        return QNS_OK;
    if (normal) {
        qns_name_normalize(buf, sizeof buf, name);
        name = buf;
    }
    const uint32_t old = qns_map_get(&n->map, name);
    if (old == data)
        return QNS_OK;
    const char *key = qns_arena_strdup(n->arena, name);
    if (!key)
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    return qns_map_put(&n->map, key, old == QNS_MAP_NONE ? data : QNS_NAMES_AMBIGUOUS, err);
}

uint32_t qns_name_index_find(const qns_name_index *n, const char *name, bool normal)
{
    char buf[1024];
    if (!name || !name[0])
        return QNS_MAP_NONE;
    if (normal) {
        qns_name_normalize(buf, sizeof buf, name);
        name = buf;
    }
    const uint32_t at = qns_map_get(&n->map, name);
    return at == QNS_NAMES_AMBIGUOUS ? QNS_MAP_NONE : at;
}

void qns_name_index_fini(qns_name_index *n)
{
    qns_map_fini(&n->map);
}
