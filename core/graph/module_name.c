/* SPDX-License-Identifier: MIT */
#include "core/graph/module_name.h"

#include <string.h>

void qns_module_name(char *out, size_t size, const char *node)
{
    size_t len = 0, top = 0; /* top: where the last segment starts */
    for (const char *s = node; *s;) {
        s += *s == '/';
        const size_t n = strcspn(s, "/"), old = len - top;
        if (!s[n])
            break;
        if (old && n > old && s[old] == '.' && strncmp(s, out + top, old) == 0)
            len = top;
        else if (len)
            out[len++] = '.';
        top = len;
        if (len + n + 2 > size) { /* with a point and the end */
            len = 0;
            break;
        }
        memcpy(out + len, s, n);
        len += n;
        s += n;
    }
    out[len] = 0;
}
