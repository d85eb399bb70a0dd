/* SPDX-License-Identifier: MIT */
#include "core/model/npy.h"
#include "tests/fuzz/fuzz.h"

#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_npy *f = NULL;
    if (qns_npy_open_bytes(&f, data, size, "fuzz.npy", NULL) != QNS_OK)
        return 0;
    const qns_shape *s = qns_npy_shape(f);
    const qns_elem e = qns_npy_elem(f);
    const size_t n = s->rank ? qns_shape_span(s, 1, s->rank) : 0;
    /* The file holds all it claims, so that n is small here, unless there is no sample. */
    if (n && s->dim[0] > 0) {
        char *raw = qns_malloc64(n * qns_elem_size(e)), *out = qns_malloc64(n * 8);
        for (int64_t i = 0; i < s->dim[0] && i < 8; i++) {
            const int64_t at = i & 1 ? s->dim[0] - 1 - i : i;
            qns_misfit bad;
            if (at < 0 || qns_npy_read(raw, f, at, NULL) != QNS_OK)
                continue;
            for (qns_dtype t = 0; t < QNS_DTYPE_COUNT; t++)
                qns_elem_convert(out, t, raw, e, n, i & 2, &bad);
        }
        qns_free(raw);
        qns_free(out);
    }
    qns_npy_close(f);
    return 0;
}
