/* SPDX-License-Identifier: MIT */
/* Operators that became one layer have one qconfig: that of the first. Rules by operator that say
 * another thing about the others would be silently passed over (spec section 7.4). PyTorch counts
 * an operator without such a rule as one with the rule null and refuses that, too; here it just
 * follows. */
#include "core/graph/op.h"
#include "core/quant/qconfig_set.h"

#include <stdio.h>
#include <string.h>

static bool same_spec(const qns_obs_spec *a, const qns_obs_spec *b)
{
    const qns_qrule_range *x = &a->range, *y = &b->range;
    return a->observer == b->observer && x->dtype == y->dtype && x->qmin == y->qmin &&
           x->qmax == y->qmax && x->symmetric == y->symmetric && x->eps == y->eps &&
           a->bins == b->bins && a->momentum == b->momentum && a->percentile == b->percentile &&
           a->scale == b->scale && a->zero == b->zero && a->per_channel == b->per_channel &&
           a->dtype == b->dtype && a->dynamic == b->dynamic;
}

static bool same(const qns_qconfig *a, const qns_qconfig *b)
{
    return a->quantize == b->quantize &&
           (!a->quantize || (same_spec(&a->act, &b->act) && same_spec(&a->weight, &b->weight)));
}

static const qns_qrule *rule_of(const qns_qconfig_set *set, const qns_op *op)
{
    for (size_t i = set->rule.n; op && i-- > 0;)
        if (set->rule.at[i].by == QNS_BY_OP && strcmp(set->rule.at[i].pattern, op->name) == 0)
            return &set->rule.at[i];
    return NULL;
}

/* "'conv' in line 4" */
static const char *rule_text(char out[128], const qns_qrule *r)
{
    snprintf(out, 128, r->line ? "'%.80s' in line %u" : "'%.80s'", r->pattern, r->line);
    return out;
}

static qns_status refuse(const qns_qconfig_set *set, const qns_node *n, const qns_qrule *first,
                         const qns_qrule *other, qns_err *err)
{
    char a[128], b[128];
    qns_str layers = {0};
    for (uint32_t i = 0; i < n->n_origin && layers.len < 300; i++)
        qns_str_addf(&layers, "%s'%s'", i ? ", " : "", n->origin[i]);
    const qns_status st = qns_err_set(
        err, QNS_E_CONFIG, __FILE__, __LINE__,
        "%s%sthe rules for %s and for %s differ, but %s are one layer after fusion, with one "
        "qconfig; say the same for both, or state the layer by its name",
        set->file ? set->file : "", set->file ? ": " : "", rule_text(a, first), rule_text(b, other),
        qns_str_get(&layers));
    qns_str_fini(&layers);
    return st;
}

qns_status qns_qconfig_check_fused(const qns_qconfig_set *set, const qns_graph *g, qns_err *err)
{
    const qns_op *clamp = qns_op_find("clamp");
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const qns_qrule *other[] = {rule_of(set, n->folded),
                                    qns_has_clamp(n) ? rule_of(set, clamp) : NULL};
        const qns_qrule *first = qns_qconfig_match(set, g, n);
        if (!first || first->by != QNS_BY_OP) /* a stronger rule decides, or none */
            continue;
        for (size_t k = 0; k < QNS_ARRAY_LEN(other); k++)
            if (other[k] && !same(&first->cfg, &other[k]->cfg))
                return refuse(set, n, first, other[k], err);
    }
    return QNS_OK;
}
