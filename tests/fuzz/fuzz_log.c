/* SPDX-License-Identifier: MIT */
/* The log of a search, of the layers "a", "b" and "c" and the identity of zeros. What was taken is
 * taken again when it is opened once more, after one more entry. */
#include "ns/search_log.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <unistd.h>

static qns_status each(void *ctx, const qns_search_entry *e, qns_err *err)
{
    (void)e, (void)err;
    ++*(uint64_t *)ctx;
    return QNS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const qns_search_unit unit[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    static const bool in_float[] = {true, false, true};
    const qns_digest identity = {0};
    const qns_search_entry entry = {.phase = "greedy", .in_float = in_float, .score = {1, 2, 3, 4}};
    char path[64];
    uint64_t n[2] = {0};
    qns_search_log *l = NULL;
    qns_fuzz_file(path, data, size);
    if (qns_search_log_open(&l, path, &identity, unit, 3, each, &n[0], NULL) == QNS_OK) {
        if (qns_search_log_add(l, &entry, NULL) != QNS_OK)
            abort();
        qns_search_log_close(l);
        if (qns_search_log_open(&l, path, &identity, unit, 3, each, &n[1], NULL) != QNS_OK ||
            n[1] != n[0] + 1)
            abort();
        qns_search_log_close(l);
    }
    unlink(path);
    return 0;
}
