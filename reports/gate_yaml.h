/* SPDX-License-Identifier: MIT */
/* The rules file of the gate; docs/gate.md tells its format. */
#ifndef QNS_GATE_YAML_H
#define QNS_GATE_YAML_H

#include "core/base/arena.h"
#include "reports/gate.h"

/* What is kept goes into the arena. Fails with IO, NOMEM, FORMAT (not YAML) or CONFIG: an unknown
 * key or metric, a limit that cannot be meant, no rule at all; the message names file and line. */
qns_status qns_gate_read_rules(qns_gate_rules *out, qns_arena *a, const char *path, qns_err *err);
qns_status qns_gate_parse_rules(qns_gate_rules *out, qns_arena *a, const char *text, size_t n,
                                const char *name, qns_err *err);

#endif
