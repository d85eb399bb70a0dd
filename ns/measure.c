/* SPDX-License-Identifier: MIT */
/* One pair of datasets, read in blocks and summed. The blocks have a fixed size, so the order of
 * all additions depends on shapes only. */
#include "core/base/mem.h"
#include "ns/cmp.h"
#include "ns/compare/channels.h"
#include "ns/compare/metric.h"

#include <assert.h>

/* Of filtered chunks more elements are in memory at a time, because each reading unpacks a chunk as
 * a whole. */
enum { BLOCK = QNS_MEASURE_BLOCK, FILTERED_BLOCK = 256 * QNS_SUMS_BLOCK };

qns_geom qns_geom_of(const qns_shape *s, int32_t axis)
{
    if (axis < 0)
        return (qns_geom){1, 1, qns_shape_count(s)};
    return (qns_geom){qns_shape_span(s, 0, axis), (size_t)s->dim[axis],
                      qns_shape_span(s, axis + 1, s->rank)};
}

/* The piece that starts at `first`: whole slabs (one outer index), else whole channels of one slab,
 * else a part of one channel. */
static size_t piece(const qns_geom *g, size_t block, size_t first, size_t total)
{
    const size_t slab = g->channels * g->inner;
    size_t n, left;
    if (first % slab == 0 && slab <= block) {
        n = block / slab * slab;
        left = total - first;
    } else if (first % g->inner == 0 && g->inner <= block) {
        n = block / g->inner * g->inner;
        left = slab - first % slab;
    } else {
        n = block;
        left = g->inner - first % g->inner;
    }
    return n < left ? n : left;
}

static void add_floats(qns_sums *s, const qns_measure *m, const float *ref, const float *test,
                       size_t first, size_t n)
{
    const qns_geom *g = &m->geom;
    const size_t slab = g->channels * g->inner, c = first % slab / g->inner;
    const size_t grid_step = m->n_grid > 1 ? 1 : 0;
    const qns_grid *grid = m->grid ? m->grid + c * grid_step : NULL;
    if (n % slab == 0 && first % slab == 0)
        qns_channel_sums_add(s, m->k, ref, test, n / slab, g->channels, g->inner, grid, grid_step);
    else if (n % g->inner == 0 && first % g->inner == 0)
        qns_channel_sums_add(s + c, m->k, ref, test, 1, n / g->inner, g->inner, grid, grid_step);
    else
        qns_sums_add(s + c, m->k, ref, test, n, grid);
    if (m->bins)
        qns_bins_add(m->bins, ref, test, n);
}

/* One test side, or two of the same reference. */
typedef struct state {
    qns_measure *m[2];
    size_t n_m;
    float *room;            /* a block of each side, where it cannot be looked at in place */
    size_t buffer;          /* elements of such a block */
    const void *ref, *test; /* what is being summed; test: floats or codes */
    qns_view ref_view, test_view[2];
    bool as_codes[2];    /* codes of the test side need not be floats in memory */
    qns_sums *sample[2]; /* by channel */
    size_t count;        /* elements of one sample */
    size_t block;
} state;

/* Codes that shall be floats cannot be used as they lie there. */
static const void *look(qns_view *v, qns_capture *c, const qns_cap_part *p, bool codes)
{
    const bool as_stored = codes || qns_capture_at(c, p->data)->n_scale == 0;
    return as_stored ? qns_capture_view(v, c, p) : NULL;
}

static qns_status read_ref(state *s, int64_t row, size_t n_rows, size_t first, size_t n,
                           qns_err *err)
{
    const qns_measure *m = s->m[0];
    const qns_cap_part p = {m->ref_data, row, (int64_t)n_rows, first, n};
    s->ref = look(&s->ref_view, m->ref, &p, false);
    if (s->ref)
        return QNS_OK;
    s->ref = s->room;
    return qns_capture_read(s->room, m->ref, &p, err);
}

static qns_status read_test(state *s, size_t i, int64_t row, size_t n_rows, size_t first, size_t n,
                            qns_err *err)
{
    const qns_measure *m = s->m[i];
    const qns_cap_part p = {m->test_data, row, (int64_t)n_rows, first, n};
    float *room = s->room + s->buffer;
    s->test = look(&s->test_view[i], m->test, &p, s->as_codes[i]);
    if (s->test)
        return QNS_OK;
    s->test = room;
    return s->as_codes[i] ? qns_capture_read_codes((uint8_t *)room, m->test, &p, err)
                          : qns_capture_read(room, m->test, &p, err);
}

