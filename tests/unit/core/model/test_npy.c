/* SPDX-License-Identifier: MIT */
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/npy.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct bytes {
    unsigned char p[4096];
    size_t n;
} bytes;

/* A file with this dictionary as its header, and data behind it. */
static bytes make_n(int version, const char *dict, size_t n, const void *data, size_t size)
{
    bytes b = {0};
    const size_t start = version == 1 ? 10 : 12;
    memcpy(b.p, "\x93NUMPY", 6);
    b.p[6] = (unsigned char)version;
    b.p[8] = (unsigned char)n;
    b.p[9] = (unsigned char)(n >> 8);
    memcpy(b.p + start, dict, n);
    if (size)
        memcpy(b.p + start + n, data, size);
    b.n = start + n + size;
    return b;
}

static bytes make(int version, const char *dict, const void *data, size_t size)
{
    return make_n(version, dict, strlen(dict), data, size);
}

static qns_npy *opened(const bytes *b)
{
    qns_err err = {0};
    qns_npy *f = NULL;
    cr_assert_eq(qns_npy_open_bytes(&f, b->p, b->n, "t.npy", &err), QNS_OK, "%s: %s", err.trail,
                 err.text);
    return f;
}

static void refused(const bytes *b, qns_status code, const char *want)
{
    qns_err err = {0};
    qns_npy *f = NULL;
    const qns_status st = qns_npy_open_bytes(&f, b->p, b->n, "t.npy", &err);
    cr_assert_eq(st, code, "gave %s: %s", qns_status_text(st), err.text);
    cr_assert_null(f);
    cr_assert(strstr(err.text, want), "'%s' does not say '%s'", err.text, want);
    cr_assert_str_eq(err.trail, "reading 't.npy'");
}

static void refused_dict(const char *dict, qns_status code, const char *want)
{
    const bytes b = make(1, dict, "0123456789abcdef", 16);
    refused(&b, code, want);
}

Test(npy, versions_and_order)
{
    const int16_t data[6] = {1, 2, 3, 4, 5, 6};
    for (int version = 1; version <= 3; version++) {
        bytes b = make(version, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n",
                       data, sizeof data);
        qns_npy *f = opened(&b);
        int16_t s[3];
        cr_assert_eq(qns_npy_elem(f), QNS_ELEM_I16);
        cr_assert_eq(qns_npy_shape(f)->rank, 2);
        cr_assert_eq(qns_npy_read(s, f, 1, NULL), QNS_OK);
        cr_assert(s[0] == 4 && s[1] == 5 && s[2] == 6);
        cr_assert_eq(qns_npy_read(s, f, 0, NULL), QNS_OK);
        cr_assert(s[0] == 1 && s[1] == 2 && s[2] == 3);
        qns_npy_close(f);
        b = make(version, "{\"shape\":(2L,3L),\"fortran_order\":True,\"descr\":\"i2\"}", data,
                 sizeof data);
        f = opened(&b);
        cr_assert_eq(qns_npy_read(s, f, 0, NULL), QNS_OK);
        cr_assert(s[0] == 1 && s[1] == 3 && s[2] == 5);
        qns_npy_close(f);
    }
}

Test(npy, fortran_in_three_dimensions)
{
    /* Element [i, j, k] of [5, 3, 4] is 100 i + 10 j + k, with the first index fastest in the file.
     */
    uint8_t data[60];
    int n = 0;
    for (int k = 0; k < 4; k++)
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 5; i++)
                data[n++] = (uint8_t)(40 * i + 10 * j + k);
    bytes b = make(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (5, 3, 4)}", data, 60);
    qns_npy *f = opened(&b);
    for (int i = 4; i >= 0; i--) {
        uint8_t s[12];
        cr_assert_eq(qns_npy_read(s, f, i, NULL), QNS_OK);
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                cr_assert_eq(s[j * 4 + k], 40 * i + 10 * j + k);
    }
    qns_npy_close(f);
}

Test(npy, all_types)
{
    static const char *const code[] = {"|b1", "|i1", "|u1", "<i2", "=u2", "<i4",
                                       "<u4", "<i8", "<u8", "<f2", "<f4", "f8"};
    for (int e = 0; e < QNS_ELEM_COUNT; e++) {
        char dict[100];
        const double zero[2] = {0};
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2,)}",
                 code[e]);
        bytes b = make(1, dict, zero, 2 * qns_elem_size((qns_elem)e));
        qns_npy *f = opened(&b);
        cr_assert_eq(qns_npy_elem(f), (qns_elem)e);
        qns_npy_close(f);
        b.n--;
        refused(&b, QNS_E_FORMAT, "behind the header, but the file has");
    }
}

Test(npy, unsupported_types)
{
    refused_dict(
        "{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
        "big-endian data ('>f4') is not read; convert with numpy.save(FILE, a.astype('<f4'))");
    refused_dict("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
                 "Python objects");
    refused_dict("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
                 "complex");
    refused_dict("{'descr': '<U5', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
                 "text");
    refused_dict("{'descr': [('a', '<f4'), ('b', '<i8')], 'fortran_order': False, 'shape': (1,)}",
                 QNS_E_UNSUPPORTED, "structured");
    refused_dict("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
                 "'<f16' is not read");
    refused_dict("{'descr': '', 'fortran_order': False, 'shape': (1,)}", QNS_E_UNSUPPORTED,
                 "is not read");
}

