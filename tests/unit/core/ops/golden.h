/* SPDX-License-Identifier: MIT */
/* Reads the golden vectors beside the checkout: NAME.json lists cases, NAME.npz has their arrays. A
 * test that finds none is skipped with a message. */
#ifndef QNS_TEST_GOLDEN_H
#define QNS_TEST_GOLDEN_H

#include "core/base/mem.h"
#include "core/graph/tensor.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include <zip.h>

typedef struct golden {
    json_t *root;
    zip_t *zip;
} golden;

static inline void golden_open(golden *g, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/goldens/%s.json", QNS_SHARED_DIR, name);
    g->root = json_load_file(path, 0, NULL);
    if (!g->root)
        cr_skip_test("no golden vectors at %s", path);
    snprintf(path, sizeof path, "%s/goldens/%s.npz", QNS_SHARED_DIR, name);
    g->zip = zip_open(path, ZIP_RDONLY, NULL);
    cr_assert(g->zip);
}

static inline void golden_close(golden *g)
{
    json_decref(g->root);
    zip_discard(g->zip);
}

static inline const char *golden_text(const json_t *c, const char *key)
{
    return json_string_value(json_object_get(c, key));
}

static inline double golden_number(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);
    cr_assert(v, "no '%s'", key);
    return json_is_boolean(v) ? json_boolean_value(v) : json_number_value(v);
}

static inline bool golden_has(const json_t *c, const char *field)
{
    return json_object_get(json_object_get(c, "arrays"), field) != NULL;
}

static inline qns_dtype golden_dtype(const char *header)
{
    return strstr(header, "'|u1'")   ? QNS_U8
           : strstr(header, "'|i1'") ? QNS_I8
           : strstr(header, "'<i4'") ? QNS_I32
           : strstr(header, "'<i8'") ? QNS_I64
           : strstr(header, "'<f4'") ? QNS_F32
                                     : QNS_DTYPE_COUNT;
}

/* The array of a field; free data with qns_free(). Doubles come back as QNS_I64 bits. */
static inline qns_tensor golden_array(const golden *g, const json_t *c, const char *field)
{
    char name[128], *header;
    const char *key = golden_text(json_object_get(c, "arrays"), field);
    cr_assert(key, "no field '%s'", field);
    snprintf(name, sizeof name, "%s.npy", key);
    zip_stat_t st;
    cr_assert_eq(zip_stat(g->zip, name, 0, &st), 0, "no array '%s'", name);
    unsigned char *all = qns_calloc(st.size + 1, 1);
    zip_file_t *f = zip_fopen(g->zip, name, 0);
    cr_assert(f && all);
    cr_assert_eq(zip_fread(f, all, st.size), (zip_int64_t)st.size);
    zip_fclose(f);
    const size_t head = 10 + all[8] + 256u * all[9];
    header = (char *)all + 10;
    qns_tensor t = {.dtype = golden_dtype(header)};
    if (strstr(header, "'<f8'"))
        t.dtype = QNS_I64;
    const char *s = strstr(header, "'shape': (");
    cr_assert(s && t.dtype != QNS_DTYPE_COUNT, "header of '%s'", name);
    for (s += strlen("'shape': ("); *s && *s != ')';) {
        char *end;
        t.shape.dim[t.shape.rank++] = strtoll(s, &end, 10);
        for (s = end; *s == ',' || *s == ' ';)
            s++;
    }
    const size_t size = qns_tensor_bytes(&t);
    cr_assert_eq(st.size, head + size);
    t.data = qns_malloc64(size ? size : 1);
    memcpy(t.data, all + head, size);
    qns_free(all);
    return t;
}

/* Number of differing bytes; reports the first. */
static inline size_t golden_diff(const qns_tensor *got, const qns_tensor *want, const char *what)
{
    cr_assert(qns_shape_equal(&got->shape, &want->shape), "%s: shape %s, want %s", what,
              qns_shape_str(&got->shape).s, qns_shape_str(&want->shape).s);
    cr_assert_eq(got->dtype, want->dtype, "%s", what);
    size_t bad = 0, first = 0;
    const uint8_t *a = got->data, *b = want->data;
    for (size_t i = 0; i < qns_tensor_bytes(got); i++)
        if (a[i] != b[i] && bad++ == 0)
            first = i;
    if (bad)
        cr_log_warn("%s: %zu of %zu bytes differ, the first at %zu: %d, want %d", what, bad,
                    qns_tensor_bytes(got), first, a[first], b[first]);
    return bad;
}

#endif
