/* SPDX-License-Identifier: MIT */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>

static void print(void *ctx, qns_log_level level, const char *text)
{
    (void)ctx;
    if (level == QNS_LOG_WARN)
        fprintf(stderr, "qns: warning: %s\n", text);
}

static qns_log_fn *the_sink = print;
static void *the_ctx;
static bool muted;

void qns_log_to(qns_log_fn *sink, void *ctx)
{
    the_sink = sink;
    the_ctx = ctx;
}

bool qns_log_mute(bool on)
{
    const bool was = muted;
    muted = on;
    return was;
}

void qns_log(qns_log_level level, const char *fmt, ...)
{
    if (!the_sink || muted)
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    the_sink(the_ctx, level, text);
}
