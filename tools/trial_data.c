/* SPDX-License-Identifier: MIT */
#include "tools/trial_data.h"

#include "core/base/file.h"
#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct part {
    int64_t first, keep; /* of every period; keep 0: it has data of its own */
} part;

static qns_status open_part(qns_source **out, int64_t *n, char told[160], const qns_graph *g,
                            const qns_data_args *data, const char *own, part p, int64_t period,
                            qns_err *err)
{
    const char *const *spec = own ? &own : data->spec;
    QNS_TRY(qns_source_open(out, g, spec, own ? 1 : data->n, own ? NULL : data->labels,
                            own ? 0 : data->limit, err));
    if (!own && p.keep < period)
        qns_source_part(*out, period, p.first, p.keep);
    *n = qns_source_count(*out);
    if (!own && p.keep < period)
        snprintf(told, 160, "%s, %" PRId64 " of every %" PRId64 " samples", qns_path_name(spec[0]),
                 p.keep, period);
    else
        snprintf(told, 160, "%s", qns_path_name(spec[0]));
    return QNS_OK;
}

static qns_status join_labels(qns_trial_data *d, qns_err *err)
{
    const int64_t *a = qns_source_labels(d->search), *b = qns_source_labels(d->check);
    if (!a || !b)
        return QNS_OK;
    QNS_TRY(
        qns_new((void **)&d->labels, (size_t)(d->n_search + d->n_check), sizeof *d->labels, err));
    memcpy(d->labels, a, (size_t)d->n_search * sizeof *a);
    memcpy(d->labels + d->n_search, b, (size_t)d->n_check * sizeof *b);
    return QNS_OK;
}

qns_status qns_trial_data_open(qns_trial_data *d, const qns_graph *g, const qns_data_args *data,
                               const char *calib, const char *check, qns_err *err)
{
    /* A quarter of -d for each that has no data of its own; the rest is for the search. */
    const int64_t period = calib && check ? 1 : calib ? 3 : 4;
    const part c = {0, !calib}, v = {period - 1, !check};
    const part s = {!calib, period - !calib - !check};
    QNS_TRY(
        open_part(&d->calib, &d->n_calib, d->told[QNS_DATA_CALIB], g, data, calib, c, period, err));
    QNS_TRY(open_part(&d->search, &d->n_search, d->told[QNS_DATA_SEARCH], g, data, NULL, s, period,
                      err));
    QNS_TRY(
        open_part(&d->check, &d->n_check, d->told[QNS_DATA_CHECK], g, data, check, v, period, err));
    if (d->n_calib == 0 || d->n_search == 0 || d->n_check == 0)
        QNS_FAIL(err, DATA,
                 "%" PRId64 " samples calibrate, %" PRId64 " are searched with and %" PRId64
                 " check the result: each needs one; give more data, or --calib and --verify",
                 d->n_calib, d->n_search, d->n_check);
    return join_labels(d, err);
}

void qns_trial_data_close(qns_trial_data *d)
{
    qns_source_close(d->calib);
    qns_source_close(d->search);
    qns_source_close(d->check);
    qns_free(d->labels);
    *d = (qns_trial_data){0};
}

static qns_status get(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    qns_trial_data *d = ctx;
    if (sample < d->n_search)
        return qns_source_get(in, d->search, sample, err);
    return qns_source_get(in, d->check, sample - d->n_search, err);
}

qns_samples qns_trial_data_eval(qns_trial_data *d)
{
    return (qns_samples){d, d->n_search + d->n_check, get};
}
