/* SPDX-License-Identifier: MIT */
#include "reports/kind.h"

#include "core/base/file.h"
#include "reports/json_get.h"

#include <stdio.h>
#include <string.h>

static const qns_kind *const table[] = {&qns_kind_comparison,  &qns_kind_shadow,
                                        &qns_kind_sensitivity, &qns_kind_search,
                                        &qns_kind_regression,  &qns_kind_selftest};

const qns_kind *qns_kind_find(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(table); i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

/* "comparison, shadow" */
static void names(char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < QNS_ARRAY_LEN(table) && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", table[i]->name);
}

static qns_status find_kind(const qns_kind **out, const json_t *doc, qns_err *err)
{
    char known[200];
    const char *name = json_string_value(json_object_get(doc, "kind"));
    if (!json_is_object(doc))
        QNS_FAIL(err, FORMAT, "not a result: the document must be an object");
    names(known, sizeof known);
    if (!name)
        QNS_FAIL(err, FORMAT, "'kind' must say what the result is: %s", known);
    if (!(*out = qns_kind_find(name)))
        QNS_FAIL(err, FORMAT, "'kind' must be one of %s; it is '%.40s'", known, name);
    return QNS_OK;
}

qns_any_result qns_any_of(const qns_result *r)
{
    return (qns_any_result){qns_kind_find(r->kind), (void *)(uintptr_t)r, NULL};
}

qns_status qns_any_load(qns_any_result *out, const char *path, qns_err *err)
{
    qns_any_result r = {0};
    json_t *doc = NULL;
    qns_status st = qns_json_load(&doc, path, err);
    if (st == QNS_OK)
        st = find_kind(&r.kind, doc, err);
    if (st == QNS_OK)
        st = r.kind->from_json(&r.of, doc, err);
    if (st == QNS_OK)
        *out = r;
    else
        qns_err_note(err, "reading '%s'", path);
    json_decref(doc);
    return st;
}

qns_status qns_any_save(const char *path, const qns_any_result *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    QNS_TRY_DONE(r->kind->to_json(&t, r->of, false, err));
    QNS_TRY_DONE(qns_file_write(path, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}

qns_status qns_any_layers(const qns_result **out, qns_any_result *r, qns_err *err)
{
    if (!r->kind->layers && !r->kind->is_result)
        QNS_FAIL(err, CONFIG,
                 "a %s does not rank layers by their error; take a result of 'qns compare FLOAT.h5 "
                 "QUANT.h5', 'qns shadow', 'qns sensitivity' or 'qns search'",
                 r->kind->name);
    if (r->kind->layers && !r->layers)
        QNS_TRY(r->kind->layers(&r->layers, r->of, err));
    *out = r->kind->is_result ? r->of : r->layers;
    return QNS_OK;
}

void qns_any_free(qns_any_result *r)
{
    qns_result_free(r->layers);
    if (r->kind)
        r->kind->free(r->of);
    *r = (qns_any_result){0};
}