Test(npy, hostile_headers)
{
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                 QNS_E_FORMAT, "too many elements");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                 QNS_E_FORMAT, "too large");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", QNS_E_FORMAT,
                 "0 or more");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
                 QNS_E_UNSUPPORTED, "dimensions");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (17,)}", QNS_E_FORMAT,
                 "shape [17] of uint8 needs 17 bytes behind the header, but the file has 16");
    refused_dict("{'descr': '|u1', 'fortran_order': False}", QNS_E_FORMAT, "no 'shape'");
    refused_dict("{'descr': '|u1', 'shape': (1,)}", QNS_E_FORMAT, "no 'fortran_order'");
    refused_dict("{}", QNS_E_FORMAT, "no 'descr'");
    refused_dict("{'descr': '|u1', 'descr': '|u1'}", QNS_E_FORMAT, "twice");
    refused_dict("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}", QNS_E_FORMAT,
                 "neither True nor False");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': 5}", QNS_E_FORMAT, "tuple");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}", QNS_E_FORMAT, "tuple");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (1,", QNS_E_FORMAT, "numbers");
    refused_dict("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", QNS_E_FORMAT,
                 "behind");
    refused_dict("{'descr", QNS_E_FORMAT, "dictionary");
    refused_dict("[1]", QNS_E_FORMAT, "dictionary");
    refused_dict("{'evil': 1}", QNS_E_FORMAT, "unknown key 'evil'");
    refused_dict("", QNS_E_FORMAT, "dictionary");
}

Test(npy, bad_prefixes)
{
    bytes b = make_n(1, "{'a\0b'}", 7, NULL, 0);
    refused(&b, QNS_E_FORMAT, "zero byte");
    b = make(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "x", 1);
    b.p[6] = 4;
    refused(&b, QNS_E_UNSUPPORTED, "version 4.0");
    b.p[6] = 1;
    b.p[9] = 0xff;
    refused(&b, QNS_E_FORMAT, "header should have");
    b.p[6] = 2;
    b.p[10] = b.p[11] = 0xff;
    refused(&b, QNS_E_FORMAT, "header claims");
    b.p[6] = 1;
    b.p[9] = 0;
    for (size_t n = 0; n < b.n; n++) {
        bytes cut = b;
        cut.n = n;
        qns_npy *f = NULL;
        cr_assert_eq(qns_npy_open_bytes(&f, cut.p, cut.n, "t.npy", NULL), QNS_E_FORMAT, "%zu", n);
    }
    b.p[0] = 'P';
    refused(&b, QNS_E_FORMAT, "signature");
}

Test(npy, empty_axes)
{
    bytes b = make(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0)}", NULL, 0);
    qns_npy *f = opened(&b);
    cr_assert_eq(qns_npy_read(NULL, f, 2, NULL), QNS_OK);
    qns_npy_close(f);
}

Test(npy, write_and_load)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/qns_npy_%ld.npy", (long)getpid());
    float v[6] = {0, -1.5f, NAN, INFINITY, 1e-40f, 3};
    qns_err err = {0};
    for (int rank = 0; rank <= 3; rank++) {
        qns_tensor t = {.dtype = QNS_F32, .data = v, .shape = {rank, {0}}};
        for (int i = 0; i < rank; i++)
            t.shape.dim[i] = i == 0 ? 6 : 1;
        cr_assert_eq(qns_npy_write(path, &t, &err), QNS_OK, "%s", err.text);
        void *got;
        qns_shape s;
        cr_assert_eq(qns_npy_load(&got, &s, path, QNS_F32, &err), QNS_OK, "%s", err.text);
        cr_assert(qns_shape_equal(&s, &t.shape));
        cr_assert_eq(memcmp(got, v, (rank ? 6 : 1) * sizeof(float)), 0);
        qns_free(got);
        char *raw;
        size_t n;
        cr_assert_eq(qns_file_read(&raw, &n, path, 1 << 20, &err), QNS_OK);
        cr_assert_eq((n - (rank ? 24 : 4)) % 64, 0);
        qns_free(raw);
    }
    void *got;
    qns_shape s;
    cr_assert_eq(qns_npy_load(&got, &s, path, QNS_I64, &err), QNS_E_DATA);
    cr_assert(strstr(err.text, "value -1.5 at element 1"), "%s", err.text);
    unlink(path);
    err = (qns_err){0};
    cr_assert_eq(qns_npy_load(&got, &s, path, QNS_I64, &err), QNS_E_IO);
    err = (qns_err){0};
    cr_assert_eq(qns_npy_load(&got, &s, "/tmp", QNS_I64, &err), QNS_E_IO);
    cr_assert(strstr(err.text, "not a regular file"), "%s", err.text);
}
