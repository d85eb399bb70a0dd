/* SPDX-License-Identifier: MIT */
/* What a capture holds, by HDF5: the file's own facts, then every dataset below its groups. */
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ns/h5_read_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_SAMPLES = 1 << 24 }; /* 128 MiB of ids */

static qns_status skip(qns_capture *c, const char *path, const char *why, qns_err *err)
{
    char text[512];
    snprintf(text, sizeof text, "'%.300s': %s", path, why);
    const char *copy = qns_arena_strdup(c->arena, text);
    if (!copy)
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    QNS_VEC_PUSH(&c->skipped, copy, err);
    return QNS_OK;
}

/* ---- datasets ---- */

static qns_status keep_entry(qns_capture *c, const qns_cap_entry *e, qns_err *err)
{
    QNS_VEC_PUSH(&c->entry, *e, err);
    return QNS_OK;
}

typedef struct visit {
    qns_capture *c;
    qns_group group;
    qns_status st;
    qns_err *err;
} visit;

static qns_status one_dataset(visit *v, const char *path, hid_t group, const char *name)
{
    qns_capture *c = v->c;
    qns_cap_entry e;
    const char *why = NULL;
    hid_t dset = H5Dopen2(group, name, H5P_DEFAULT);
    if (dset < 0) {
        H5Eclear2(H5E_DEFAULT);
        return skip(c, path, "it is damaged", v->err);
    }
    qns_status st = qns_cap_describe(&e, &why, c, dset, v->group, path, v->err);
    if (st == QNS_OK && !why)
        st = qns_cap_find_direct(&e, c, dset, v->err);
    qns_h5_shut(&dset);
    if (st != QNS_OK)
        qns_err_note(v->err, "dataset '%s'", path);
    else if (why)
        st = skip(c, path, why, v->err);
    else
        st = keep_entry(c, &e, v->err);
    return st;
}

static herr_t on_object(hid_t group, const char *name, const H5O_info_t *info, void *ctx)
{
    visit *v = ctx;
    char path[2048];
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    snprintf(path, sizeof path, "%s/%s", qns_group_name(v->group), name);
    if (v->c->entry.n + v->c->skipped.n >= QNS_MAX_DATASETS)
        v->st = qns_err_set(v->err, QNS_E_FORMAT, __FILE__, __LINE__,
                            "more than %d datasets cannot be a capture", QNS_MAX_DATASETS);
    else
        v->st = one_dataset(v, path, group, name);
    return v->st == QNS_OK ? 0 : -1;
}

/* Every dataset below a group, nested or not, each once; links to elsewhere are not followed. */
static qns_status visit_group(qns_capture *c, qns_group g, qns_err *err)
{
    visit v = {.c = c, .group = g, .err = err};
    unsigned order = 0;
    const char *name = qns_group_name(g);
    if (H5Lexists(c->file, name, H5P_DEFAULT) <= 0)
        return QNS_OK;
    hid_t group = H5Gopen2(c->file, name, H5P_DEFAULT);
    if (group < 0)
        QNS_H5_FAIL(err, FORMAT, "'%s' is no group", name);
    hid_t plist = H5Gget_create_plist(group);
    if (plist >= 0)
        H5Pget_link_creation_order(plist, &order);
    qns_h5_shut(&plist);
    const H5_index_t by = order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    const herr_t ok = H5Ovisit2(group, by, H5_ITER_INC, on_object, &v, H5O_INFO_BASIC);
    qns_h5_shut(&group);
    if (v.st != QNS_OK)
        return v.st;
    if (ok < 0)
        QNS_H5_FAIL(err, FORMAT, "group '%s' is damaged", name);
    return QNS_OK;
}

/* ---- the file's own facts ---- */

/* A list of integers at the root; *out stays NULL when there is none. Rows beyond `width` columns.
 */
