/* SPDX-License-Identifier: MIT */
#include "core/model/names.h"

#include "core/base/vec.h"

#include <stdio.h>
#include <string.h>

qns_status qns_names_add(qns_names *l, const char *s, size_t n, qns_err *err)
{
    char *copy;
    QNS_TRY(qns_vec_grow((void **)&l->at, &l->cap, l->n, sizeof *l->at, err));
    QNS_TRY(qns_new((void **)&copy, n + 1, 1, err));
    memcpy(copy, s, n);
    l->at[l->n++] = copy;
    return QNS_OK;
}

void qns_names_fini(qns_names *l)
{
    for (size_t i = 0; i < l->n; i++)
        qns_free(l->at[i]);
    qns_free(l->at);
    *l = (qns_names){0};
}

int64_t qns_names_find(const qns_names *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i], s) == 0)
            return (int64_t)i;
    return -1;
}

void qns_names_text(char *out, size_t size, const qns_names *l)
{
    enum { SHOWN = 8 };
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < l->n && i < SHOWN && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s'%.60s'", i ? ", " : "", l->at[i]);
    if (l->n > SHOWN && at < size)
        snprintf(out + at, size - at, " and %zu more", l->n - SHOWN);
}
