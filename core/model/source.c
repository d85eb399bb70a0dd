/* SPDX-License-Identifier: MIT */
#include "core/model/source.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/source_input.h"
#include "core/model/source_yaml.h"

#include <assert.h>
#include <string.h>

struct qns_source {
    qns_data_spec spec;
    qns_source_input **in;
    uint32_t n_in;
    int64_t count;               /* after the limit, of the part */
    int64_t period, first, keep; /* of the part; period 0: everything */
    int64_t *labels;
    qns_str text;
};

static const qns_value *input_value(const qns_graph *g, uint32_t i)
{
    return qns_graph_value(g, qns_graph_input(g, i));
}

/* ---- from the command line to a qns_data_spec ---- */

static qns_status find_input(uint32_t *out, const qns_graph *g, const char *spec, size_t n,
                             qns_err *err)
{
    const char *names[64];
    char want[128] = "";
    size_t n_names = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++) {
        const char *name = input_value(g, i)->name;
        if (strlen(name) == n && memcmp(name, spec, n) == 0) {
            *out = i;
            return QNS_OK;
        }
        if (n_names < QNS_ARRAY_LEN(names))
            names[n_names++] = name;
    }
    memcpy(want, spec, n < sizeof want ? n : sizeof want - 1);
    const int64_t near = qns_nearest(want, names, n_names);
    QNS_FAIL(err, NOTFOUND, "'%s': the model has no input '%s', did you mean '%s'?", spec, want,
             names[near < 0 ? 0 : near]);
}

static bool is_yaml(const char *path)
{
    return qns_has_suffix(path, ".yaml") || qns_has_suffix(path, ".yml");
}

static qns_status add_named(qns_source *s, const qns_graph *g, const char *text, const char *eq,
                            qns_err *err)
{
    uint32_t i;
    QNS_TRY(find_input(&i, g, text, (size_t)(eq - text), err));
    if (s->spec.in[i].file)
        QNS_FAIL(err, CONFIG, "the model's input '%s' is given twice", input_value(g, i)->name);
    if (is_yaml(eq + 1))
        QNS_FAIL(err, CONFIG, "'%s': a .yaml names the inputs itself; give it alone", text);
    s->spec.in[i].file = qns_arena_strdup(s->spec.arena, eq + 1);
    if (!s->spec.in[i].file)
        QNS_FAIL(err, NOMEM, "cannot keep '%s'", text);
    return QNS_OK;
}

/* One file for all inputs. */
static qns_status add_file(qns_source *s, const qns_graph *g, const char *path, qns_err *err)
{
    if (is_yaml(path))
        return qns_data_spec_read(&s->spec, path, g, err);
    if (!qns_dataset_is_file(path))
        QNS_FAIL(err, CONFIG,
                 "'%s' is not a kind of data that is read; .npy, .npz, .h5 and .yaml are", path);
    const bool npy = qns_has_suffix(path, ".npy");
    if (npy && s->n_in > 1)
        QNS_FAIL(
            err, CONFIG,
            "'%s' is one array, but the model has %u inputs; give NAME=FILE for each, the first is "
            "'%s'",
            path, s->n_in, input_value(g, 0)->name);
    char *copy = qns_arena_strdup(s->spec.arena, path);
    if (!copy)
        QNS_FAIL(err, NOMEM, "cannot keep '%s'", path);
    for (uint32_t i = 0; i < s->n_in; i++)
        s->spec.in[i].file = copy;
    if (!npy) {
        s->spec.labels = copy;
        s->spec.labels_maybe = true;
    }
    return QNS_OK;
}

