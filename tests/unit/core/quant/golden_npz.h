/* SPDX-License-Identifier: MIT */
/* Reads the golden vectors: NAME.json lists cases, NAME.npz holds their arrays (uncompressed). */
#ifndef GOLDEN_NPZ_H
#define GOLDEN_NPZ_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

typedef struct golden {
    json_t *root;
    zip_t *zip;
} golden;

typedef struct golden_array {
    char *bytes; /* of the file; free it */
    const void *data;
    int rank;
    int64_t dim[8];
    size_t n;
    char type[8]; /* "<f4" */
} golden_array;

/* False, with a message, when the shared material is not there. */
static inline bool golden_open(golden *g, const char *name)
{
    char path[512];
    json_error_t e;
    snprintf(path, sizeof path, "%s/goldens/%s.json", QNS_SHARED_DIR, name);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", path);
        return false;
    }
    g->root = json_load_file(path, 0, &e);
    cr_assert(g->root, "%s", e.text);
    snprintf(path, sizeof path, "%s/goldens/%s.npz", QNS_SHARED_DIR, name);
    g->zip = zip_open(path, ZIP_RDONLY, NULL);
    cr_assert(g->zip, "cannot open %s", path);
    return true;
}

static inline void golden_close(golden *g)
{
    json_decref(g->root);
    zip_discard(g->zip);
}

static inline const json_t *golden_case(const golden *g, size_t i)
{
    return json_array_get(json_object_get(g->root, "cases"), i);
}

static inline bool golden_has(const json_t *c, const char *field)
{
    return json_object_get(json_object_get(c, "arrays"), field) != NULL;
}

static inline golden_array golden_get(const golden *g, const json_t *c, const char *field)
{
    golden_array a = {0};
    char name[256];
    zip_stat_t stat;
    const char *key = json_string_value(json_object_get(json_object_get(c, "arrays"), field));
    cr_assert(key, "no array '%s'", field);
    snprintf(name, sizeof name, "%s.npy", key);
    cr_assert(zip_stat(g->zip, name, 0, &stat) == 0, "no %s", name);
    a.bytes = malloc(stat.size + 1);
    zip_file_t *f = zip_fopen(g->zip, name, 0);
    cr_assert(zip_fread(f, a.bytes, stat.size) == (zip_int64_t)stat.size);
    zip_fclose(f);
    a.bytes[stat.size] = 0;
    const unsigned char *u = (const unsigned char *)a.bytes;
    const size_t head = (size_t)u[8] | (size_t)u[9] << 8;
    cr_assert(u[6] == 1);
    a.data = a.bytes + 10 + head;
    a.bytes[10 + head - 1] = 0;
    const char *descr = strstr(a.bytes + 10, "'descr': '") + 10;
    memcpy(a.type, descr, 3);
    const char *p = strstr(a.bytes + 10, "'shape': (") + 10;
    a.n = 1;
    while (*p != ')') {
        char *end;
        a.dim[a.rank++] = strtol(p, &end, 10);
        a.n *= (size_t)a.dim[a.rank - 1];
        for (p = end; *p == ',' || *p == ' ';)
            p++;
    }
    return a;
}

static inline const char *golden_text(const json_t *c, const char *key)
{
    return json_string_value(json_object_get(c, key));
}

static inline double golden_num(const json_t *c, const char *key)
{
    return json_number_value(json_object_get(c, key));
}

static inline bool golden_is_null(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);
    return !v || json_is_null(v);
}

#endif
