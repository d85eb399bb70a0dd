/* SPDX-License-Identifier: MIT */
/* HDF5 files as input data. */
#include "core/model/h5_source.h"
#include "tests/fuzz/fuzz.h"

#include "core/base/mem.h"

#include <unistd.h>

enum { MAX_SAMPLE = 1 << 20 };

static void read_data(qns_h5_data *d)
{
    const qns_shape *s = qns_h5_data_shape(d);
    const size_t n = qns_shape_span(s, 1, s->rank), bytes = n * qns_elem_size(qns_h5_data_elem(d));
    /* A source asks only for samples as large as the model's input. */
    if (n > MAX_SAMPLE || s->dim[0] == 0)
        return;
    void *out = qns_malloc64(bytes);
    qns_h5_data_read(out, d, 0, NULL);
    qns_h5_data_read(out, d, s->dim[0] - 1, NULL);
    qns_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    qns_h5 *f = NULL;
    qns_fuzz_file(path, data, size);
    if (qns_h5_file_open(&f, path, NULL) == QNS_OK) {
        const qns_names *names = qns_h5_file_names(f);
        for (size_t i = 0; i < names->n && i < 8; i++) {
            qns_h5_data *d = NULL;
            if (qns_h5_data_open(&d, f, names->at[i], NULL) != QNS_OK)
                continue;
            read_data(d);
            qns_h5_data_close(d);
        }
        qns_h5_file_close(f);
    }
    unlink(path);
    return 0;
}
