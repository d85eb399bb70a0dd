/* SPDX-License-Identifier: MIT */
/* Statuses and errors.
 *
 * A function that can fail because of the world (a file, a model, memory) returns a qns_status and
 * takes a qns_err as its last parameter. The function that notices the failure writes the text:
 * what, with the values, and what would be right. Each caller that knows a place adds a note to the
 * trail before it passes the status on. NULL is allowed for err. Misuse by the caller is an
 * assertion, and bad numbers (NaN, clipped values) are findings: neither is ever a status. */
#ifndef QNS_STATUS_H
#define QNS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QNS_STATUS_MAP(X)                                                                          \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "read or write failed")                                                                  \
    X(FORMAT, "file is damaged or not of this format")                                             \
    X(UNSUPPORTED, "valid, but not supported here")                                                \
    X(SHAPE, "shapes or types do not fit together")                                                \
    X(CONFIG, "configuration is wrong")                                                            \
    X(NOTFOUND, "no such name")                                                                    \
    X(MISMATCH, "the two sides cannot be compared")                                                \
    X(DATA, "data is invalid")                                                                     \
    X(CANCELLED, "stopped on request")

typedef enum qns_status {
    QNS_OK = 0,
#define QNS_STATUS_ENUM(name, text) QNS_E_##name,
    QNS_STATUS_MAP(QNS_STATUS_ENUM)
#undef QNS_STATUS_ENUM
        QNS_STATUS_COUNT
} qns_status;

/* Filled by the function that fails; read by whoever prints. Fixed size, so that reporting an
 * out-of-memory cannot itself run out of memory. Initialize with {0}. */
typedef struct qns_err {
    qns_status code;
    const char *file; /* where the failure was noticed */
    int line;
    char text[512];  /* what failed:   channel count 30 is not divisible by group 4 */
    char trail[512]; /* where we were: reading 'resnet.onnx': node 'conv_7' */
} qns_err;

/* Returns code. A second failure on the way out does not overwrite the first. */
qns_status qns_err_set(qns_err *err, qns_status code, const char *file, int line, const char *fmt,
                       ...) __attribute__((format(printf, 5, 6)));
/* Puts a place in front of the trail: the outermost note ends up first. */
void qns_err_note(qns_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *qns_status_text(qns_status code);

/* The code stands in the return itself: a compiler that inlines sees that it is no QNS_OK. */
#define QNS_FAIL(err, code, ...)                                                                   \
    do {                                                                                           \
        qns_err_set((err), QNS_E_##code, __FILE__, __LINE__, __VA_ARGS__);                         \
        return QNS_E_##code;                                                                       \
    } while (0)
#define QNS_TRY(call)                                                                              \
    do {                                                                                           \
        const qns_status try_ = (call);                                                            \
        if (try_ != QNS_OK)                                                                        \
            return try_;                                                                           \
    } while (0)
#define QNS_FAIL_DONE(err, code, ...)                                                              \
    do {                                                                                           \
        qns_err_set((err), QNS_E_##code, __FILE__, __LINE__, __VA_ARGS__);                         \
        st = QNS_E_##code;                                                                         \
        goto done;                                                                                 \
    } while (0)
#define QNS_TRY_DONE(call)                                                                         \
    do {                                                                                           \
        st = (call);                                                                               \
        if (st != QNS_OK)                                                                          \
            goto done;                                                                             \
    } while (0)

#define QNS_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
