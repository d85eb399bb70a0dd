/* SPDX-License-Identifier: MIT */
#include "ns/h5_lists.h"

#include "core/base/vec.h"
#include "ns/h5_dataset.h"
#include "ns/h5_rows.h"

#include <string.h>

qns_status qns_h5_lists_make(qns_h5_lists *l, hid_t file, bool labels, qns_err *err)
{
    const struct {
        const char *name;
        hid_t file_type, type;
        hsize_t width;
        size_t size;
    } kind[QNS_H5_LISTS] = {{QNS_D_SAMPLES, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, sizeof(int64_t)},
                            {QNS_D_SAMPLE_INPUTS, H5T_STD_U8LE, H5T_NATIVE_UINT8, 16, 1},
                            {QNS_D_LABELS, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, sizeof(int64_t)}};
    for (int i = 0; i < (labels ? QNS_H5_LISTS : QNS_H5_LABELS); i++) {
        qns_h5_list *x = &l->of[i];
        x->type = kind[i].type;
        x->width = kind[i].width;
        x->row_bytes = kind[i].width * kind[i].size;
        QNS_TRY(qns_h5_make_list(&x->dset, file, kind[i].name, kind[i].file_type, x->width, err));
    }
    return QNS_OK;
}

static bool set_rows(const qns_h5_list *x, hsize_t n)
{
    const hsize_t dim[QNS_H5_MAX_RANK] = {0, x->width};
    return qns_h5_set_rows(x->dset, dim, n);
}

bool qns_h5_lists_place(qns_h5_lists *l, qns_h5_disk *disk, hsize_t row)
{
    const hsize_t first[QNS_H5_MAX_RANK] = {row};
    if (row % QNS_H5_LIST_ROWS > 0)
        return true;
    l->placed = row + 1;
    for (int i = 0; i < QNS_H5_LISTS; i++) {
        const qns_h5_list *x = &l->of[i];
        haddr_t at;
        if (x->dset > 0 &&
            !(set_rows(x, l->placed) &&
              qns_h5_driver_place(&at, disk, x->dset, first, QNS_H5_LIST_ROWS * x->row_bytes)))
            return false;
    }
    return true;
}

static qns_status add(qns_h5_list *x, const void *row, qns_err *err)
{
    if (x->dset <= 0)
        return QNS_OK;
    QNS_TRY(qns_vec_grow((void **)&x->at, &x->cap, x->n, x->row_bytes, err));
    memcpy(x->at + x->n++ * x->row_bytes, row, x->row_bytes);
    return QNS_OK;
}

/* The number comes last: it counts. */
qns_status qns_h5_lists_add(qns_h5_lists *l, int64_t id, const qns_digest *inputs, int64_t label,
                            qns_err *err)
{
    QNS_TRY(add(&l->of[QNS_H5_DIGESTS], inputs, err));
    QNS_TRY(add(&l->of[QNS_H5_LABELS], &label, err));
    return add(&l->of[QNS_H5_IDS], &id, err);
}

size_t qns_h5_lists_n(const qns_h5_lists *l)
{
    return l->of[QNS_H5_IDS].n;
}

bool qns_h5_lists_write(qns_h5_lists *l, hsize_t n)
{
    for (int i = 0; i < QNS_H5_LISTS; i++) {
        const qns_h5_list *x = &l->of[i];
        const hsize_t dim[QNS_H5_MAX_RANK] = {0, x->width}, have = l->written;
        if (x->dset <= 0)
            continue;
        if (!set_rows(x, n) ||
            (n > have && !qns_h5_write_rows(x->dset, x->type, dim, x->width > 1 ? 2 : 1, have,
                                            n - have, x->at + have * x->row_bytes)))
            return false;
    }
    l->written = n;
    return true;
}

void qns_h5_lists_shut(qns_h5_lists *l)
{
    for (int i = 0; i < QNS_H5_LISTS; i++)
        qns_h5_shut(&l->of[i].dset);
}

void qns_h5_lists_fini(qns_h5_lists *l)
{
    for (int i = 0; i < QNS_H5_LISTS; i++)
        qns_free(l->of[i].at);
}
