/* SPDX-License-Identifier: MIT */
/* The set's inside, for qconfig.c, qconfig_yaml.c and qconfig_text.c. */
#ifndef QNS_QCONFIG_SET_H
#define QNS_QCONFIG_SET_H

#include "core/base/yaml.h"
#include "core/quant/qconfig.h"

struct qns_qconfig_set {
    qns_arena *arena; /* patterns and names */
    const qns_backend *be;
    const char *preset;
    const char *file; /* in messages; NULL when no file was read */
    qns_qconfig base;
    qns_hist_version hist;
    struct {
        qns_qrule *at;
        size_t n, cap;
    } rule;
    struct {
        qns_qborder *at;
        size_t n, cap;
    } border;
};

/* The words of the yaml keys, shared by reader and writer. */
bool qns_obs_spec_reduced(const qns_obs_spec *s);
bool qns_obs_spec_narrow(const qns_obs_spec *s); /* int8 without -128 (reduced: without -64) */
/* Sets qmin and qmax for the dtype. */
void qns_obs_spec_set_range(qns_obs_spec *s, qns_dtype dtype, bool reduced, bool narrow);

/* Pieces of the reader. */
qns_status qns_qconfig_read_preset(qns_qconfig *out, const char **name, const qns_yaml_node *n,
                                   qns_err *err);
/* The keys activation and weight of a map. */
qns_status qns_qconfig_read_specs(qns_qconfig *out, const qns_yaml_node *map, qns_err *err);
qns_status qns_qconfig_read_pytorch(qns_qconfig_set *set, const qns_yaml_node *map, qns_err *err);
/* The same name, or a pattern (* ? []) that fits. An exact name wins over its reading as a pattern.
 */
bool qns_name_fits(const char *pattern, const char *name);
/* Fails with CONFIG when rules by operator differ within a layer of the fused graph. */
qns_status qns_qconfig_check_fused(const qns_qconfig_set *set, const qns_graph *g, qns_err *err);
/* The operator that a type or function of PyTorch is here, or one of our own names; or NULL. */
const qns_op *qns_qconfig_type(const char *name);
/* False: no extended regular expression, or one that is refused because it may take too much. */
bool qns_qrule_regex_ok(const char *pattern);

#endif
