/* SPDX-License-Identifier: MIT */
/* Capture files, ours and foreign ones. */
#include "ns/h5_read.h"
#include "tests/fuzz/fuzz.h"

#include "core/base/mem.h"

#include <unistd.h>

enum { MAX_READ = 1 << 18 };

static void read_some(qns_capture *c, uint32_t i, int64_t samples)
{
    const qns_cap_data *d = qns_capture_at(c, i);
    const bool sampled = qns_group_by_sample(d->group);
    const size_t n = d->count < MAX_READ ? d->count : MAX_READ;
    float *out = qns_malloc64(2 * (n ? n : 1) * sizeof *out);
    qns_cap_part p = {.data = i, .n_rows = 1, .n = n};
    if (!sampled || samples > 0)
        qns_capture_read(out, c, &p, NULL);
    p.row = sampled ? samples - 1 : 0;
    p.first = d->count - n;
    if (p.row >= 0)
        qns_capture_read(out, c, &p, NULL);
    if (sampled && n == d->count && samples >= 2) {
        p = (qns_cap_part){.data = i, .row = samples - 2, .n_rows = 2, .n = n};
        qns_capture_read(out, c, &p, NULL);
    }
    qns_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    qns_capture *c = NULL;
    qns_fuzz_file(path, data, size);
    if (qns_capture_open(&c, path, NULL) == QNS_OK) {
        for (uint32_t i = 0; i < qns_capture_n(c) && i < 16; i++)
            read_some(c, i, qns_capture_info(c)->samples);
        qns_capture_close(c);
    }
    unlink(path);
    return 0;
}