static qns_status make_spec(qns_source *s, const qns_graph *g, const char *const *spec,
                            size_t n_spec, qns_err *err)
{
    if (n_spec == 0)
        QNS_FAIL(err, CONFIG, "no data are given");
    s->n_in = s->spec.n_in = qns_graph_n_inputs(g);
    if (s->n_in == 0)
        QNS_FAIL(err, UNSUPPORTED, "the model has no inputs");
    QNS_TRY(qns_arena_create(&s->spec.arena, err));
    QNS_TRY(qns_arena_new((void **)&s->spec.in, s->spec.arena, s->n_in, sizeof *s->spec.in, err));
    for (uint32_t i = 0; i < s->n_in; i++)
        s->spec.in[i].elem = QNS_ELEM_COUNT;
    for (size_t i = 0; i < n_spec; i++) {
        const char *eq = strchr(spec[i], '=');
        if (eq && !(n_spec == 1 && qns_file_exists(spec[i])))
            QNS_TRY(add_named(s, g, spec[i], eq, err));
        else if (n_spec > 1)
            QNS_FAIL(err, CONFIG, "'%s': several files are given as NAME=FILE, one for each input",
                     spec[i]);
        else
            QNS_TRY(add_file(s, g, spec[i], err));
    }
    for (uint32_t i = 0; i < s->n_in; i++)
        if (!s->spec.in[i].file)
            QNS_FAIL(err, CONFIG, "no data are given for the model's input '%s'; add '%s=FILE'",
                     input_value(g, i)->name, input_value(g, i)->name);
    return QNS_OK;
}

/* ---- opening ---- */

static qns_status open_inputs(qns_source *s, const qns_graph *g, qns_err *err)
{
    const qns_dataset *first = NULL;
    QNS_TRY(qns_new((void **)&s->in, s->n_in, sizeof *s->in, err));
    for (uint32_t i = 0; i < s->n_in; i++) {
        /* One container for several inputs: each must be there by its name. */
        const bool shared = s->n_in > 1 && s->spec.labels_maybe;
        QNS_TRY(qns_source_input_open(&s->in[i], input_value(g, i), &s->spec.in[i], shared, err));
        const qns_dataset *d = qns_source_input_data(s->in[i]);
        const int64_t n = qns_dataset_shape(d)->dim[0];
        if (n == 0)
            QNS_FAIL(err, DATA, "%s has no samples", qns_dataset_label(d));
        if (first && n != s->count)
            QNS_FAIL(err, SHAPE, "%s has %lld samples, %s has %lld; they must be as many",
                     qns_dataset_label(d), (long long)n, qns_dataset_label(first),
                     (long long)s->count);
        first = d;
        s->count = n;
    }
    return QNS_OK;
}

static qns_status read_labels(qns_source *s, qns_dataset *d, qns_err *err)
{
    const qns_shape *shape = qns_dataset_shape(d);
    const qns_elem e = qns_dataset_elem(d);
    const char *label = qns_dataset_label(d);
    qns_misfit bad;
    uint64_t raw;
    if (qns_shape_span(shape, 1, shape->rank) != 1)
        QNS_FAIL(err, SHAPE, "the labels %s have the shape %s; one number per sample is expected",
                 label, qns_shape_str(shape).s);
    if (qns_elem_is_float(e) || e == QNS_ELEM_BOOL)
        QNS_FAIL(err, DATA, "the labels %s are of type %s; class numbers are integers", label,
                 qns_elem_name(e));
    if (shape->dim[0] != s->count)
        QNS_FAIL(err, DATA, "the labels %s are %lld, but there are %lld samples", label,
                 (long long)shape->dim[0], (long long)s->count);
    QNS_TRY(qns_new((void **)&s->labels, (size_t)s->count, sizeof *s->labels, err));
    for (int64_t i = 0; i < s->count; i++) {
        QNS_TRY(qns_dataset_read(&raw, d, i, err));
        if (!qns_elem_convert(&s->labels[i], QNS_I64, &raw, e, 1, true, &bad))
            QNS_FAIL(err, DATA, "the labels %s: number %s of sample %lld %s", label, bad.value,
                     (long long)i, bad.why);
        if (s->labels[i] < 0)
            QNS_FAIL(err, DATA, "the labels %s: sample %lld has %lld; class numbers start at 0",
                     label, (long long)i, (long long)s->labels[i]);
        if (s->labels[i] > INT32_MAX || s->labels[i] + s->spec.label_offset < 0)
            QNS_FAIL(err, DATA,
                     "the labels %s: sample %lld has %lld, which is no class with "
                     "'label_offset' %lld",
                     label, (long long)i, (long long)s->labels[i], (long long)s->spec.label_offset);
        s->labels[i] += s->spec.label_offset;
    }
    return QNS_OK;
}

