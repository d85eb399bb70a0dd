/* SPDX-License-Identifier: MIT */
#include "core/model/npy.h"
#include "core/model/npz.h"
#include "tests/fuzz/fuzz.h"

#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qns_npz *z = NULL;
    if (qns_npz_open_bytes(&z, data, size, "fuzz.npz", NULL) != QNS_OK)
        return 0;
    const qns_names *names = qns_npz_names(z);
    for (size_t i = 0; i < names->n && i < 8; i++) {
        void *p = NULL;
        size_t n = 0;
        qns_npy *f = NULL;
        if (qns_npz_unpack(&p, &n, z, names->at[i], NULL) == QNS_OK &&
            qns_npy_open_bytes(&f, p, n, names->at[i], NULL) == QNS_OK)
            qns_npy_close(f);
        qns_free(p);
    }
    qns_npz_close(z);
    return 0;
}
