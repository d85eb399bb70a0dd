/* SPDX-License-Identifier: MIT */
#include "ns/h5_read.h"
#include "tests/unit/ns/cap_help.h"

#include <hdf5.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

TestSuite(capture_file, .init = make_folder, .fini = drop_folder);

static uint32_t find(const qns_capture *c, const char *path)
{
    for (uint32_t i = 0; i < qns_capture_n(c); i++)
        if (strcmp(qns_capture_at(c, i)->path, path) == 0)
            return i;
    cr_assert_fail("no dataset '%s'", path);
    return 0;
}

static void check_values(qns_capture *c, const spec *s)
{
    static float want[COUNT], got[COUNT];
    qns_err err;
    const uint32_t i = find(c, "activations/layer1.relu_out");
    for (int64_t row = 0; row < qns_capture_info(c)->samples; row++) {
        layer_values(want, 1, qns_capture_info(c)->id[row], COUNT);
        /* An odd range: parts of slices at both ends. */
        const qns_cap_part p = {i, row, 1, 7, 101};
        OK(qns_capture_read(got, c, &p, &err));
        for (int k = 0; k < 101; k++) {
            const float x = want[7 + k];
            const float w = s->quantized ? (float)step_of * (float)(code_of(x) - 64) : x;
            cr_assert_eq(memcmp(&w, &got[k], 4), 0, "row %d, %d: %g not %g", (int)row, k, got[k],
                         w);
        }
    }
}

static void round_trip(const spec *s)
{
    qns_err err;
    qns_capture *c = NULL;
    const char *path = in_folder("a.h5");
    write_capture(path, s);
    OK(qns_capture_open(&c, path, &err));
    const qns_cap_info *i = qns_capture_info(c);
    cr_assert_eq(i->version, QNS_CAPTURE_VERSION);
    cr_assert(i->complete);
    cr_assert_eq(i->samples, s->samples);
    cr_assert_eq(i->id[3], s->first + 3);
    cr_assert_eq(i->label[3], (s->first + 3) % CLASSES);
    cr_assert_eq(strlen(i->inputs), 32);
    cr_assert_not_null(i->digest);
    cr_assert_eq(i->n_skipped, 0);
    cr_assert_eq(qns_capture_n(c), 2 * LAYERS);
    const qns_cap_data *d = qns_capture_at(c, find(c, "activations/layer2.relu_out"));
    cr_assert_str_eq(d->value_origin, "/layer2/relu_out");
    cr_assert_str_eq(d->node, "conv2");
    cr_assert_eq(d->n_origin, 2);
    cr_assert_str_eq(d->origin[0], "conv2");
    cr_assert_str_eq(d->inputs[0], "/layer1/relu_out");
    cr_assert_eq(d->index, 2);
    cr_assert_eq(d->macs, 100);
    cr_assert_eq(d->shape.rank, 3);
    cr_assert_eq(d->n_scale, s->quantized);
    d = qns_capture_at(c, find(c, "weights/layer2.weight"));
    cr_assert_eq(d->n_scale, s->quantized ? 8 : 0);
    cr_assert_eq(d->axis, s->quantized ? 0 : -1);
    check_values(c, s);
    qns_capture_close(c);
    cr_assert_neq(access(in_folder("a.h5.partial"), F_OK), 0);
}

Test(capture_file, round_trip_float)
{
    round_trip(&plain);
}

Test(capture_file, round_trip_codes)
{
    spec s = plain;
    s.quantized = true;
    s.first = 40;
    round_trip(&s);
}

