/* SPDX-License-Identifier: MIT */
/* A sample is seen as channels x positions. Channels first or last in the file, first or last in
 * the model, and their order, are then two index formulas; all else is the same for every layout.
 */
#include "core/model/source_input.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <string.h>

struct qns_source_input {
    qns_dataset *data;
    const char *name; /* of the model's input */
    qns_dtype dtype;
    qns_shape sample; /* the file's */
    size_t n, channels, positions;
    bool file_last, model_last, reverse;
    bool affine;
    float *scale, *mean, *std; /* [channels] */
    void *raw;                 /* as in the file */
    void *flat;                /* converted, in the file's order; NULL when not needed */
    float *x;                  /* in the model's order, for affine */
};

static qns_shape squeezed(const qns_shape *s)
{
    qns_shape out = {0};
    for (int32_t i = 0; i < s->rank; i++)
        if (s->dim[i] != 1)
            out.dim[out.rank++] = s->dim[i];
    return out;
}

static bool same(const qns_shape *a, const qns_shape *b)
{
    const qns_shape x = squeezed(a), y = squeezed(b);
    return qns_shape_equal(&x, &y);
}

/* [spatial..., C] -> [C, spatial...] */
static qns_shape channels_to_front(const qns_shape *s)
{
    qns_shape out = {.rank = s->rank};
    for (int32_t i = 0; i < s->rank; i++)
        out.dim[i] = s->dim[i ? i - 1 : s->rank - 1];
    return out;
}

static qns_status does_not_fit(const qns_source_input *in, const qns_value *v, qns_err *err)
{
    const qns_shape *file = qns_dataset_shape(in->data);
    const qns_shape front = channels_to_front(&in->sample);
    const char *remedy = "";
    if (same(file, &v->shape))
        remedy =
            "; the first axis counts samples, so a single one needs an axis of size 1 before it";
    else if (same(&front, &v->shape))
        remedy = "; if its channels come last, write a data.yaml that says layout: NHWC (or NWC)";
    QNS_FAIL(err, SHAPE, "a sample of %s has the shape %s, the model's input '%s' is %s%s",
             qns_dataset_label(in->data), qns_shape_str(&in->sample).s, v->name,
             qns_shape_str(&v->shape).s, remedy);
}

static qns_status fit_layout(qns_source_input *in, const qns_value *v, const qns_input_spec *spec,
                             qns_err *err)
{
    const size_t len = spec->layout ? strlen(spec->layout) : 0;
    const bool last = len && spec->layout[len - 1] == 'C';
    const qns_shape front = channels_to_front(&in->sample);
    const bool fits = same(&in->sample, &v->shape);
    in->n = qns_shape_count(&v->shape);
    if (last && in->sample.rank == (int32_t)len - 1 && same(&front, &v->shape))
        in->file_last = true;
    else if (!fits)
        return does_not_fit(in, v, err);
    else if (last && in->sample.rank == (int32_t)len - 1)
        in->file_last = in->model_last = true;
    if (in->file_last)
        in->channels = (size_t)in->sample.dim[in->sample.rank - 1];
    else
        in->channels = v->shape.rank > 1 ? (size_t)v->shape.dim[1] : 1;
    /* Channels mean nothing when the first axis is not a batch of one. */
    if (v->shape.rank > 1 && v->shape.dim[0] != 1)
        in->channels = 1;
    if (in->n == 0)
        QNS_FAIL(err, SHAPE, "the model's input '%s' is empty: %s", v->name,
                 qns_shape_str(&v->shape).s);
    in->positions = in->n / in->channels;
    return QNS_OK;
}

static qns_status expand(float **out, const qns_per_channel *p, float absent, const char *key,
                         const qns_source_input *in, qns_err *err)
{
    if (p->n > 1 && p->n != in->channels)
        QNS_FAIL(err, CONFIG, "'%s' has %zu numbers, the model's input '%s' has %zu channels%s",
                 key, p->n, in->name, in->channels,
                 in->file_last ? "" : "; if they come last, say layout: NHWC (or NWC)");
    QNS_TRY(qns_new((void **)out, in->channels, sizeof **out, err));
    for (size_t c = 0; c < in->channels; c++)
        (*out)[c] = p->n == 0 ? absent : p->v[p->n == 1 ? 0 : c];
    return QNS_OK;
}

static qns_status prepare(qns_source_input *in, const qns_value *v, const qns_input_spec *spec,
                          qns_err *err)
{
    const qns_elem elem = qns_dataset_elem(in->data);
    if (spec->elem != QNS_ELEM_COUNT && spec->elem != elem)
        QNS_FAIL(err, CONFIG, "%s holds %s, not %s as 'dtype' says", qns_dataset_label(in->data),
                 qns_elem_name(elem), qns_elem_name(spec->elem));
    QNS_TRY(fit_layout(in, v, spec, err));
    if (spec->reverse_channels && in->channels != 3)
        QNS_FAIL(err, CONFIG, "'channel_order' needs 3 channels, the model's input '%s' has %zu",
                 in->name, in->channels);
    in->reverse = spec->reverse_channels;
    in->affine = spec->scale.n || spec->mean.n || spec->std.n;
    if (in->affine) {
        QNS_TRY(expand(&in->scale, &spec->scale, 1, "scale", in, err));
        QNS_TRY(expand(&in->mean, &spec->mean, 0, "mean", in, err));
        QNS_TRY(expand(&in->std, &spec->std, 1, "std", in, err));
        QNS_TRY(qns_new((void **)&in->x, in->n, sizeof *in->x, err));
    }
    if (in->affine || in->reverse || in->file_last != in->model_last)
        QNS_TRY(qns_new(&in->flat, in->n, 8, err)); /* 8: the largest element */
    return qns_new(&in->raw, in->n, qns_elem_size(elem), err);
}

