/* SPDX-License-Identifier: MIT */
#include "ns/shadow_pass.h"

#include "core/base/mem.h"
#include "core/graph/qparams.h"

#include <string.h>

static size_t blocks_of(size_t n)
{
    return (n + QNS_SUMS_BLOCK - 1) / QNS_SUMS_BLOCK;
}

qns_status qns_pass_init(qns_pass *w, size_t most, qns_err *err)
{
    w->ref_row = qns_malloc64(most * sizeof(float));
    w->test_row = qns_malloc64(most * sizeof(float));
    if (!w->ref_row || !w->test_row)
        QNS_FAIL(err, NOMEM, "cannot get memory to compare values of %zu elements", most);
    for (int i = 0; i < QNS_PASS_MAX; i++)
        QNS_TRY(qns_new((void **)&w->part[i], blocks_of(most), sizeof *w->part[i], err));
    return QNS_OK;
}

void qns_pass_fini(qns_pass *w)
{
    qns_free(w->ref_row);
    qns_free(w->test_row);
    for (int i = 0; i < QNS_PASS_MAX; i++)
        qns_free(w->part[i]);
}

static bool is_row(const qns_tensor *t)
{
    return t->layout == QNS_ROW || qns_layout_trivial(&t->shape);
}

static bool is_coded(const qns_tensor *t)
{
    return qns_is_code(t->dtype) && t->qp && t->qp->n == 1;
}

/* Row-major floats: t's own memory, or room. Codes go through a table of all that they can be. */
const float *qns_pass_floats(float *room, const qns_tensor *t)
{
    const size_t n = qns_tensor_count(t);
    if (t->dtype == QNS_F32 && is_row(t))
        return t->data;
    if (!is_coded(t)) {
        qns_tensor_to_float(room, t);
        return room;
    }
    uint8_t code[256], *bytes = (uint8_t *)room + 3 * n;
    float table[256];
    for (int i = 0; i < 256; i++)
        code[i] = (uint8_t)i;
    const qns_tensor all = {.dtype = t->dtype, .shape = {1, {256}}, .data = code, .qp = t->qp};
    qns_tensor_to_float(table, &all);
    qns_tensor_relayout(bytes, QNS_ROW, t);
    /* The bytes lie at the end of room: each is read before it is written over. */
    for (size_t i = 0; i < n; i++)
        memcpy(&room[i], &table[bytes[i]], sizeof(float));
    return room;
}

/* The tracks that take the elements as they lie in memory. */
typedef struct flats {
    const float *ref;
    const qns_pass_pair *pair[QNS_PASS_MAX];
    qns_test test[QNS_PASS_MAX]; /* of the whole value */
    size_t size[QNS_PASS_MAX];   /* of an element */
    qns_codes codes[QNS_PASS_MAX];
    qns_sums **part;
    size_t n;
} flats;

static bool is_flat(const qns_track *t, const qns_tensor *ref, const qns_tensor *test)
{
    const bool same_order = ref->layout == test->layout || (is_row(ref) && is_row(test));
    return t->geom.channels == 1 && same_order && ref->dtype == QNS_F32 &&
           (test->dtype == QNS_F32 || is_coded(test));
}

static void add_flat(flats *f, const qns_pass_pair *p)
{
    const size_t i = f->n++;
    const qns_tensor *test = p->test;
    f->pair[i] = p;
    f->test[i].data = test->data;
    f->size[i] = qns_dtype_size(test->dtype);
    if (test->dtype == QNS_F32)
        return;
    f->codes[i] = (qns_codes){.scale = test->qp->scale[0],
                              .zero = test->qp->zero[0],
                              .is_signed = test->dtype == QNS_I8,
                              .by_channel = test->qp->axis >= 0};
    f->test[i].codes = &f->codes[i];
}

/* Both sides of a layer are codes on one grid: they are summed together. */
static void add_block(const flats *f, size_t at, size_t n)
{
    const size_t block = at / QNS_SUMS_BLOCK;
    const bool together = f->n == 2 && f->pair[0]->track->grid == f->pair[1]->track->grid;
    qns_test test[QNS_PASS_MAX];
    qns_sums *out[QNS_PASS_MAX];
    for (size_t i = 0; i < f->n; i++) {
        test[i] = (qns_test){(const char *)f->test[i].data + at * f->size[i], f->test[i].codes};
        out[i] = &f->part[i][block];
    }
    for (size_t i = 0; i < f->n; i += together ? 2 : 1)
        qns_sums_block(out + i, f->pair[i]->track->k, f->ref + at, test + i, together ? 2 : 1, n,
                       f->pair[i]->track->grid);
}

void qns_pass_over(qns_pass *w, const qns_tensor *ref, const qns_pass_pair *pair, int n,
                   qns_local *give, qns_vid v)
{
    enum { CHUNK = 8 * QNS_SUMS_BLOCK, WORTH = 4 * QNS_SUMS_BLOCK /* waking a thread */ };
    const size_t count = qns_tensor_count(ref), n_chunks = (count + CHUNK - 1) / CHUNK;
    flats f = {.ref = ref->data, .part = w->part};
    for (int i = 0; i < n; i++) {
        if (is_flat(pair[i].track, ref, pair[i].test))
            add_flat(&f, &pair[i]);
        else
            qns_track_measure(pair[i].sample, pair[i].track, qns_pass_floats(w->ref_row, ref),
                              qns_pass_floats(w->test_row, pair[i].test));
    }
    /* From the end, which was written last: of a value larger than the cache that is what the cache
     * holds. */
#pragma omp parallel for schedule(static) if (count >= WORTH)
    for (size_t chunk = n_chunks; chunk > 0; chunk--) {
        const size_t first = (chunk - 1) * CHUNK;
        const size_t end = chunk * CHUNK < count ? chunk * CHUNK : count;
        for (size_t at = first; at < end; at += QNS_SUMS_BLOCK)
            add_block(&f, at, end - at < QNS_SUMS_BLOCK ? end - at : QNS_SUMS_BLOCK);
        /* Not by block: calling the quantizer takes as long as quantizing some thousand numbers. */
        if (give)
            qns_local_give(give, v, first, end - first);
    }
    for (size_t i = 0; i < f.n; i++)
        qns_track_join(f.pair[i]->sample, f.part[i], blocks_of(count));
}
