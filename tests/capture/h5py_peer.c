/* SPDX-License-Identifier: MIT */
/* For h5py_peer.sh: writes captures with known values, and compares a foreign one with ours.
 *     h5py_peer write FOLDER | compare FLOAT FOREIGN */
#include "ns/compare.h"
#include "tests/unit/ns/cap_help.h"

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        spec q = plain;
        q.quantized = true;
        snprintf(folder, sizeof folder, "%s", argv[2]);
        write_capture(in_folder("f.h5"), &plain);
        write_capture(in_folder("q.h5"), &q);
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "compare") == 0) {
        qns_err err = {0};
        qns_result *r = NULL;
        if (qns_compare(&r, argv[2], argv[3], NULL, &err) != QNS_OK) {
            fprintf(stderr, "%s: %s\n", err.trail, err.text);
            return 1;
        }
        for (uint32_t i = 0; i < r->n_layers; i++)
            printf("%s %s %s %.1f %d\n", r->layer[i].name, r->layer[i].paired_by, r->layer[i].kept,
                   r->layer[i].activation.rmse_steps, r->layer[i].weight.present);
        qns_result_free(r);
        return 0;
    }
    return 64;
}