static void bins_of_codes(const qns_measure *m, const float *ref, const uint8_t *test,
                          const qns_codes *codes, size_t n)
{
    float q[QNS_SUMS_BLOCK];
    for (size_t i = 0, k; i < n; i += k) {
        k = n - i < QNS_SUMS_BLOCK ? n - i : QNS_SUMS_BLOCK;
        qns_codes_to_float(q, m->k, test + i, codes, k);
        qns_bins_add(m->bins, ref + i, q, k);
    }
}

/* Run by run of a channel; the last may be the front part of one. */
static void add_codes(qns_sums *s, const qns_measure *m, const float *ref, const uint8_t *test,
                      size_t first, size_t n)
{
    const qns_geom *g = &m->geom;
    const qns_cap_data *d = qns_capture_at(m->test, m->test_data);
    for (size_t i = 0, len; i < n; i += len) {
        const size_t at = (first + i) % (g->channels * g->inner), c = at / g->inner;
        const size_t left = g->inner - at % g->inner, q = d->n_scale > 1 ? c : 0;
        const qns_codes codes = {.scale = d->scale[q],
                                 .zero = d->zero[q],
                                 .is_signed = (d->code_min < 0),
                                 .by_channel = (d->n_scale > 1)};
        len = left < n - i ? left : n - i;
        qns_sums_add_codes(&s[c], m->k, ref + i, test + i, &codes, len,
                           m->grid ? m->grid + (m->n_grid > 1 ? c : 0) : NULL);
        if (m->bins)
            bins_of_codes(m, ref + i, test + i, &codes, len);
    }
}

/* n elements that lie `at` behind the start of the buffers and are those from `first` on. */
static void add_piece(state *s, size_t i, size_t at, size_t first, size_t n)
{
    const qns_measure *m = s->m[i];
    const float *ref = (const float *)s->ref + at;
    if (s->as_codes[i])
        add_codes(s->sample[i], m, ref, (const uint8_t *)s->test + at, first, n);
    else
        add_floats(s->sample[i], m, ref, (const float *)s->test + at, first, n);
}

/* Channels of single elements are gathered as floats, so that a sum is not paid for each. */
static bool takes_codes(const qns_measure *m)
{
    return (m->geom.inner > 1 || m->geom.channels == 1) &&
           qns_capture_has_codes(m->test, m->test_data);
}

static void begin_sample(state *s, size_t i)
{
    for (size_t c = 0; c < s->m[i]->geom.channels; c++)
        qns_sums_init(&s->sample[i][c]);
}

static void end_sample(state *s, size_t i, size_t row)
{
    qns_sums all;
    unsigned flags = 0;
    qns_measure *m = s->m[i];
    const size_t every = m->every ? m->every : 1;
    qns_sums_init(&all);
    for (size_t c = 0; c < m->geom.channels; c++) {
        qns_sums_merge(&m->channel[c], &s->sample[i][c]);
        qns_sums_merge(&all, &s->sample[i][c]);
    }
    if (m->db && row % every == 0)
        m->db[row / every] = qns_sqnr_db(&flags, &all);
}

/* A window that lost its file holds zeros. */
static qns_status check_view(const qns_view *v, const qns_capture *c, uint32_t data, qns_err *err)
{
    if (qns_view_lost(v))
        QNS_FAIL(err, FORMAT, "'%s': cannot read '%s': the file was cut while it was read",
                 qns_capture_info(c)->path, qns_capture_at(c, data)->path);
    return QNS_OK;
}

/* What was just summed was there. */
static qns_status check_views(const state *s, qns_err *err)
{
    QNS_TRY(check_view(&s->ref_view, s->m[0]->ref, s->m[0]->ref_data, err));
    for (size_t i = 0; i < s->n_m; i++)
        QNS_TRY(check_view(&s->test_view[i], s->m[i]->test, s->m[i]->test_data, err));
    return QNS_OK;
}

/* A sample, or a tensor, that may be larger than a block. */
static qns_status in_pieces(state *s, size_t row, qns_err *err)
{
    const qns_geom *g = &s->m[0]->geom;
    const int64_t ref_row = s->m[0]->row ? s->m[0]->row[row].ref : 0;
    for (size_t i = 0; i < s->n_m; i++)
        begin_sample(s, i);
    for (size_t first = 0, n; first < s->count; first += n) {
        n = piece(g, s->block, first, s->count);
        QNS_TRY(read_ref(s, ref_row, 1, first, n, err));
        for (size_t i = 0; i < s->n_m; i++) {
            const qns_measure *m = s->m[i];
            QNS_TRY(read_test(s, i, m->row ? m->row[row].test : 0, 1, first, n, err));
            add_piece(s, i, 0, first, n);
        }
        QNS_TRY(check_views(s, err));
    }
    for (size_t i = 0; i < s->n_m; i++)
        end_sample(s, i, row);
    return QNS_OK;
}

