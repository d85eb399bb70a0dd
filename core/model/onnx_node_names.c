/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_node_names.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/onnx_wire.h"
#include "onnx/onnx.pb-c.h"

#include <string.h>

static void *pb_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return qns_calloc(size, 1);
}

static void pb_free(void *ctx, void *p)
{
    (void)ctx;
    qns_free(p);
}

qns_status qns_onnx_node_names(qns_names *out, const char *path, qns_err *err)
{
    qns_status st = QNS_OK;
    ProtobufCAllocator allocator = {pb_alloc, pb_free, NULL};
    Onnx__ModelProto *m = NULL;
    char *bytes = NULL;
    size_t n;
    QNS_TRY_DONE(qns_file_read(&bytes, &n, path, INT32_MAX, err));
    QNS_TRY_DONE(
        qns_onnx_check_wire(&onnx__model_proto__descriptor, (const uint8_t *)bytes, n, err));
    m = onnx__model_proto__unpack(&allocator, n, (const uint8_t *)bytes);
    if (!m || !m->graph)
        QNS_FAIL_DONE(err, FORMAT, "'%s' is no ONNX model", path);
    for (size_t i = 0; i < m->graph->n_node; i++) {
        const char *name = m->graph->node[i]->name;
        if (name && *name)
            QNS_TRY_DONE(qns_names_add(out, name, strlen(name), err));
    }
done:
    if (m)
        onnx__model_proto__free_unpacked(m, &allocator);
    qns_free(bytes);
    return st;
}
