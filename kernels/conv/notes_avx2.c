/* SPDX-License-Identifier: MIT */
/* Which pairs of quads the AVX2 kernel can add in 16 bits, whatever the codes are
 * (conv_u8s8_avx2.c): an order in which those come first, for each tap of each panel, so that the
 * kernel decides nothing pair by pair. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/parts_avx2.h"

enum { MOST = 258 }; /* 127 * 258 = 32,766 */

/* Weights of the quads at a and b: some four of them add up to more than MOST. */
static bool is_wide(const int8_t *a, const int8_t *b)
{
    for (size_t i = 0; i < PANEL_QUAD; i += 2) {
        int up = 0, down = 0;

        for (size_t j = i; j < i + 2; j++) {
            up += (a[j] > 0 ? a[j] : 0) + (b[j] > 0 ? b[j] : 0);
            down -= (a[j] < 0 ? a[j] : 0) + (b[j] < 0 ? b[j] : 0);
        }
        if (up > MOST || down > MOST)
            return true;
    }
    return false;
}

/* Writes how many pairs of a tap are not wide, the first quads of those, and of the wide ones. */
static void order_pairs(int32_t *list, const int8_t *tap, size_t tap_quads)
{
    int32_t *to = list + 1;

    for (int wide = 0; wide < 2; wide++) {
        for (size_t q = 0; q + 1 < tap_quads; q += 2)
            if (is_wide(tap + q * PANEL_QUAD, tap + (q + 1) * PANEL_QUAD) == (wide == 1))
                *to++ = (int32_t)q;
        if (!wide)
            list[0] = (int32_t)(to - list - 1);
    }
}

/* For each panel where its lists begin, counted from this number on; then the lists. */
size_t qk_conv_notes__avx2(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                           size_t tap_k)
{
    const size_t tap_quads = (tap_k + QK_QUAD - 1) / QK_QUAD, list_size = 1 + tap_quads / 2;
    const size_t n_lists = n_panels * n_taps;

    for (size_t p = 0; notes && p < n_panels; p++)
        notes[p] = (int32_t)(n_panels - p + p * n_taps * list_size);
    for (size_t i = 0; notes && i < n_lists; i++, packed += tap_quads * PANEL_QUAD)
        order_pairs(notes + n_panels + i * list_size, packed, tap_quads);
    return n_panels + n_lists * list_size;
}
