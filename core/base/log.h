/* SPDX-License-Identifier: MIT */
/* Warnings and progress notes from the library go to one sink; the default prints to standard
 * error. A library user sets NULL to silence it. */
#ifndef QNS_LOG_H
#define QNS_LOG_H

#include <stdbool.h>

typedef enum qns_log_level { QNS_LOG_WARN, QNS_LOG_INFO, QNS_LOG_DEBUG } qns_log_level;

typedef void qns_log_fn(void *ctx, qns_log_level level, const char *text);

void qns_log_to(qns_log_fn *sink, void *ctx);
/* Drops everything while on; returns what it was. For work that repeats what was told before. */
bool qns_log_mute(bool on);
void qns_log(qns_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