static qns_status open_labels(qns_source *s, const char *override, qns_err *err)
{
    qns_dataset *d = NULL;
    const char *path = override ? override : s->spec.labels;
    const bool maybe = !override && s->spec.labels_maybe;
    const char *name = !override && s->spec.labels_name ? s->spec.labels_name : "labels";
    if (!path)
        return QNS_OK;
    qns_err local = {0};
    qns_status st =
        qns_dataset_open(&d, path, name, maybe || (!override && s->spec.labels_name), &local);
    if (st == QNS_E_NOTFOUND && maybe)
        return QNS_OK;
    if (st == QNS_OK)
        st = read_labels(s, d, &local);
    qns_dataset_close(d);
    if (st != QNS_OK && err && err->code == QNS_OK)
        *err = local;
    return st;
}

static void describe(qns_source *s, const qns_graph *g, const char *spec)
{
    const char *eq = strchr(spec, '=');
    qns_str_addf(&s->text, "%s: %lld sample%s", qns_path_name(eq ? eq + 1 : spec),
                 (long long)s->count, s->count == 1 ? "" : "s");
    if (s->n_in > 1) {
        qns_str_addf(&s->text, ", %u inputs", s->n_in);
        return;
    }
    const qns_dataset *d = qns_source_input_data(s->in[0]);
    const qns_shape shape = qns_dataset_sample_shape(d);
    qns_str_addf(&s->text, ", %s %s", qns_elem_name(qns_dataset_elem(d)), qns_shape_str(&shape).s);
    if (s->spec.in[0].layout)
        qns_str_addf(&s->text, " %s", s->spec.in[0].layout);
}

qns_status qns_source_open(qns_source **out, const qns_graph *g, const char *const *spec,
                           size_t n_spec, const char *labels, int64_t limit, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_source *s = NULL;
    QNS_TRY(qns_new((void **)&s, 1, sizeof *s, err));
    QNS_TRY_DONE(make_spec(s, g, spec, n_spec, err));
    QNS_TRY_DONE(open_inputs(s, g, err));
    QNS_TRY_DONE(open_labels(s, labels, err));
    if (limit <= 0)
        limit = s->spec.limit;
    if (limit > 0 && limit < s->count)
        s->count = limit;
    describe(s, g, spec[0]);
    if (s->text.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot describe the data");
    *out = s;
    s = NULL;
done:
    qns_source_close(s);
    return st;
}

void qns_source_close(qns_source *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->in && i < s->n_in; i++)
        qns_source_input_close(s->in[i]);
    qns_free(s->in);
    qns_free(s->labels);
    qns_str_fini(&s->text);
    qns_arena_free(s->spec.arena);
    qns_free(s);
}

int64_t qns_source_count(const qns_source *s)
{
    return s->count;
}

/* Number in the files of a sample of the part. */
static int64_t place(const qns_source *s, int64_t sample)
{
    if (s->period == 0)
        return sample;
    return sample / s->keep * s->period + s->first + sample % s->keep;
}

void qns_source_part(qns_source *s, int64_t period, int64_t first, int64_t keep)
{
    assert(s->period == 0 && first >= 0 && keep > 0 && first + keep <= period);
    const int64_t rest = s->count % period - first;
    s->count = s->count / period * keep + (rest < 0 ? 0 : rest < keep ? rest : keep);
    s->period = period;
    s->first = first;
    s->keep = keep;
    for (int64_t i = 0; s->labels && i < s->count; i++) /* never behind its place */
        s->labels[i] = s->labels[place(s, i)];
}

qns_status qns_source_get(qns_tensor *in, qns_source *s, int64_t sample, qns_err *err)
{
    assert(sample >= 0 && sample < s->count);
    sample = place(s, sample);
    for (uint32_t i = 0; i < s->n_in; i++)
        QNS_TRY(qns_source_input_read(in[i].data, s->in[i], sample, err));
    return QNS_OK;
}

const int64_t *qns_source_labels(const qns_source *s)
{
    return s->labels;
}

const char *qns_source_describe(const qns_source *s)
{
    return qns_str_get(&s->text);
}
