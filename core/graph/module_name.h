/* SPDX-License-Identifier: MIT */
/* Modules of PyTorch, in the names that its exporter gives to nodes. */
#ifndef QNS_MODULE_NAME_H
#define QNS_MODULE_NAME_H

#include <stddef.h>

/* "/layer1/layer1.0/conv1/Conv" is in module "layer1.0.conv1": a segment that continues the one
 * before ("layer1", then "layer1.0") takes its place, the last names the operator. Writes "" for a
 * node of the outermost module, and for one whose module needs more than size bytes; strlen(node) +
 * 1 are always enough. */
void qns_module_name(char *out, size_t size, const char *node);

#endif
