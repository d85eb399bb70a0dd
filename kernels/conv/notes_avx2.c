/* SPDX-License-Identifier: MIT */
/* Which pairs of quads the AVX2 kernel cannot add in 16 bits, whatever the codes are. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/parts_avx2.h"

enum {
    MOST = 258, /* 127 * 258 = 32,766 */
    RARE = 16   /* where more than one pair in that many is wide, branches cost more than is won */
};

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

/* Writes the first quads of a panel's wide pairs, counted over all taps, and INT32_MAX behind them;
 * returns how many numbers that is. */
static size_t list_wide(int32_t *list, const int8_t *packed, size_t n_taps, size_t tap_quads)
{
    size_t n = 0;

    for (size_t tap = 0; tap < n_taps; tap++, packed += tap_quads * PANEL_QUAD)
        for (size_t q = 0; q + 1 < tap_quads; q += 2)
            if (is_wide(packed + q * PANEL_QUAD, packed + (q + 1) * PANEL_QUAD)) {
                if (list)
                    list[n] = (int32_t)(tap * tap_quads + q);
                n++;
            }
    if (list)
        list[n] = INT32_MAX;
    return n + 1;
}

/* For each panel where its list begins, counted from this number on, or 0: it has too many. */
size_t qk_conv_notes__avx2(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                           size_t tap_k)
{
    const size_t tap_quads = (tap_k + QK_QUAD - 1) / QK_QUAD;
    size_t at = n_panels;

    for (size_t p = 0; p < n_panels; p++, packed += n_taps * tap_quads * PANEL_QUAD) {
        const size_t n = list_wide(NULL, packed, n_taps, tap_quads);
        const bool many = (n - 1) * RARE > n_taps * (tap_quads / 2);

        if (notes)
            notes[p] = many ? 0 : (int32_t)(at - p);
        if (notes && !many)
            list_wide(notes + at, packed, n_taps, tap_quads);
        at += many ? 0 : n;
    }
    return at;
}
