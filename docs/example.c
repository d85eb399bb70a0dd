/* SPDX-License-Identifier: MIT */
/* The main job in C: load a float model, quantize it, run both, compare.
 *
 *     cc example.c $(pkg-config --cflags --libs qns) -o example
 *     ./example model.onnx calib.yaml eval.yaml
 */
#include <qns.h>
#include <stdio.h>

static qns_status record(const char *onnx, const char *data, const char *h5, qns_err *err)
{
    qns_model *m = NULL;
    qns_plan *p = NULL;
    qns_source *s = NULL;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_model_load(&m, onnx, NULL, err));
    const qns_exec_opts opts = {.be = qns_model_backend(m), .cpu_mask = ~0u};
    QNS_TRY_DONE(qns_plan_create(&p, qns_model_graph(m), &opts, err));
    QNS_TRY_DONE(qns_source_open(&s, qns_model_graph(m), &data, 1, NULL, 50, err));
    QNS_TRY_DONE(qns_capture_run(NULL, h5, p, s, NULL, err));
done:
    qns_source_close(s);
    qns_plan_free(p);
    qns_model_free(m);
    return st;
}

static qns_status quantize(const char *onnx, const char *data, const char *out, qns_err *err)
{
    qns_model *m = NULL;
    qns_source *s = NULL;
    qns_qconfig_set *set = NULL;
    qns_graph *quantized = NULL;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_model_load(&m, onnx, NULL, err));
    QNS_TRY_DONE(qns_source_open(&s, qns_model_graph(m), &data, 1, NULL, 0, err));
    QNS_TRY_DONE(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, err));
    const qns_calibration c = {.samples = qns_samples_of(s), .exec = {.cpu_mask = ~0u}};
    QNS_TRY_DONE(qns_quantize(&quantized, NULL, qns_model_graph(m), set, &c, err));
    QNS_TRY_DONE(qns_onnx_write(out, quantized, true, err));
done:
    qns_graph_free(quantized);
    qns_qconfig_free(set);
    qns_source_close(s);
    qns_model_free(m);
    return st;
}

int main(int argc, char **argv)
{
    qns_err err = {0};
    qns_result *r = NULL;
    qns_status st = QNS_OK;
    if (argc != 4)
        return fprintf(stderr, "usage: example MODEL.onnx CALIB.yaml EVAL.yaml\n"), 64;
    QNS_TRY_DONE(quantize(argv[1], argv[2], "quant.onnx", &err));
    QNS_TRY_DONE(record(argv[1], argv[3], "float.h5", &err));
    QNS_TRY_DONE(record("quant.onnx", argv[3], "quant.h5", &err));
    QNS_TRY_DONE(qns_compare(&r, "float.h5", "quant.h5", NULL, &err));
    for (uint32_t i = 0; i < r->n_ranking && i < 3; i++)
        printf("%6.2f dB  %s\n", r->layer[r->ranking[i]].activation.sqnr_db, r->layer[r->ranking[i]].name);
done:
    if (st != QNS_OK)
        fprintf(stderr, "%s: %s\n", err.trail, err.text);
    qns_result_free(r);
    return st != QNS_OK;
}
