/* SPDX-License-Identifier: MIT */
/* usage: make_report FORMAT FILE [hostile|plain [LAYERS [WIDTH]]]: a report of a made-up result. */
#include "reports/render.h"
#include "tests/reports/make_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    qns_err err = {0};
    const bool hostile = argc > 3 && strcmp(argv[3], "hostile") == 0;
    const uint32_t layers = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 64;
    const qns_report_opts opts = {.width = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0,
                                  .colour = getenv("COLOUR") != NULL,
                                  .gnuplot = getenv("GNUPLOT"),
                                  .dot = getenv("DOT"),
                                  .script_dir = getenv("SCRIPTS")};
    if (argc < 3) {
        fprintf(stderr, "usage: make_report FORMAT FILE [hostile|plain [LAYERS [WIDTH]]]\n");
        return 64;
    }
    qns_result *r = make_result(layers ? layers : 1, hostile);
    if (!r || qns_report_write(argv[2], argv[1], r, &opts, &err) != QNS_OK) {
        fprintf(stderr, "make_report: %s\n", err.text);
        qns_result_free(r);
        return 70;
    }
    qns_result_free(r);
    return 0;
}
