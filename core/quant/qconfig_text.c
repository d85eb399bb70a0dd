/* SPDX-License-Identifier: MIT */
/* A qconfig set as YAML. Everything is written out, so that the text says the same when a preset
 * changes. */
#include "core/quant/qconfig_set.h"

#include <string.h>

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

/* A double-quoted YAML scalar. */
static void add_quoted(qns_str *out, const char *s)
{
    qns_str_add(out, "\"");
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            qns_str_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            qns_str_addf(out, "\\x%02x", c);
        else
            qns_str_addf(out, "%c", c);
    }
    qns_str_add(out, "\"");
}

static void add_spec(qns_str *out, const char *indent, const char *key, const qns_obs_spec *s,
                     bool weight)
{
    qns_str_addf(out, "%s%s: {observer: %s", indent, key, s->observer->name);
    if (s->observer == &qns_obs_histogram)
        qns_str_addf(out, ", bins: %d", s->bins);
    if (s->observer == &qns_obs_percentile || s->observer == &qns_obs_entropy ||
        s->observer == &qns_obs_mse)
        qns_str_addf(out, ", bins: %d", s->bins);
    if (s->observer == &qns_obs_percentile)
        qns_str_addf(out, ", percentile: %.9g", (double)s->percentile);
    if (s->observer == &qns_obs_fixed)
        qns_str_addf(out, ", scale: %.17g, zero_point: %d", s->scale, s->zero);
    if (s->observer == &qns_obs_placeholder || s->observer == &qns_obs_noop)
        qns_str_addf(out, ", dtype: %s", qns_dtype_name(s->dtype));
    if (s->dynamic)
        qns_str_add(out, ", dynamic: true");
    if (s->observer == &qns_obs_ema)
        qns_str_addf(out, ", momentum: %.9g", (double)s->momentum);
    qns_str_addf(out, ", reduce_range: %s, symmetric: %s, eps: %.9g",
                 truth(qns_obs_spec_reduced(s)), truth(s->range.symmetric), (double)s->range.eps);
    if (weight)
        qns_str_addf(out, ", per_channel: %s, narrow_range: %s", truth(s->per_channel),
                     truth(qns_obs_spec_narrow(s)));
    qns_str_add(out, "}\n");
}

static const char *selector(qns_qrule_by by)
{
    return by == QNS_BY_OP      ? "op"
           : by == QNS_BY_NAME  ? "name"
           : by == QNS_BY_REGEX ? "regex"
                                : "module";
}

static void add_borders(qns_str *out, const qns_qconfig_set *set, bool quantize)
{
    bool any = false;
    for (size_t i = 0; i < set->border.n; i++) {
        if (set->border.at[i].quantize != quantize)
            continue;
        qns_str_add(out, any ? ", " : quantize ? "quantize_at: [" : "dequantize_at: [");
        add_quoted(out, set->border.at[i].pattern);
        any = true;
    }
    if (any)
        qns_str_add(out, "]\n");
}

void qns_qconfig_text(qns_str *out, const qns_qconfig_set *set)
{
    qns_str_addf(out, "backend: %s\ndefault: %s\nhist_version: %s\n", set->be->name, set->preset,
                 set->hist == QNS_HIST_A ? "A" : "C");
    if (!set->base.quantize)
        qns_str_add(out, "quantize: false\n");
    add_spec(out, "", "activation", &set->base.act, false);
    add_spec(out, "", "weight", &set->base.weight, true);
    add_borders(out, set, true);
    add_borders(out, set, false);
    if (set->rule.n)
        qns_str_add(out, "rules:\n");
    for (size_t i = 0; i < set->rule.n; i++) {
        const qns_qrule *r = &set->rule.at[i];
        if (r->by == QNS_BY_SKIP) {
            qns_str_add(out, "  - skip: [");
            add_quoted(out, r->pattern);
            for (; i + 1 < set->rule.n && set->rule.at[i + 1].by == QNS_BY_SKIP; i++) {
                qns_str_add(out, ", ");
                add_quoted(out, set->rule.at[i + 1].pattern);
            }
            qns_str_add(out, "]\n");
            continue;
        }
        qns_str_addf(out, "  - %s: ", selector(r->by));
        add_quoted(out, r->pattern);
        qns_str_add(out, "\n");
        if (r->by == QNS_BY_ORDER)
            qns_str_addf(out, "    op: %s\n    index: %u\n", r->op, r->index);
        if (!r->cfg.quantize)
            qns_str_add(out, "    quantize: false\n");
        add_spec(out, "    ", "activation", &r->cfg.act, false);
        add_spec(out, "    ", "weight", &r->cfg.weight, true);
    }
}