/* The process that tries a file has no memory in which it could tell what it found. */
Test(capture_file, nothing_can_be_told)
{
    enum { ROOM = 512 << 20 };
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(f && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    const rlim_t now = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    const struct rlimit limit = {now + ROOM, now + ROOM};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    cr_assert_neq(qns_arena_create_shared(&(qns_arena *){0}, 1 << 30, NULL), QNS_OK);
    round_trip(&plain);
}

Test(capture_file, round_trip_deflate)
{
    spec s = plain;
    s.compress = QNS_COMPRESS_DEFLATE;
    s.samples = 3000; /* more than one chunk */
    round_trip(&s);
}

/* Rows that are written in pieces: channels last, of one image or two. */
static void large_rows(qns_dtype type, const qns_shape *shape)
{
    enum { SAMPLES = 5 };
    const size_t size = qns_dtype_size(type), n = qns_shape_count(shape);
    const qns_cap_facts facts = {.samples = SAMPLES + 2};
    const qns_cap_desc d = {.group = QNS_GROUP_ACTIVATION,
                            .name = "x",
                            .index = -1,
                            .output = -1,
                            .dtype = type,
                            .shape = *shape};
    uint32_t column;
    qns_err err;
    qns_cap_writer *w = NULL;
    qns_capture *c = NULL;
    uint8_t *last = malloc(n * size), *row = malloc(n * size);
    float *got = malloc(n * sizeof *got);
    OK(qns_cap_create(&w, in_folder("l.h5"), &facts, QNS_COMPRESS_NONE, &err));
    OK(qns_cap_column(&column, w, &d, &err));
    for (int i = 0; i < SAMPLES; i++) {
        const qns_tensor t = {.dtype = type, .layout = QNS_CHLAST, .shape = *shape, .data = last};
        for (size_t k = 0; k < n; k++) {
            const float x = (float)((k * 31 + (size_t)i) % 100003);
            last[k] = (uint8_t)(k * 31 + (size_t)i);
            if (type == QNS_F32)
                memcpy(last + k * 4, &x, 4);
        }
        const qns_digest none = {{0}};
        OK(qns_cap_begin(w, 0, &err));
        OK(qns_cap_append(w, 0, column, &t, &err));
        OK(qns_cap_sample(w, 0, i, &none, 0, &err));
        if (i < SAMPLES - 1)
            continue;
        OK(qns_cap_commit(w, &err));
        OK(qns_capture_open(&c, in_folder("l.h5"), &err));
        cr_assert_eq(qns_capture_info(c)->samples, SAMPLES);
        OK(qns_capture_read(got, c, &(qns_cap_part){find(c, "activations/x"), i, 1, 0, n}, &err));
        qns_tensor_relayout(row, QNS_ROW, &t);
        for (size_t k = 0; k < n; k++) {
            float x = row[k];
            if (type == QNS_F32)
                memcpy(&x, row + k * 4, 4);
            cr_assert_eq(got[k], x, "%zu: %g not %g", k, got[k], x);
        }
    }
    qns_capture_close(c);
    free(last);
    free(row);
    free(got);
}

Test(capture_file, large_rows)
{
    const qns_shape one = {4, {1, 100, 37, 41}}, two = {4, {2, 67, 50, 30}};
    large_rows(QNS_F32, &one);
    large_rows(QNS_U8, &one);
    large_rows(QNS_F32, &two);
}

Test(capture_file, lz4_is_refused_without_plugin)
{
    qns_err err;
    qns_cap_writer *w = NULL;
    const qns_cap_facts f = {0};
    if (H5Zfilter_avail(32004) > 0)
        cr_skip_test("the plugin is there");
    FAILS(qns_cap_create(&w, in_folder("a.h5"), &f, QNS_COMPRESS_LZ4, &err), QNS_E_UNSUPPORTED,
          "lz4");
    cr_assert_neq(access(in_folder("a.h5.partial"), F_OK), 0);
}

Test(capture_file, abandoned)
{
    qns_err err;
    qns_capture *c = NULL;
    spec s = plain;
    s.incomplete = true;
    s.samples = 5;
    write_capture(in_folder("a.h5"), &s);
    OK(qns_capture_open(&c, in_folder("a.h5"), &err));
    cr_assert_not(qns_capture_info(c)->complete);
    cr_assert_eq(qns_capture_info(c)->samples, 5);
    check_values(c, &s);
    qns_capture_close(c);
}

/* A process that is killed leaves the samples of its last flush. */
Test(capture_file, killed)
{
    qns_err err;
    qns_capture *c = NULL;
    const char *path = in_folder("a.h5");
    spec endless = plain;
    endless.samples = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        uint32_t column[LAYERS];
        qns_cap_writer *w = begin_capture(path, &endless, column);
        for (int64_t i = 0;; i++) {
            add_sample(w, &plain, column, i);
            usleep(200);
        }
    }
    sleep(5); /* two flushes */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    OK(qns_capture_open(&c, in_folder("a.h5.partial"), &err));
    cr_assert_not(qns_capture_info(c)->complete);
    cr_assert_gt(qns_capture_info(c)->samples, 100);
    cr_assert_eq(qns_capture_n(c), 2 * LAYERS);
    check_values(c, &plain);
    qns_capture_close(c);
}

/* A full disk, played by a limit of the file size: a message, no crash and no hang at exit, and
 * what was written before can be read. */
