/* SPDX-License-Identifier: MIT */
/* A fuzz target is one program: this function, which must come back whatever the bytes are. */
#ifndef QNS_FUZZ_H
#define QNS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sanitizer options that a target needs under libFuzzer. */
const char *__asan_default_options(void);

/* For readers that take a path: makes a file of these bytes. path must hold 64 characters; unlink()
 * it. */
void qns_fuzz_file(char *path, const uint8_t *data, size_t size);

#endif
