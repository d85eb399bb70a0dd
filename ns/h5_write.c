/* SPDX-License-Identifier: MIT */
/* The writer. What keeps an interrupted file readable:
 *
 *   - metadata stay in memory until a flush (evictions are off), so between flushes the file on
 *     disk is what the last flush left, plus raw data nobody points to yet;
 *   - a flush happens as a whole or not at all (h5_journal.h);
 *   - /samples is written with the flush that makes those samples whole;
 *   - rows of samples that are on their way lie behind those that count, and are cut off;
 *   - a few MiB of disk are reserved in an unlinked file and given back when the disk is full, so
 *     that there is room for the last flush. */
#include "ns/h5_write.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ns/h5_dataset.h"
#include "ns/h5_lists.h"
#include "ns/h5_rows.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    META_BLOCK = 256 * 1024, /* metadata lie together, away from the data */
    PAGE = 4096,             /* large data begin on one: writing part of a page costs more */
    LARGE = 64 * 1024,
    FLUSH_SECONDS = 2
};

struct qns_cap_writer {
    char *path, *partial;
    qns_h5_disk disk;
    hid_t file, group[QNS_GROUP_COUNT];
    struct {
        qns_h5_column *at;
        size_t n, cap;
    } columns;
    qns_h5_lists lists;
    hsize_t begun, on_disk; /* samples that have begun; as of the last flush, in /samples */
    qns_digester *all_inputs;
    qns_h5_how how;
    qns_h5_out out;
    qns_h5_lane *lane;
    int n_lanes;
    struct timespec last_flush;
};

/* ---- opening ---- */

static hid_t make_file(const char *path, qns_h5_disk *disk)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = -1, file = -1;
    H5AC_cache_config_t c = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (access < 0 || H5Pget_mdc_config(access, &c) < 0)
        goto done;
    c.evictions_enabled = false;
    c.incr_mode = H5C_incr__off;
    c.flash_incr_mode = H5C_flash_incr__off;
    c.decr_mode = H5C_decr__off;
    if (H5Pset_mdc_config(access, &c) < 0 || H5Pset_meta_block_size(access, META_BLOCK) < 0 ||
        H5Pset_alignment(access, LARGE, PAGE) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
        !qns_h5_driver_set(access, disk))
        goto done;
    if ((create = H5Pcreate(H5P_FILE_CREATE)) >= 0 && qns_h5_without_times(create))
        file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
done:
    qns_h5_shut(&create);
    qns_h5_shut(&access);
    return file;
}

static qns_status write_facts(hid_t file, const qns_cap_facts *f, qns_err *err)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"model", f->model},
                 {"backend", f->backend},
                 {"engine", f->engine},
                 {"build", f->build},
                 {"graph", f->graph},
                 {"weights", f->weights},
                 {"inputs", ""},
                 {"qparams", f->qparams},
                 {"source_graph", f->source_graph},
                 {"source_weights", f->source_weights}};
    QNS_TRY(qns_h5_set_int(file, QNS_A_VERSION, QNS_CAPTURE_VERSION, err));
    QNS_TRY(qns_h5_set_int(file, QNS_A_COMPLETE, 0, err));
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        QNS_TRY(qns_h5_set_text(file, texts[i].name, texts[i].text ? texts[i].text : "", err));
    return QNS_OK;
}

static void free_writer(qns_cap_writer *w)
{
    for (size_t i = 0; i < w->columns.n; i++)
        qns_free(w->columns.at[i].buf);
    qns_h5_reserve_give(&w->disk);
    qns_journal_fini(&w->disk.journal);
    for (int i = 0; w->lane && i < w->n_lanes; i++)
        qns_h5_lane_fini(&w->lane[i]);
    qns_free(w->lane);
    qns_h5_out_fini(&w->out);
    qns_free(w->columns.at);
    qns_h5_lists_fini(&w->lists);
    qns_digester_free(w->all_inputs);
    qns_free(w->path);
    qns_free(w->partial);
    qns_free(w);
}

static bool close_handles(qns_cap_writer *w)
{
    for (size_t i = 0; i < w->columns.n; i++)
        qns_h5_shut(&w->columns.at[i].dset);
    for (int g = 0; g < QNS_GROUP_COUNT; g++)
        qns_h5_shut(&w->group[g]);
    qns_h5_lists_shut(&w->lists);
    const bool ok = w->file <= 0 || H5Fclose(w->file) >= 0;
    w->file = 0;
    return ok;
}

