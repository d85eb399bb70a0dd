/* SPDX-License-Identifier: MIT */
/* qns inspect --observers: what every observer saw, as PyTorch's get_observer_dict. */
#include "core/quant/calibrate.h"
#include "core/quant/prepare.h"
#include "tools/inspect.h"
#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *range_json(qns_range r)
{
    return r.lo <= r.hi ? json_pack("[f, f]", (double)r.lo, (double)r.hi) : json_null();
}

static json_t *row_json(const qns_decisions *d, const qns_value *v)
{
    const qns_decision *x = qns_decisions_value(d, v->id);
    const qns_obs_spec *s = qns_decisions_spec(d, x->observer);
    json_t *row =
        json_pack("{s:s, s:s, s:i, s:b, s:o, s:o, s:f, s:i}", "value", v->name, "observer",
                  s->observer->name, "instance", (int)x->observer, "shared", x->choice == QNS_SHARE,
                  "seen", range_json(qns_decisions_seen(d, x->observer)), "range",
                  range_json(qns_decisions_range(d, v->id)), "scale", x->qp->scale[0], "zero_point",
                  (int)x->qp->zero[0]);
    if (row && s->observer == &qns_obs_histogram)
        json_object_set_new(row, "bins", json_integer(s->bins));
    if (row && s->observer == &qns_obs_ema)
        json_object_set_new(row, "momentum", json_real((double)s->momentum));
    return row;
}

static void print_row(const qns_decisions *d, const qns_value *v)
{
    const qns_decision *x = qns_decisions_value(d, v->id);
    const qns_range seen = qns_decisions_seen(d, x->observer), r = qns_decisions_range(d, v->id);
    printf("%3u  %-34.34s %-14s %11.5g %11.5g %11.5g %11.5g  %.6g, %d%s\n", x->observer, v->name,
           qns_decisions_spec(d, x->observer)->observer->name, (double)seen.lo, (double)seen.hi,
           (double)r.lo, (double)r.hi, x->qp->scale[0], x->qp->zero[0],
           x->choice == QNS_SHARE ? "  shared" : "");
}

/* An observer that keeps tensors: how many. */
static void add_recorder(json_t *rows, const qns_decisions *d, const qns_value *v)
{
    const uint32_t o = qns_decisions_value(d, v->id)->recorder;
    const size_t n = qns_decisions_n_recorded(d, v->id);
    const char *name = qns_decisions_spec(d, o)->observer->name;
    if (rows)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:i, s:I}", "value", v->name, "observer",
                                              name, "instance", (int)o, "tensors", (json_int_t)n));
    else
        printf("%3u  %-34.34s %-14s %zu tensors\n", o, v->name, name, n);
}

static void print_all(json_t *json, const qns_decisions *d, const char *path)
{
    const qns_graph *g = qns_decisions_graph(d);
    json_t *rows = json ? json_array() : NULL;
    if (!json)
        printf("%s: %u observers, %" PRId64 " samples\n\n%3s  %-34s %-14s %11s %11s %11s %11s  "
               "scale, zero point\n",
               path, qns_decisions_n_observers(d), qns_decisions_samples(d), "", "value",
               "observer", "seen from", "to", "used from", "to");
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const qns_value *v = qns_graph_value(g, (qns_vid){i});
        const qns_decision *x = qns_decisions_value(d, v->id);
        if (x->recorder != QNS_NONE)
            add_recorder(rows, d, v);
        if (x->observer == QNS_NONE || !x->qp)
            continue;
        if (json)
            json_array_append_new(rows, row_json(d, v));
        else
            print_row(d, v);
    }
    if (json)
        json_array_append_new(
            json, json_pack("{s:s, s:s, s:I, s:o}", "file", path, "kind", "observers", "samples",
                            (json_int_t)qns_decisions_samples(d), "observers", rows));
}

qns_status qns_inspect_observers(json_t *json, const char *path, const qns_common *c,
                                 const qns_data_args *data, const char *qconfig, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_model *m = NULL;
    qns_source *source = NULL;
    qns_qconfig_set *set = NULL;
    qns_decisions *d = NULL;
    const qns_model_opts mo = qns_model_opts_of(c, NULL);
    QNS_TRY_DONE(qns_model_load(&m, path, &mo, err));
    if (qns_model_is_quantized(m))
        QNS_FAIL_DONE(err, UNSUPPORTED, "'%s' is quantized already; give the float model", path);
    const qns_graph *g = qns_model_graph(m);
    QNS_TRY_DONE(qconfig ? qns_qconfig_read(&set, qconfig, NULL, err)
                         : qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, err));
    QNS_TRY_DONE(qns_prepare(&d, g, set, err));
    QNS_TRY_DONE(qns_source_open(&source, g, data->spec, data->n, data->labels, data->limit, err));
    const qns_calibration run = {.samples = qns_samples_of(source),
                                 .exec = qns_exec_opts_of(c, m),
                                 .cancelled = qns_ui_cancelled};
    QNS_TRY_DONE(qns_calibrate(d, &run, err));
    print_all(json, d, path);
done:
    qns_decisions_free(d);
    qns_qconfig_free(set);
    qns_source_close(source);
    qns_model_free(m);
    return st;
}
