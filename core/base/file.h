/* SPDX-License-Identifier: MIT */
/* Whole files, read with a limit and written complete or not at all. */
#ifndef QNS_FILE_H
#define QNS_FILE_H

#include "core/base/status.h"

/* Reads all of a regular file. *out is zero-terminated behind its *n bytes; free with qns_free().
 * Fails with IO (cannot open, is a folder) or FORMAT when it is larger than max bytes. */
qns_status qns_file_read(char **out, size_t *n, const char *path, size_t max, qns_err *err);

/* Writes to a temporary file beside path, syncs and renames; the old file stays if anything fails.
 */
qns_status qns_file_write(const char *path, const void *p, size_t n, qns_err *err);

/* The same, but "-" is standard output. */
qns_status qns_file_put(const char *path, const void *p, size_t n, qns_err *err);

bool qns_file_exists(const char *path);
/* name relative to the folder that holds base, unless name is absolute; NULL when out of memory. */
char *qns_path_beside(const char *base, const char *name);
/* The part behind the last slash. */
const char *qns_path_name(const char *path);
bool qns_has_suffix(const char *path, const char *suffix);

#endif