static qns_status make_groups(qns_cap_writer *w, bool statistics, qns_err *err)
{
    hid_t create = H5Pcreate(H5P_GROUP_CREATE);
    bool ok = create >= 0 && qns_h5_without_times(create);
    for (int g = 0; g < QNS_GROUP_COUNT && ok; g++) {
        if (g == QNS_GROUP_STATISTICS && !statistics)
            continue;
        const hid_t made =
            H5Gcreate2(w->file, qns_group_name((qns_group)g), H5P_DEFAULT, create, H5P_DEFAULT);
        ok = made >= 0;
        w->group[g] = ok ? made : 0;
    }
    qns_h5_shut(&create);
    if (!ok)
        QNS_H5_FAIL(err, IO, "cannot write '%s'", w->partial);
    return QNS_OK;
}

static qns_status create_locked(qns_cap_writer *w, const qns_cap_facts *facts, qns_err *err)
{
    QNS_TRY(qns_h5_check_compress(w->how.compress, err));
    qns_journal_forget(w->partial);
    w->file = make_file(w->partial, &w->disk);
    if (w->file < 0) {
        w->file = 0;
        if (w->disk.error)
            QNS_FAIL(err, IO, "cannot create '%s': %s", w->partial, strerror(w->disk.error));
        QNS_H5_FAIL(err, IO, "cannot create '%s'", w->partial);
    }
    qns_h5_reserve_take(&w->disk, w->partial);
    QNS_TRY(write_facts(w->file, facts, err));
    QNS_TRY(make_groups(w, facts->statistics, err));
    return qns_h5_lists_make(&w->lists, w->file, facts->labels, err);
}

qns_status qns_cap_create(qns_cap_writer **out, const char *path, const qns_cap_facts *facts,
                          qns_compress compress, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_cap_writer *w = NULL;
    const size_t size = strlen(path) + sizeof ".partial";
    QNS_TRY(qns_new((void **)&w, 1, sizeof *w, err));
    w->disk.fd = w->disk.reserve = -1;
    qns_h5_out_init(&w->out, &w->disk);
    w->n_lanes = facts->lanes > 0 ? facts->lanes : 1;
    w->how = (qns_h5_how){compress, facts->samples};
    w->path = qns_strdup(path);
    w->partial = qns_calloc(size, 1);
    if (!w->path || !w->partial)
        QNS_FAIL_DONE(err, NOMEM, "cannot create '%s'", path);
    snprintf(w->partial, size, "%s.partial", path);
    QNS_TRY_DONE(qns_digester_create(&w->all_inputs, err));
    QNS_TRY_DONE(qns_new((void **)&w->lane, (size_t)w->n_lanes, sizeof *w->lane, err));
    /* last_flush stays 0: the first sample is flushed at once, and from then on the file is
     * readable. */
    qns_h5_lock();
    st = create_locked(w, facts, err);
    qns_h5_unlock();
    if (st == QNS_OK) {
        *out = w;
        w = NULL;
    }
done:
    if (w)
        qns_cap_discard(w);
    return st;
}

const char *qns_cap_partial(const qns_cap_writer *w)
{
    return w->partial;
}

/* ---- datasets ---- */

qns_status qns_cap_column(uint32_t *out, qns_cap_writer *w, const qns_cap_desc *d, qns_err *err)
{
    qns_h5_column c = {.type = qns_h5_mem_type(d->dtype)};
    assert(qns_group_by_sample(d->group) && w->begun == 0);
    qns_h5_lock();
    const qns_status st =
        qns_h5_make_dataset(&c.dset, &c.dims, w->group[d->group], d, &w->how, err);
    qns_h5_unlock();
    QNS_TRY(st);
    QNS_TRY(qns_h5_column_init(&c, d, &w->how, err));
    *out = (uint32_t)w->columns.n;
    QNS_VEC_PUSH(&w->columns, c, err);
    return QNS_OK;
}