static void fill_disk(rlim_t limit)
{
    spec endless = plain;
    endless.samples = 0;
    const pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        qns_err err = {0};
        uint32_t column[LAYERS];
        const struct rlimit l = {limit, limit};
        signal(SIGXFSZ, SIG_IGN);
        alarm(60);
        qns_cap_writer *w = begin_capture(in_folder("a.h5"), &endless, column);
        if (setrlimit(RLIMIT_FSIZE, &l) != 0)
            _exit(9);
        qns_status st = QNS_OK;
        static float x[COUNT];
        for (int64_t i = 0; st == QNS_OK && i < 100000; i++) {
            if (i == 300) /* so that there is a flush before the end */
                sleep(3);
            st = qns_cap_begin(w, 0, &err);
            for (int k = 0; k < LAYERS && st == QNS_OK; k++) {
                layer_values(x, k, i, layer_count(k));
                st = append(w, column[k], QNS_F32, k, x, &err);
            }
            const qns_digest d = {{0}};
            if (st == QNS_OK)
                st = qns_cap_sample(w, 0, i, &d, 0, &err);
        }
        int64_t kept = -1;
        const bool readable = qns_cap_abandon(&kept, w);
        if (st != QNS_E_IO || !strstr(err.text, "a.h5.partial': File too large"))
            exit(8);
        exit(readable && kept > 0 ? 0 : 7); /* exit: HDF5's own cleanup runs */
    }
    waitpid(pid, &status, 0);
    cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "exit code %d", WEXITSTATUS(status));
    qns_err err;
    qns_capture *c = NULL;
    OK(qns_capture_open(&c, in_folder("a.h5.partial"), &err));
    cr_assert_not(qns_capture_info(c)->complete);
    cr_assert_gt(qns_capture_info(c)->samples, 0);
    check_values(c, &plain);
    qns_capture_close(c);
}

Test(capture_file, disk_full)
{
    fill_disk(6 << 20);
}

Test(capture_file, disk_full_later)
{
    fill_disk(23456789);
}

/* ---- foreign files: made with plain HDF5 ---- */

static void put(hid_t at, const char *name, hid_t type, hid_t mem, int rank, const hsize_t *dim,
                const void *data)
{
    const hid_t lcpl = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(lcpl, 1);
    const hid_t space = H5Screate_simple(rank, dim, NULL);
    const hid_t d = H5Dcreate2(at, name, type, space, lcpl, H5P_DEFAULT, H5P_DEFAULT);
    cr_assert_geq(d, 0);
    cr_assert_geq(H5Dwrite(d, mem, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), 0);
    H5Dclose(d);
    H5Sclose(space);
    H5Pclose(lcpl);
}

static void put_attr(hid_t file, const char *obj, const char *name, double v)
{
    const hid_t d = H5Oopen(file, obj, H5P_DEFAULT), s = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate2(d, name, H5T_NATIVE_DOUBLE, s, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_DOUBLE, &v);
    H5Aclose(a);
    H5Sclose(s);
    H5Oclose(d);
}

