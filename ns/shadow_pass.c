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

/* A track that takes the elements as they lie in memory. */
typedef struct flat {
    qns_track *t;
    const char *test;
    size_t size; /* of an element */
    bool coded;
    qns_codes codes;
    qns_sums *part;
} flat;

static bool is_flat(const qns_track *t, const qns_tensor *ref, const qns_tensor *test)
{
    const bool same_order = ref->layout == test->layout || (is_row(ref) && is_row(test));
    return t->geom.channels == 1 && same_order && ref->dtype == QNS_F32 &&
           (test->dtype == QNS_F32 || is_coded(test));
}

static flat flat_of(qns_track *t, const qns_tensor *test, qns_sums *part)
{
    flat f = {.t = t,
              .test = test->data,
              .size = qns_dtype_size(test->dtype),
              .coded = test->dtype != QNS_F32,
              .part = part};
    if (f.coded)
        f.codes = (qns_codes){.scale = test->qp->scale[0],
                              .zero = test->qp->zero[0],
                              .is_signed = test->dtype == QNS_I8,
                              .by_channel = test->qp->axis >= 0};
    return f;
}

typedef struct part { /* of a value */
    const float *ref;
    size_t first, n;
} part;

static void add_part(const flat *f, int n_flat, const part *p)
{
    for (size_t i = 0; i < p->n; i += QNS_SUMS_BLOCK) {
        const size_t at = p->first + i, left = p->n - i;
        for (int k = 0; k < n_flat; k++)
            qns_track_block(&f[k].part[at / QNS_SUMS_BLOCK], f[k].t, p->ref + at,
                            f[k].test + at * f[k].size, f[k].coded ? &f[k].codes : NULL,
                            left < QNS_SUMS_BLOCK ? left : QNS_SUMS_BLOCK);
    }
}

void qns_pass_over(qns_pass *w, const qns_tensor *ref, const qns_pass_pair *pair, int n,
                   qns_local *give, qns_vid v, int64_t sample)
{
    enum { CHUNK = 16 * QNS_SUMS_BLOCK, WORTH = 8 * QNS_SUMS_BLOCK /* waking a thread */ };
    flat f[QNS_PASS_MAX];
    int n_flat = 0;
    const size_t count = qns_tensor_count(ref);
    for (int i = 0; i < n; i++) {
        if (is_flat(pair[i].track, ref, pair[i].test)) {
            f[n_flat] = flat_of(pair[i].track, pair[i].test, w->part[n_flat]);
            n_flat++;
        } else {
            qns_track_add(pair[i].track, qns_pass_floats(w->ref_row, ref),
                          qns_pass_floats(w->test_row, pair[i].test), sample);
        }
    }
#pragma omp parallel for schedule(static) if (count >= WORTH)
    for (size_t at = 0; at < count; at += CHUNK) {
        const part p = {ref->data, at, count - at < CHUNK ? count - at : CHUNK};
        add_part(f, n_flat, &p);
        if (give)
            qns_local_give(give, v, p.first, p.n);
    }
    for (int i = 0; i < n_flat; i++)
        qns_track_join(f[i].t, f[i].part, blocks_of(count), sample);
}
