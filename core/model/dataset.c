/* SPDX-License-Identifier: MIT */
#include "core/model/dataset.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/h5_source.h"
#include "core/model/npy.h"
#include "core/model/npz.h"

#include <string.h>

/* npy alone: a .npy file. npy and bytes: unpacked from a .npz. Otherwise HDF5. */
struct qns_dataset {
    qns_str label;
    qns_npy *npy;
    void *bytes;
    qns_h5 *h5;
    qns_h5_data *h5_data;
};

typedef enum kind { NPY, NPZ, H5, UNKNOWN } kind;

static kind kind_of(const char *path)
{
    if (qns_has_suffix(path, ".npy"))
        return NPY;
    if (qns_has_suffix(path, ".npz"))
        return NPZ;
    if (qns_has_suffix(path, ".h5") || qns_has_suffix(path, ".hdf5"))
        return H5;
    return UNKNOWN;
}

bool qns_dataset_is_file(const char *path)
{
    return kind_of(path) != UNKNOWN;
}

/* Which of the arrays is meant. */
static qns_status pick(const char **out, const qns_names *names, const char *name, bool exact,
                       qns_err *err)
{
    const char *bare = name[0] == '/' ? name + 1 : name; /* HDF5 takes slashes for folders */
    char all[300];
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->at[i], name) == 0 || strcmp(names->at[i], bare) == 0) {
            *out = names->at[i];
            return QNS_OK;
        }
        if (strcmp(names->at[i], "labels") != 0) {
            *out = names->at[i];
            n++;
        }
    }
    if (n == 1 && !exact)
        return QNS_OK;
    const int64_t near = qns_nearest(name, (const char *const *)names->at, names->n);
    qns_names_text(all, sizeof all, names);
    if (near >= 0)
        QNS_FAIL(err, NOTFOUND, "it has no array '%s', did you mean '%s'?", name, names->at[near]);
    QNS_FAIL(err, NOTFOUND, "it has no array '%s'; it has %s", name, all);
}

static qns_status open_npz(qns_dataset *d, const char *path, const char *name, bool exact,
                           qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npz *z = NULL;
    size_t n;
    QNS_TRY(qns_npz_open(&z, path, err));
    if ((st = pick(&name, qns_npz_names(z), name, exact, err)) != QNS_OK) {
        qns_err_note(err, "'%s'", path);
        goto done;
    }
    qns_str_addf(&d->label, "'%s': '%s'", path, name);
    QNS_TRY_DONE(qns_npz_unpack(&d->bytes, &n, z, name, err));
    QNS_TRY_DONE(qns_npy_open_bytes(&d->npy, d->bytes, n, qns_str_get(&d->label), err));
done:
    qns_npz_close(z);
    return st;
}

static qns_status open_h5(qns_dataset *d, const char *path, const char *name, bool exact,
                          qns_err *err)
{
    QNS_TRY(qns_h5_file_open(&d->h5, path, err));
    const qns_status st = pick(&name, qns_h5_file_names(d->h5), name, exact, err);
    if (st != QNS_OK) {
        qns_err_note(err, "'%s'", path);
        return st;
    }
    qns_str_addf(&d->label, "'%s': '%s'", path, name);
    return qns_h5_data_open(&d->h5_data, d->h5, name, err);
}

qns_status qns_dataset_open(qns_dataset **out, const char *path, const char *name, bool exact,
                            qns_err *err)
{
    qns_status st = QNS_OK;
    qns_dataset *d = NULL;
    QNS_TRY(qns_new((void **)&d, 1, sizeof *d, err));
    switch (kind_of(path)) {
    case NPY:
        qns_str_addf(&d->label, "'%s'", path);
        QNS_TRY_DONE(qns_npy_open(&d->npy, path, err));
        break;
    case NPZ:
        QNS_TRY_DONE(open_npz(d, path, name, exact, err));
        break;
    case H5:
        QNS_TRY_DONE(open_h5(d, path, name, exact, err));
        break;
    default:
        QNS_FAIL_DONE(err, UNSUPPORTED,
                      "'%s' is not a kind of file that is read; .npy, .npz and .h5 are", path);
    }
    if (d->label.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot open '%s'", path);
    if (qns_dataset_shape(d)->rank < 1)
        QNS_FAIL_DONE(err, SHAPE, "%s is a single number; samples on a first axis are expected",
                      qns_dataset_label(d));
    *out = d;
    d = NULL;
done:
    qns_dataset_close(d);
    return st;
}

void qns_dataset_close(qns_dataset *d)
{
    if (!d)
        return;
    qns_npy_close(d->npy);
    qns_free(d->bytes);
    qns_h5_data_close(d->h5_data);
    qns_h5_file_close(d->h5);
    qns_str_fini(&d->label);
    qns_free(d);
}

const char *qns_dataset_label(const qns_dataset *d)
{
    return qns_str_get(&d->label);
}

qns_elem qns_dataset_elem(const qns_dataset *d)
{
    return d->npy ? qns_npy_elem(d->npy) : qns_h5_data_elem(d->h5_data);
}

const qns_shape *qns_dataset_shape(const qns_dataset *d)
{
    return d->npy ? qns_npy_shape(d->npy) : qns_h5_data_shape(d->h5_data);
}

qns_shape qns_dataset_sample_shape(const qns_dataset *d)
{
    const qns_shape *s = qns_dataset_shape(d);
    qns_shape out = {.rank = s->rank - 1};
    for (int32_t i = 0; i < out.rank; i++)
        out.dim[i] = s->dim[i + 1];
    return out;
}

qns_status qns_dataset_read(void *out, qns_dataset *d, int64_t i, qns_err *err)
{
    return d->npy ? qns_npy_read(out, d->npy, i, err) : qns_h5_data_read(out, d->h5_data, i, err);
}
