/* SPDX-License-Identifier: MIT */
#include "core/exec/memplan.h"

#include "core/base/mem.h"

#include <stdlib.h>

/* Integer kernels read a row of codes up to the next multiple of 4 (kernels.h). */
enum { SLACK = 16 };

static int by_size(const void *x, const void *y)
{
    const qns_block *a = *(qns_block *const *)x, *b = *(qns_block *const *)y;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    return a < b ? -1 : a > b; /* the same order everywhere */
}

static bool overlaps(const qns_block *a, const qns_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static size_t room(const qns_block *b)
{
    return (b->size + SLACK + 63) / 64 * 64;
}

/* Puts b at the lowest offset that no placed block with an overlapping lifetime covers. */
static void place(qns_block *b, qns_block **placed, size_t n)
{
    b->offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n; i++) {
            const qns_block *p = placed[i];
            if (overlaps(b, p) && b->offset < p->offset + room(p) &&
                p->offset < b->offset + room(b)) {
                b->offset = p->offset + room(p);
                moved = true;
            }
        }
    }
}

qns_status qns_memplan(qns_block *b, size_t n, size_t *total, qns_err *err)
{
    qns_block **order;
    QNS_TRY(qns_new((void **)&order, n, sizeof *order, err));
    for (size_t i = 0; i < n; i++)
        order[i] = &b[i];
    qsort(order, n, sizeof *order, by_size);
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        place(order[i], order, i);
        if (order[i]->offset + room(order[i]) > *total)
            *total = order[i]->offset + room(order[i]);
    }
    qns_free(order);
    return QNS_OK;
}
