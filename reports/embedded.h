/* SPDX-License-Identifier: MIT */
/* Files of report_templates/, made part of the program by cmake/embed.cmake. */
#ifndef QNS_EMBEDDED_H
#define QNS_EMBEDDED_H

struct qns_embedded {
    const char *name, *data; /* data is terminated behind its size bytes */
    unsigned long size;
};

/* Ends with a name of NULL. */
extern const struct qns_embedded qns_embedded_files[];

#endif