Test(capture_file, foreign)
{
    qns_err err;
    qns_capture *c = NULL;
    const hsize_t dim[3] = {3, 2, 2}, wdim[2] = {2, 2}, none[1] = {1};
    const double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const int16_t w[4] = {1, -2, 3, -4};
    const uint8_t q[12] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
    float out[12];
    const hid_t f = H5Fcreate(in_folder("f.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(f, "activations/block/conv", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, 3, dim, x);
    put(f, "activations/q", H5T_STD_U8LE, H5T_NATIVE_UINT8, 3, dim, q);
    put_attr(f, "activations/q", "scale", 0.5);
    put_attr(f, "activations/q", "zero_point", 10);
    put(f, "weights/conv.weight", H5T_STD_I16LE, H5T_NATIVE_INT16, 2, wdim, w);
    const hid_t text = H5Tcopy(H5T_C_S1);
    put(f, "activations/notes", text, text, 1, none, "x");
    H5Fclose(f);
    OK(qns_capture_open(&c, in_folder("f.h5"), &err));
    cr_assert_eq(qns_capture_info(c)->version, 0);
    cr_assert_eq(qns_capture_info(c)->samples, 3);
    cr_assert_eq(qns_capture_info(c)->n_skipped, 1);
    cr_assert(strstr(qns_capture_info(c)->skipped[0], "notes"));
    const qns_cap_part p = {find(c, "activations/block/conv"), 1, 1, 1, 2};
    OK(qns_capture_read(out, c, &p, &err));
    cr_assert_eq(out[0], 6);
    cr_assert_eq(out[1], 7);
    const qns_cap_part all = {find(c, "activations/q"), 0, 3, 0, 4};
    OK(qns_capture_read(out, c, &all, &err));
    for (int i = 0; i < 12; i++)
        cr_assert_eq(out[i], 0.5f * (float)i);
    const qns_cap_part wp = {find(c, "weights/conv.weight"), 0, 1, 0, 4};
    OK(qns_capture_read(out, c, &wp, &err));
    cr_assert_eq(out[3], -4);
    qns_capture_close(c);
}

/* A scale that does not fit leaves the dataset out, it does not crash or guess. */
Test(capture_file, bad_scale)
{
    qns_err err;
    qns_capture *c = NULL;
    const hsize_t dim[2] = {3, 2};
    const uint8_t q[6] = {0};
    const hid_t f = H5Fcreate(in_folder("f.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(f, "activations/a", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, dim, q);
    put_attr(f, "activations/a", "scale", -1);
    put(f, "activations/b", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, dim, q);
    put_attr(f, "activations/b", "scale", 1);
    put_attr(f, "activations/b", "zero_point", 1e300);
    H5Fclose(f);
    OK(qns_capture_open(&c, in_folder("f.h5"), &err));
    cr_assert_eq(qns_capture_n(c), 0);
    cr_assert_eq(qns_capture_info(c)->n_skipped, 2);
    qns_capture_close(c);
}

/* ---- hostile files ---- */

Test(capture_file, not_a_capture)
{
    qns_err err;
    qns_capture *c = NULL;
    FAILS(qns_capture_open(&c, in_folder("missing.h5"), &err), QNS_E_IO, "missing.h5");
    FAILS(qns_capture_open(&c, folder, &err), QNS_E_IO, "not a regular file");
    FILE *f = fopen(in_folder("text.h5"), "w");
    fputs("hello", f);
    fclose(f);
    FAILS(qns_capture_open(&c, in_folder("text.h5"), &err), QNS_E_FORMAT, "not an HDF5 file");
    H5Fclose(H5Fcreate(in_folder("empty.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    FAILS(qns_capture_open(&c, in_folder("empty.h5"), &err), QNS_E_FORMAT, "no capture");
}

/* Terabytes promised by a few bytes, values in another file. */
Test(capture_file, promises)
{
    qns_err err;
    qns_capture *c = NULL;
    const hsize_t dim[2] = {1000000, 1000000}, chunk[2] = {1, 1000000}, small[1] = {4};
    const hid_t f = H5Fcreate(in_folder("f.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t g = H5Gcreate2(f, "activations", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dim, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 2, chunk);
    H5Dclose(H5Dcreate2(g, "huge", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    space = H5Screate_simple(1, small, NULL);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "/etc/passwd", 0, 16);
    H5Dclose(H5Dcreate2(g, "else", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Lcreate_external("other.h5", "/x", g, "link", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", g, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(f, "/activations", g, "loop", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(g); /* it would keep the file open, and unwritten */
    H5Fclose(f);
    OK(qns_capture_open(&c, in_folder("f.h5"), &err));
    cr_assert_eq(qns_capture_n(c), 0);
    cr_assert_eq(qns_capture_info(c)->n_skipped, 2);
    qns_capture_close(c);
}

/* Every prefix of a file: a message or a file that reads; never a crash. */
Test(capture_file, truncated)
{
    static char bytes[4 << 20];
    static float out[COUNT];
    qns_err err;
    spec s = plain;
    s.samples = 2;
    write_capture(in_folder("a.h5"), &s);
    FILE *f = fopen(in_folder("a.h5"), "rb");
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    cr_assert_lt(n, sizeof bytes);
    for (size_t cut = 0; cut < n; cut += 1 + n / 60) {
        qns_capture *c = NULL;
        f = fopen(in_folder("t.h5"), "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        err = (qns_err){0};
        if (qns_capture_open(&c, in_folder("t.h5"), &err) != QNS_OK) {
            cr_assert(strstr(err.trail, "t.h5"));
            continue;
        }
        for (uint32_t i = 0; i < qns_capture_n(c) && qns_capture_info(c)->samples > 0; i++) {
            const qns_cap_part p = {i, 0, 1, 0, qns_capture_at(c, i)->count};
            if (p.n <= COUNT)
                (void)qns_capture_read(out, c, &p, &err);
        }
        qns_capture_close(c);
    }
}