qns_status qns_cap_tensor(qns_cap_writer *w, const qns_cap_desc *d, const void *data, qns_err *err)
{
    hid_t dset = 0;
    qns_h5_dims dims;
    assert(!qns_group_by_sample(d->group));
    qns_h5_lock();
    qns_status st = qns_h5_make_dataset(&dset, &dims, w->group[d->group], d, &w->how, err);
    if (st == QNS_OK &&
        H5Dwrite(dset, qns_h5_mem_type(d->dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        st = qns_h5_fail(err, QNS_E_IO, __FILE__, __LINE__, "cannot write '%s' to '%s'", d->name,
                         w->partial);
    qns_h5_shut(&dset);
    qns_h5_unlock();
    return st;
}

/* ---- rows ---- */

static qns_status no_write(const qns_cap_writer *w, qns_err *err)
{
    if (w->disk.error)
        QNS_FAIL(err, IO, "cannot write '%s': %s", w->partial, strerror(w->disk.error));
    QNS_H5_FAIL(err, IO, "cannot write '%s'", w->partial);
}

qns_status qns_cap_append(qns_cap_writer *w, int lane, uint32_t i, const qns_tensor *t,
                          qns_err *err)
{
    const qns_h5_column *c = &w->columns.at[i];
    assert(qns_tensor_bytes(t) == c->dims.row_bytes);
    if (qns_h5_lane_write(&w->lane[lane], c, i, &w->out, t))
        return QNS_OK;
    qns_h5_lock();
    const qns_status st = no_write(w, err);
    qns_h5_unlock();
    return st;
}

/* ---- samples ---- */

/* Samples that are whole in the file: those that are compressed wait for others in memory. */
static hsize_t whole(const qns_cap_writer *w)
{
    hsize_t n = qns_h5_lists_n(&w->lists);
    for (size_t i = 0; i < w->columns.n; i++)
        if (w->columns.at[i].compressed && w->columns.at[i].rows < n)
            n = w->columns.at[i].rows;
    return n;
}

static bool flush_file(qns_cap_writer *w)
{
    const bool ok = qns_h5_driver_flush(&w->disk, w->file, w->partial);
    if (ok)
        w->on_disk = w->lists.written;
    return ok;
}

static bool flush(qns_cap_writer *w)
{
    clock_gettime(CLOCK_MONOTONIC, &w->last_flush);
    return qns_h5_lists_write(&w->lists, whole(w)) && flush_file(w);
}

static bool is_time_to_flush(const qns_cap_writer *w)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - w->last_flush.tv_sec >= FLUSH_SECONDS && whole(w) >= w->lists.placed;
}

static bool place(qns_cap_writer *w, qns_h5_lane *l)
{
    bool ok = qns_h5_lists_place(&w->lists, &w->disk, w->begun);
    for (size_t i = 0; i < w->columns.n && ok; i++)
        ok = w->columns.at[i].compressed ||
             qns_h5_column_place(&l->place[i], &w->columns.at[i], &w->disk);
    w->begun++;
    return ok;
}

qns_status qns_cap_begin(qns_cap_writer *w, int lane, qns_err *err)
{
    qns_h5_lane *l = &w->lane[lane];
    qns_status st = QNS_OK;
    assert(lane < w->n_lanes);
    if (!l->place)
        QNS_TRY(qns_h5_lane_init(l, w->columns.at, w->columns.n, err));
    qns_h5_lock();
    if (!place(w, l))
        st = no_write(w, err);
    qns_h5_unlock();
    return st;
}

static bool add_compressed(qns_cap_writer *w, const qns_h5_lane *l)
{
    for (size_t i = 0; i < w->columns.n; i++)
        if (w->columns.at[i].compressed &&
            !qns_h5_column_add(&w->columns.at[i], l->rows + l->place[i]))
            return false;
    return true;
}

qns_status qns_cap_sample(qns_cap_writer *w, int lane, int64_t id, const qns_digest *inputs,
                          int64_t label, qns_err *err)
{
    qns_status st = QNS_OK;
    const bool written = qns_h5_out_settle(&w->out, &w->lane[lane].box);
    qns_h5_lock();
    if (!written || !add_compressed(w, &w->lane[lane]))
        st = no_write(w, err);
    if (st == QNS_OK)
        st = qns_h5_lists_add(&w->lists, id, inputs, label, err);
    if (st == QNS_OK && is_time_to_flush(w) && !flush(w))
        st = no_write(w, err);
    qns_h5_unlock();
    return st;
}

/* ---- the end ---- */

/* Cuts everything to n samples. HDF5 fills the rest of a chunk that is cut through, which writes
 * all of it; on a full disk only whole chunks are dropped, and /samples alone says where data end.
 */
static bool trim(qns_cap_writer *w, hsize_t n)
{
    bool ok = true;
    for (size_t i = 0; i < w->columns.n; i++) {
        qns_h5_column *c = &w->columns.at[i];
        const hsize_t chunk = c->dims.chunk_rows;
        ok &= qns_h5_set_rows(c->dset, c->dims.dim,
                              w->disk.error ? (n + chunk - 1) / chunk * chunk : n);
    }
    return ok && qns_h5_lists_write(&w->lists, n);
}

static qns_status write_inputs_digest(qns_cap_writer *w, hsize_t n, qns_err *err)
{
    char hex[QNS_HEX_LEN + 1];
    qns_digester_add(w->all_inputs, w->lists.of[QNS_H5_DIGESTS].at, n * sizeof(qns_digest));
    const qns_digest d = qns_digester_result(w->all_inputs);
    qns_digest_hex(hex, &d);
    return qns_h5_set_text(w->file, "inputs", n > 0 ? hex : "", err);
}

static qns_status finish(qns_cap_writer *w, qns_err *err)
{
    for (size_t i = 0; i < w->columns.n; i++)
        if (!qns_h5_column_push(&w->columns.at[i]))
            return no_write(w, err);
    assert(whole(w) == qns_h5_lists_n(&w->lists));
    if (!trim(w, qns_h5_lists_n(&w->lists)))
        return no_write(w, err);
    QNS_TRY(write_inputs_digest(w, qns_h5_lists_n(&w->lists), err));
    /* Everything else is on disk before the file calls itself complete. */
    if (!flush_file(w))
        return no_write(w, err);
    QNS_TRY(qns_h5_set_int(w->file, QNS_A_COMPLETE, 1, err));
    if (!flush_file(w))
        return no_write(w, err);
    return QNS_OK;
}

qns_status qns_cap_commit(qns_cap_writer *w, qns_err *err)
{
    qns_h5_lock();
    qns_status st = finish(w, err);
    if (st == QNS_OK && !close_handles(w))
        st = no_write(w, err);
    qns_h5_unlock();
    if (st == QNS_OK && rename(w->partial, w->path) != 0)
        st = qns_err_set(err, QNS_E_IO, __FILE__, __LINE__, "cannot rename '%s' to '%s'",
                         w->partial, w->path);
    if (st != QNS_OK)
        qns_cap_abandon(NULL, w);
    else
        free_writer(w);
    return st;
}

/* Cuts the open file to its whole samples and flushes it. */
static bool keep_whole(qns_cap_writer *w)
{
    qns_err none = {0};
    for (size_t i = 0; i < w->columns.n; i++)
        if (!qns_h5_column_push(&w->columns.at[i]))
            w->columns.at[i].n_buf = 0;
    const hsize_t keep = whole(w);
    return trim(w, keep) && write_inputs_digest(w, keep, &none) == QNS_OK &&
           qns_h5_set_int(w->file, QNS_A_COMPLETE, 0, &none) == QNS_OK && flush_file(w);
}

bool qns_cap_abandon(int64_t *samples, qns_cap_writer *w)
{
    bool ok = true;
    int64_t n = 0;
    if (w) {
        qns_h5_lock();
        qns_h5_reserve_give(&w->disk);
        const hsize_t on_disk = w->on_disk;
        ok = w->file <= 0 || keep_whole(w);
        /* The state of the last flush is untouched and readable; leave it so. */
        w->disk.given_up = !ok;
        n = (int64_t)(ok ? w->lists.written : on_disk);
        close_handles(w);
        qns_h5_unlock();
        free_writer(w);
    }
    if (samples)
        *samples = n;
    return ok || n > 0;
}

void qns_cap_discard(qns_cap_writer *w)
{
    if (!w)
        return;
    qns_h5_lock();
    const bool made = w->file > 0;
    w->disk.given_up = true;
    close_handles(w);
    qns_h5_unlock();
    if (made) {
        qns_journal_forget(w->partial);
        unlink(w->partial);
    }
    free_writer(w);
}