static qns_status read_list(void **out, int64_t *n, qns_capture *c, const char *name, hid_t type,
                            hsize_t width, qns_err *err)
{
    qns_status st = QNS_OK;
    hsize_t dim[2] = {0, width};
    const size_t size = H5Tget_size(type) * width;
    hid_t dset = 0, space = 0, file_type = 0;
    if (H5Lexists(c->file, name, H5P_DEFAULT) <= 0)
        return QNS_OK;
    if ((dset = H5Dopen2(c->file, name, H5P_DEFAULT)) < 0 || (space = H5Dget_space(dset)) < 0 ||
        (file_type = H5Dget_type(dset)) < 0)
        QNS_H5_FAIL_DONE(err, FORMAT, "'%s' is damaged or no dataset", name);
    if (H5Tget_class(file_type) != H5T_INTEGER ||
        H5Sget_simple_extent_ndims(space) != (width > 1 ? 2 : 1) ||
        H5Sget_simple_extent_dims(space, dim, NULL) < 0 || (width > 1 && dim[1] != width))
        QNS_FAIL_DONE(err, FORMAT, "'%s' is not a list of integers", name);
    if (dim[0] > MAX_SAMPLES ||
        (double)dim[0] * (double)width > 1100.0 * (double)H5Dget_storage_size(dset))
        QNS_FAIL_DONE(err, FORMAT, "'%s' holds fewer values than its shape says", name);
    QNS_TRY_DONE(qns_arena_new(out, c->arena, (size_t)dim[0], size, err));
    if (dim[0] > 0 && H5Dread(dset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
        QNS_H5_FAIL_DONE(err, FORMAT, "cannot read '%s'", name);
    *n = (int64_t)dim[0];
done:
    qns_h5_shut(&dset);
    qns_h5_shut(&space);
    qns_h5_shut(&file_type);
    return st;
}

static qns_status read_root(qns_capture *c, qns_err *err)
{
    qns_cap_info *i = &c->info;
    int64_t complete = 1;
    const struct {
        const char *name;
        const char **out;
    } texts[] = {{"model", &i->model},
                 {"backend", &i->backend},
                 {"engine", &i->engine},
                 {"build", &i->build},
                 {"graph", &i->graph},
                 {"weights", &i->weights},
                 {"inputs", &i->inputs},
                 {"qparams", &i->qparams},
                 {"source_graph", &i->source_graph},
                 {"source_weights", &i->source_weights}};
    QNS_TRY(qns_h5_get_int(&i->version, c->file, QNS_A_VERSION, err));
    if (i->version > QNS_CAPTURE_VERSION)
        QNS_FAIL(err, UNSUPPORTED,
                 "capture format version %lld is newer than this program (%d); use a newer qns",
                 (long long)i->version, QNS_CAPTURE_VERSION);
    if (i->version < 0)
        QNS_FAIL(err, FORMAT, "capture format version %lld", (long long)i->version);
    QNS_TRY(qns_h5_get_int(&complete, c->file, QNS_A_COMPLETE, err));
    i->complete = complete != 0;
    for (size_t k = 0; k < QNS_ARRAY_LEN(texts); k++) {
        *texts[k].out = "";
        QNS_TRY(qns_h5_get_text(texts[k].out, c->file, texts[k].name, c->arena, err));
    }
    return QNS_OK;
}

/* The number of samples most datasets have. */
static int64_t usual_rows(const qns_capture *c)
{
    int64_t best = 0;
    size_t votes = 0;
    for (size_t i = 0; i < c->entry.n; i++) {
        size_t same = 0;
        if (!qns_group_by_sample(c->entry.at[i].d.group))
            continue;
        if (votes > 0 && (int64_t)c->entry.at[i].dim[0] == best)
            continue;
        for (size_t k = 0; k < c->entry.n; k++)
            same += qns_group_by_sample(c->entry.at[k].d.group) &&
                    c->entry.at[k].dim[0] == c->entry.at[i].dim[0];
        if (same > votes) {
            votes = same;
            best = (int64_t)c->entry.at[i].dim[0];
        }
        if (2 * same >= c->entry.n)
            break;
    }
    return best;
}

/* Datasets with fewer samples than the file has are left out. */
static qns_status drop_short(qns_capture *c, qns_err *err)
{
    size_t kept = 0;
    qns_status st = QNS_OK;
    for (size_t i = 0; i < c->entry.n; i++) {
        qns_cap_entry *e = &c->entry.at[i];
        if (qns_group_by_sample(e->d.group) && (int64_t)e->dim[0] < c->info.samples) {
            char why[96];
            snprintf(why, sizeof why, "it has %lld samples, the file has %lld",
                     (long long)e->dim[0], (long long)c->info.samples);
            if (st == QNS_OK)
                st = skip(c, e->d.path, why, err);
        } else {
            c->entry.at[kept++] = *e;
        }
    }
    c->entry.n = kept;
    return st;
}

static qns_status read_samples(qns_capture *c, qns_err *err)
{
    qns_cap_info *i = &c->info;
    void *ids = NULL, *digests = NULL, *labels = NULL;
    int64_t n_ids = 0, n_digests = 0, n_labels = 0;
    QNS_TRY(read_list(&ids, &n_ids, c, QNS_D_SAMPLES, H5T_NATIVE_INT64, 1, err));
    QNS_TRY(read_list(&digests, &n_digests, c, QNS_D_SAMPLE_INPUTS, H5T_NATIVE_UINT8, 16, err));
    QNS_TRY(read_list(&labels, &n_labels, c, QNS_D_LABELS, H5T_NATIVE_INT64, 1, err));
    i->samples = ids ? n_ids : usual_rows(c);
    if (i->samples > MAX_SAMPLES)
        QNS_FAIL(err, FORMAT, "%lld samples; at most %d are possible", (long long)i->samples,
                 MAX_SAMPLES);
    QNS_TRY(drop_short(c, err));
    i->has_id = ids != NULL;
    if (!ids) {
        QNS_TRY(qns_arena_new(&ids, c->arena, (size_t)i->samples, sizeof(int64_t), err));
        for (int64_t k = 0; k < i->samples; k++)
            ((int64_t *)ids)[k] = k;
    }
    i->id = ids;
    i->digest = n_digests >= i->samples ? digests : NULL;
    i->label = labels && n_labels >= i->samples ? labels : NULL;
    if (labels && n_labels != i->samples)
        QNS_TRY(skip(c, QNS_D_LABELS, "it has another length than the samples", err));
    return QNS_OK;
}

/* The file that is read directly, and no other that got its name meanwhile. */
static qns_status check_same(const qns_capture *c, qns_err *err)
{
    struct stat ours, theirs;
    if (fstat(c->fd, &ours) != 0 || fstat(c->disk.fd, &theirs) != 0 ||
        ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
        QNS_FAIL(err, IO, "was replaced while it was opened");
    return QNS_OK;
}

qns_status qns_cap_open_file(qns_capture *c, qns_err *err)
{
    if (c->file > 0)
        return QNS_OK;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_cache(access, 0, 0, 0, 1.0) >= 0 &&
        qns_h5_driver_set(access, &c->disk))
        c->file = H5Fopen(c->info.path, H5F_ACC_RDONLY, access);
    qns_h5_shut(&access);
    if (c->file <= 0) {
        c->file = 0;
        QNS_H5_FAIL(err, FORMAT, "cannot open, it may be truncated");
    }
    const qns_status st = check_same(c, err);
    if (st != QNS_OK)
        qns_h5_shut(&c->file);
    return st;
}

qns_status qns_cap_read_contents(qns_capture *c, qns_err *err)
{
    if (H5Fis_hdf5(c->info.path) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        QNS_FAIL(err, FORMAT, "is not an HDF5 file; 'qns capture' makes one");
    }
    QNS_TRY(qns_cap_open_file(c, err));
    QNS_TRY(read_root(c, err));
    for (int g = 0; g < QNS_GROUP_COUNT; g++)
        QNS_TRY(visit_group(c, (qns_group)g, err));
    if (c->entry.n + c->skipped.n == 0)
        QNS_FAIL(err, FORMAT, "holds no datasets below '%s' or '%s', so it is no capture",
                 QNS_G_ACTIVATIONS, QNS_G_WEIGHTS);
    QNS_TRY(read_samples(c, err));
    c->info.skipped = c->skipped.at;
    c->info.n_skipped = (uint32_t)c->skipped.n;
    return QNS_OK;
}
