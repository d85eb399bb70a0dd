/* SPDX-License-Identifier: MIT */
/* Input data from .npz and HDF5 files. */
#include "core/base/mem.h"
#include "core/model/h5_probe.h"
#include "tests/unit/core/model/source_fixture.h"

#include <hdf5.h>
#include <signal.h>
#include <zip.h>

TestSuite(source_files, .init = enter, .fini = leave);

static void write_npz(const char *path, const char *const *names, const char *const *files,
                      size_t n, int method)
{
    int code;
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    cr_assert_not_null(z);
    for (size_t i = 0; i < n; i++) {
        zip_source_t *src = zip_source_file(z, files[i], 0, -1);
        const zip_int64_t at = zip_file_add(z, names[i], src, 0);
        cr_assert_geq(at, 0);
        cr_assert_eq(zip_set_file_compression(z, (zip_uint64_t)at, method, 0), 0);
    }
    cr_assert_eq(zip_close(z), 0);
}

Test(source_files, npz)
{
    static const char *const names[] = {"image.npy", "labels.npy", "readme.txt"};
    static const char *const files[] = {"x.npy", "l.npy", "l.npy"};
    const in_spec nhwc = {"image", QNS_F32, {4, {1, 2, 2, 3}}},
                  other = {"z", QNS_F32, {4, {1, 2, 2, 3}}};
    const int64_t labels[2] = {4, 2};
    const float want[4] = {100, 110, 120, 101};
    qns_graph *g = graph_of(&nhwc, 1), *h = graph_of(&other, 1);
    write_images("x.npy");
    write_npy("l.npy", QNS_I64, labels, (qns_shape){1, {2}});
    for (int method = 0; method < 2; method++) {
        write_npz("d.npz", names, files, 3, method ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
        qns_source *s = opened(method ? g : h, "d.npz"); /* by name, or as the only one */
        cr_assert_eq(qns_source_labels(s)[1], 2);
        check_floats(s, 1, want, 4);
        qns_source_close(s);
    }
    write_text("d.yaml", "inputs: {file: d.npz, dataset: imag}");
    refused(g, "d.yaml", NULL, QNS_E_NOTFOUND, "did you mean 'image'?");
    write_text("d.yaml",
               "inputs: {file: d.npz, dataset: image}\nlabels: {file: d.npz, dataset: labels}");
    qns_source_close(opened(g, "d.yaml"));
    static const char *const two[] = {"p.npy", "q.npy"};
    write_npz("d.npz", two, files, 2, ZIP_CM_STORE);
    refused(g, "d.npz", NULL, QNS_E_NOTFOUND, "it has 'p', 'q'");
    /* every truncation, and every byte damaged */
    write_npz("d.npz", names, files, 1, ZIP_CM_DEFLATE);
    char *all;
    size_t n;
    cr_assert_eq(qns_file_read(&all, &n, "d.npz", 1 << 20, NULL), QNS_OK);
    for (size_t i = 0; i < 2 * n; i++) {
        const char *spec = "e.npz";
        const char keep = all[i % n];
        qns_source *s = NULL;
        all[i % n] = (char)(i < n ? keep : ~keep);
        cr_assert_eq(qns_file_write("e.npz", all, i < n ? i : n, NULL), QNS_OK);
        const qns_status st = qns_source_open(&s, g, &spec, 1, NULL, 0, NULL);
        cr_assert(i >= n || st != QNS_OK);
        qns_source_close(s);
        all[i % n] = keep;
    }
    qns_free(all);
    write_text("d.npz", "not a zip file at all, but long enough to look at");
    refused(g, "d.npz", NULL, QNS_E_FORMAT, "'d.npz' is not a readable .npz file");
    refused(g, "none.npz", NULL, QNS_E_IO, "none.npz");
    qns_graph_free(g);
    qns_graph_free(h);
}

static void put_h5(hid_t f, const char *name, hid_t type, hid_t mem, const void *v, hsize_t chunk)
{
    const hsize_t dim[4] = {2, 2, 2, 3}, chunks[4] = {chunk, 2, 1, 3};
    const hid_t space = H5Screate_simple(4, dim, NULL), lcpl = H5Pcreate(H5P_LINK_CREATE),
                dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(lcpl, 1);
    if (chunk) {
        H5Pset_chunk(dcpl, 4, chunks);
        H5Pset_shuffle(dcpl);
        H5Pset_deflate(dcpl, 6);
    }
    const hid_t d = H5Dcreate2(f, name, type, space, lcpl, dcpl, H5P_DEFAULT);
    if (v)
        cr_assert_geq(H5Dwrite(d, mem, H5S_ALL, H5S_ALL, H5P_DEFAULT, v), 0);
    H5Dclose(d);
    H5Pclose(dcpl);
    H5Pclose(lcpl);
    H5Sclose(space);
}

Test(source_files, hdf5)
{
    const in_spec nhwc = {"image", QNS_F32, {4, {1, 2, 2, 3}}},
                  deep = {"/a/b", QNS_F32, {4, {1, 2, 2, 3}}};
    qns_graph *g = graph_of(&nhwc, 1), *h = graph_of(&deep, 1);
    double v[24];
    float want[24];
    for (int i = 0; i < 24; i++)
        want[i] = (float)(v[i] = i + 1);
    const hid_t types[4] = {H5T_STD_I16BE, H5T_IEEE_F64LE, H5T_NATIVE_UINT8, H5T_IEEE_F32BE};
    for (int i = 0; i < 4; i++) {
        const hid_t f = H5Fcreate("d.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        put_h5(f, "image", types[i], H5T_NATIVE_DOUBLE, v, (hsize_t)(i < 3 ? i : 0));
        put_h5(f, "a/b", types[i], H5T_NATIVE_DOUBLE, v, 0);
        put_h5(f, "unwritten", types[i], H5T_NATIVE_DOUBLE, NULL, 0);
        put_h5(f, "no_chunks", types[i], H5T_NATIVE_DOUBLE, NULL, 1);
        H5Fclose(f);
        qns_source *s = opened(i & 1 ? g : h, "d.h5");
        cr_assert_eq(qns_source_count(s), 2);
        check_floats(s, 1, want + 12, 12);
        check_floats(s, 0, want, 12);
        qns_source_close(s);
    }
    write_text("d.yaml", "inputs: {file: d.h5, dataset: unwritten}");
    refused(g, "d.yaml", NULL, QNS_E_FORMAT, "never written");
    write_text("d.yaml", "inputs: {file: d.h5, dataset: no_chunks}");
    refused(g, "d.yaml", NULL, QNS_E_FORMAT, "0 of its 4 chunks were written");
    write_text("d.yaml", "inputs: {file: d.h5, dataset: imag}");
    refused(g, "d.yaml", NULL, QNS_E_NOTFOUND, "did you mean 'image'?");
    write_text("n.h5", "this is not an HDF5 file");
    refused(g, "n.h5", NULL, QNS_E_FORMAT, "'n.h5' is not an HDF5 file");
    refused(g, "none.h5", NULL, QNS_E_IO, "none.h5");
    char *all;
    size_t n;
    cr_assert_eq(qns_file_read(&all, &n, "d.h5", 1 << 20, NULL), QNS_OK);
    cr_assert_eq(qns_file_write("cut.h5", all, n - 100, NULL), QNS_OK);
    refused(g, "cut.h5", NULL, QNS_E_FORMAT, "cut.h5");
    qns_free(all);
    qns_graph_free(g);
    qns_graph_free(h);
}

Test(source_files, hdf5_refusals)
{
    const in_spec in = {"s", QNS_F32, {2, {1, 2}}};
    qns_graph *g = graph_of(&in, 1);
    const hsize_t two = 2;
    const hid_t f = H5Fcreate("d.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t scalar = H5Screate(H5S_SCALAR), line = H5Screate_simple(1, &two, NULL);
    const hid_t text = H5Tcopy(H5T_C_S1), dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(dcpl, "/etc/passwd", 0, H5F_UNLIMITED);
    H5Dclose(
        H5Dcreate2(f, "scalar", H5T_NATIVE_INT, scalar, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(f, "text", text, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(H5Dcreate2(f, "external", H5T_NATIVE_UINT8, line, H5P_DEFAULT, dcpl, H5P_DEFAULT));
    H5Lcreate_external("/etc/passwd", "/x", f, "link", H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(text);
    H5Pclose(dcpl);
    H5Sclose(scalar);
    H5Sclose(line);
    H5Fclose(f);
    write_text("d.yaml", "inputs: {file: d.h5, dataset: scalar}");
    refused(g, "d.yaml", NULL, QNS_E_SHAPE, "single value");
    write_text("d.yaml", "inputs: {file: d.h5, dataset: text}");
    refused(g, "d.yaml", NULL, QNS_E_UNSUPPORTED, "neither integers nor floats");
    write_text("d.yaml", "inputs: {file: d.h5, dataset: external}");
    refused(g, "d.yaml", NULL, QNS_E_UNSUPPORTED, "in another file");
    write_text("d.yaml", "inputs: {file: d.h5, dataset: link}");
    refused(g, "d.yaml", NULL, QNS_E_NOTFOUND, "no array 'link'");
    qns_graph_free(g);
}

/* ctx: a signal to die of, or 0. */
static void die(const char *path, void *ctx)
{
    const int sig = *(const int *)ctx;
    cr_assert_str_eq(path, "d.h5");
    if (sig)
        raise(sig);
}

Test(source_files, probe)
{
    static const struct {
        int sig;
        qns_status code;
        const char *want;
    } c[] = {
        {0, QNS_OK, ""},
        {SIGSEGV, QNS_E_FORMAT, "'d.h5' is damaged: HDF5 crashes"},
        {SIGABRT, QNS_E_FORMAT, "crashes"},
        {SIGXCPU, QNS_E_FORMAT, "does not come to an end"},
        {SIGINT, QNS_E_CANCELLED, "stopped"},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(c); i++) {
        qns_err err = {0};
        int sig = c[i].sig;
        cr_assert_eq(qns_h5_probe("d.h5", die, &sig, &err), c[i].code, "signal %d", sig);
        cr_assert(strstr(err.text, c[i].want), "%s", err.text);
    }
}