qns_status qns_source_input_open(qns_source_input **out, const qns_value *v,
                                 const qns_input_spec *spec, bool exact, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_source_input *in = NULL;
    QNS_TRY(qns_new((void **)&in, 1, sizeof *in, err));
    in->name = v->name;
    in->dtype = v->dtype;
    QNS_TRY_DONE(qns_dataset_open(&in->data, spec->file, spec->name ? spec->name : v->name,
                                  exact || spec->name, err));
    in->sample = qns_dataset_sample_shape(in->data);
    QNS_TRY_DONE(prepare(in, v, spec, err));
    *out = in;
    in = NULL;
done:
    if (st != QNS_OK && spec->place)
        qns_err_note(err, "%s", spec->place);
    qns_source_input_close(in);
    return st;
}

void qns_source_input_close(qns_source_input *in)
{
    if (!in)
        return;
    qns_dataset_close(in->data);
    qns_free(in->scale);
    qns_free(in->mean);
    qns_free(in->std);
    qns_free(in->raw);
    qns_free(in->flat);
    qns_free(in->x);
    qns_free(in);
}

const qns_dataset *qns_source_input_data(const qns_source_input *in)
{
    return in->data;
}

/* "[5, 3, 7]": the sample, then the place in it as the file counts. */
static void place_text(char *out, size_t size, const qns_source_input *in, int64_t sample,
                       size_t at)
{
    int64_t index[QNS_MAX_RANK];
    for (int32_t i = in->sample.rank - 1; i >= 0; i--) {
        index[i] = (int64_t)(at % (size_t)in->sample.dim[i]);
        at /= (size_t)in->sample.dim[i];
    }
    size_t n = (size_t)snprintf(out, size, "[%lld", (long long)sample);
    for (int32_t i = 0; i < in->sample.rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, ", %lld", (long long)index[i]);
    if (n < size)
        snprintf(out + n, size - n, "]");
}

/* Where element p of channel c of the model is. */
static size_t file_index(const qns_source_input *in, size_t c, size_t p)
{
    const size_t fc = in->reverse ? in->channels - 1 - c : c;
    return in->file_last ? p * in->channels + fc : fc * in->positions + p;
}

static size_t model_index(const qns_source_input *in, size_t c, size_t p)
{
    return in->model_last ? p * in->channels + c : c * in->positions + p;
}

#define REORDER(T)                                                                                 \
    do {                                                                                           \
        T *to = dst;                                                                               \
        const T *from = in->flat;                                                                  \
        for (size_t c = 0; c < in->channels; c++)                                                  \
            for (size_t p = 0; p < in->positions; p++)                                             \
                to[model_index(in, c, p)] = from[file_index(in, c, p)];                            \
    } while (0)

static void reorder(void *dst, const qns_source_input *in, size_t size)
{
    if (size == 1)
        REORDER(uint8_t);
    else if (size == 2)
        REORDER(uint16_t);
    else if (size == 4)
        REORDER(uint32_t);
    else
        REORDER(uint64_t);
}

/* x = (value * scale - mean) / std, and into the model's type. */
static qns_status apply_affine(void *dst, const qns_source_input *in, int64_t sample, qns_err *err)
{
    const float *v = in->flat;
    qns_misfit bad;
    for (size_t c = 0; c < in->channels; c++)
        for (size_t p = 0; p < in->positions; p++)
            in->x[model_index(in, c, p)] =
                (v[file_index(in, c, p)] * in->scale[c] - in->mean[c]) / in->std[c];
    if (!qns_elem_convert(dst, in->dtype, in->x, QNS_ELEM_F32, in->n, true, &bad))
        QNS_FAIL(err, DATA,
                 "%s: value %s, computed for element %zu of sample %lld by scale, mean and std, %s",
                 qns_dataset_label(in->data), bad.value, bad.at, (long long)sample, bad.why);
    return QNS_OK;
}

qns_status qns_source_input_read(void *dst, qns_source_input *in, int64_t sample, qns_err *err)
{
    qns_misfit bad;
    const qns_dtype type = in->affine ? QNS_F32 : in->dtype;
    QNS_TRY(qns_dataset_read(in->raw, in->data, sample, err));
    if (!qns_elem_convert(in->flat ? in->flat : dst, type, in->raw, qns_dataset_elem(in->data),
                          in->n, true, &bad)) {
        char place[200];
        place_text(place, sizeof place, in, sample, bad.at);
        QNS_FAIL(err, DATA, "%s: value %s at %s %s", qns_dataset_label(in->data), bad.value, place,
                 bad.why);
    }
    if (in->affine)
        return apply_affine(dst, in, sample, err);
    if (in->flat)
        reorder(dst, in, qns_dtype_size(in->dtype));
    return QNS_OK;
}
