/* SPDX-License-Identifier: MIT */
#include "core/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

qns_status qns_err_set(qns_err *err, qns_status code, const char *file, int line, const char *fmt,
                       ...)
{
    if (!err || err->code != QNS_OK)
        return code;
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    err->file = file;
    err->line = line;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return code;
}

void qns_err_note(qns_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char note[sizeof err->trail], old[sizeof err->trail];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(note, sizeof note, fmt, ap);
    va_end(ap);
    memcpy(old, err->trail, sizeof old);
    /* A trail that is too long loses its innermost end; the text itself names that place. */
    const int n = snprintf(err->trail, sizeof err->trail, "%s", note);
    if (old[0] && n >= 0 && (size_t)n < sizeof err->trail)
        snprintf(err->trail + n, sizeof err->trail - (size_t)n, ": %s", old);
}

const char *qns_status_text(qns_status code)
{
    static const char *const text[] = {"fine",
#define QNS_STATUS_STR(name, str) str,
                                       QNS_STATUS_MAP(QNS_STATUS_STR)
#undef QNS_STATUS_STR
    };
    return (unsigned)code < QNS_STATUS_COUNT ? text[code] : "unknown status";
}