/* The row `by` after `row` follows it in all files. */
static bool follows(const state *s, size_t row, size_t by)
{
    for (size_t i = 0; i < s->n_m; i++) {
        const qns_cmp_row *a = &s->m[i]->row[row], *b = a + by;
        if (b->ref != a->ref + (int64_t)by || b->test != a->test + (int64_t)by)
            return false;
    }
    return true;
}

/* Samples from `row` on that follow each other in all files and fit into a block. */
static size_t run_length(const state *s, size_t row)
{
    const size_t most = s->block / s->count;
    size_t n = 1;
    while (n < most && row + n < s->m[0]->n_rows && follows(s, row, n))
        n++;
    return n;
}

static qns_status in_runs(state *s, qns_err *err)
{
    for (size_t row = 0, n; row < s->m[0]->n_rows; row += n) {
        n = run_length(s, row);
        QNS_TRY(read_ref(s, s->m[0]->row[row].ref, n, 0, s->count, err));
        for (size_t i = 0; i < s->n_m; i++) {
            const qns_measure *m = s->m[i];
            QNS_TRY(read_test(s, i, m->row[row].test, n, 0, s->count, err));
            for (size_t k = 0; k < n; k++) {
                begin_sample(s, i);
                add_piece(s, i, k * s->count, 0, s->count);
                end_sample(s, i, row + k);
            }
        }
        QNS_TRY(check_views(s, err));
    }
    return QNS_OK;
}

static bool same_geom(const qns_geom *a, const qns_geom *b)
{
    return a->outer == b->outer && a->channels == b->channels && a->inner == b->inner;
}

static size_t block_of(const qns_measure *m, const qns_measure *also)
{
    const bool filtered = qns_capture_filtered(m->ref, m->ref_data) ||
                          qns_capture_filtered(m->test, m->test_data) ||
                          (also && qns_capture_filtered(also->test, also->test_data));
    return filtered ? FILTERED_BLOCK : BLOCK;
}

static qns_status all_blocks(state *s, qns_err *err)
{
    if (!s->m[0]->row)
        return in_pieces(s, 0, err);
    if (s->count <= s->block)
        return in_runs(s, err);
    for (size_t row = 0; row < s->m[0]->n_rows; row++)
        QNS_TRY(in_pieces(s, row, err));
    return QNS_OK;
}

static qns_status run_together(qns_measure *m, qns_measure *also, qns_err *err)
{
    qns_status st = QNS_OK;
    state s = {.m = {m, also},
               .n_m = also ? 2 : 1,
               .count = m->geom.outer * m->geom.channels * m->geom.inner,
               .block = block_of(m, also)};
    qns_view_init(&s.ref_view);
    for (size_t i = 0; i < s.n_m; i++)
        qns_view_init(&s.test_view[i]);
    s.buffer = s.count < s.block && !m->row ? s.count : s.block;
    const bool lent = m->room && s.buffer <= BLOCK;
    assert(s.count == qns_capture_at(m->ref, m->ref_data)->count);
    s.room = lent ? m->room : qns_malloc64(2 * s.buffer * sizeof(float));
    if (!s.room)
        QNS_FAIL_DONE(err, NOMEM, "cannot get buffers of %zu elements", s.buffer);
    for (size_t i = 0; i < s.n_m; i++) {
        const qns_measure *one = s.m[i];
        assert(s.count == qns_capture_at(one->test, one->test_data)->count);
        s.as_codes[i] = takes_codes(one);
        for (size_t c = 0; c < one->geom.channels; c++)
            qns_sums_init(&one->channel[c]);
        QNS_TRY_DONE(qns_new((void **)&s.sample[i], one->geom.channels, sizeof **s.sample, err));
    }
    st = all_blocks(&s, err);
done:
    if (!lent)
        qns_free(s.room);
    for (size_t i = 0; i < s.n_m; i++) {
        qns_view_fini(&s.test_view[i]);
        qns_free(s.sample[i]);
    }
    qns_view_fini(&s.ref_view);
    return st;
}

qns_status qns_measure_run(qns_measure *m, qns_err *err)
{
    return run_together(m, NULL, err);
}

qns_status qns_measure_both(qns_measure *m, qns_measure *also, qns_err *err)
{
    const bool whole =
        m->row && m->geom.outer * m->geom.channels * m->geom.inner <= block_of(m, also);
    /* Pieces of a sample end at borders of its channels, so they are the same only for one
     * geometry. */
    if (whole || same_geom(&m->geom, &also->geom))
        return run_together(m, also, err);
    QNS_TRY(run_together(m, NULL, err));
    return run_together(also, NULL, err);
}
