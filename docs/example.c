/* SPDX-License-Identifier: MIT */
/* The main job in C: load a float model, quantize it, run both models, compare.
 *
 *     cc example.c $(pkg-config --cflags --libs qns) -o example
 *     ./example model.onnx calib.yaml eval.yaml */
#include <qns.h>
#include <stdio.h>

#define TRY(call) if ((call) != QNS_OK) return fprintf(stderr, "%s: %s\n", err.trail, err.text), 1

/* Run a model over data and log every layer to an HDF5 file. */
static int record(const qns_model *m, const char *data, const char *h5)
{
    qns_err err = {0};
    qns_plan *p;
    qns_source *s;
    TRY(qns_plan_create(&p, qns_model_graph(m), &(qns_exec_opts){.cpu_mask = ~0u}, &err));
    TRY(qns_source_open(&s, qns_model_graph(m), &data, 1, NULL, 50, &err));
    TRY(qns_capture_run(NULL, h5, p, s, NULL, &err));
    qns_source_close(s);
    qns_plan_free(p);
    return 0;
}

int main(int argc, char **argv)
{
    qns_err err = {0};
    qns_model *model, *quant;
    qns_source *calib;
    qns_qconfig_set *set;
    qns_graph *qdq;
    qns_result *r;
    if (argc != 4)
        return fprintf(stderr, "usage: example MODEL.onnx CALIB.yaml EVAL.yaml\n"), 64;
    TRY(qns_model_load(&model, argv[1], NULL, &err));
    TRY(qns_source_open(&calib, qns_model_graph(model), (const char *[]){argv[2]}, 1, NULL, 0, &err));
    TRY(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, &err));
    const qns_calibration c = {.samples = qns_samples_of(calib), .exec = {.cpu_mask = ~0u}};
    TRY(qns_quantize(&qdq, NULL, qns_model_graph(model), set, &c, &err));
    TRY(qns_onnx_write("quant.onnx", qdq, true, &err));
    TRY(qns_model_load(&quant, "quant.onnx", NULL, &err));
    if (record(model, argv[3], "float.h5") || record(quant, argv[3], "quant.h5"))
        return 1;
    TRY(qns_compare(&r, "float.h5", "quant.h5", NULL, &err));
    for (uint32_t i = 0; i < r->n_ranking && i < 3; i++)
        printf("%6.2f dB  %s\n", r->layer[r->ranking[i]].activation.sqnr_db, r->layer[r->ranking[i]].name);
    qns_result_free(r);
    qns_model_free(quant);
    qns_graph_free(qdq);
    qns_qconfig_free(set);
    qns_source_close(calib);
    qns_model_free(model);
    return 0;
}
