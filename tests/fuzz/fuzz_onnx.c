/* SPDX-License-Identifier: MIT */
/* ONNX models. The path is in a folder that does not exist, so that external data are never found.
 */
#include "core/base/log.h"
#include "core/model/onnx_read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_graph *g = NULL;
    qns_log_to(NULL, NULL);
    if (qns_onnx_read_bytes(&g, data, size, "/nonexistent/fuzz.onnx", NULL, NULL) == QNS_OK)
        qns_graph_free(g);
    return 0;
}
