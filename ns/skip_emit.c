/* SPDX-License-Identifier: MIT */
/* The table of formats, and the header that every format with comments has. */
#include "ns/skip_emit.h"

#include "core/base/map.h"
#include "core/base/mem.h"
#include "ns/skip_quote.h"

#include <string.h>

/* name, space, kind, what, use, list's name, writer */
static const qns_skip_format rows[] = {
    {"qns", QNS_SKIP_LAYERS, "yaml", "qconfig.yaml of QNS",
     "qns quantize MODEL -d CALIB -q FILE -o QUANT.onnx", NULL, qns_emit_qns},
    {"pytorch-fx", QNS_SKIP_MODULES, "python", "PyTorch, FX graph mode",
     "prepare_fx(model, keep_float(qconfig_mapping), example_inputs)", NULL, qns_emit_fx},
    {"pytorch-eager", QNS_SKIP_MODULES, "python", "PyTorch, eager mode",
     "keep_float(model) after model.qconfig is set and before prepare(model)", NULL,
     qns_emit_eager},
    {"pt2e-x86", QNS_SKIP_MODULES, "python", "PyTorch 2 export, X86InductorQuantizer",
     "keep_float(quantizer) before prepare_pt2e()", NULL, qns_emit_pt2e_x86},
    {"pt2e-xnnpack", QNS_SKIP_MODULES, "python", "PyTorch 2 export, XNNPACKQuantizer",
     "keep_float(quantizer) before prepare_pt2e()", NULL, qns_emit_pt2e_xnnpack},
    {"onnxruntime", QNS_SKIP_NODES, "python", "ONNX Runtime",
     "quantize_static(..., nodes_to_exclude=NODES_TO_EXCLUDE)", NULL, qns_emit_ort},
    {"onnxruntime-json", QNS_SKIP_NODES, "json", "ONNX Runtime, options as JSON",
     "quantize_static(..., **json.load(file))", NULL, qns_emit_ort_json},
    {"onnxruntime-16bit", QNS_SKIP_TENSORS, "python", "ONNX Runtime, 16 bits instead of float",
     "quantize_static(..., extra_options={\"TensorQuantOverrides\": TENSOR_QUANT_OVERRIDES})", NULL,
     qns_emit_ort16},
    {"optimum", QNS_SKIP_NODES, "json", "Hugging Face Optimum, ort_config.json",
     "merge into ort_config.json", NULL, qns_emit_optimum},
    {"tflite", QNS_SKIP_TENSORS, "python", "TensorFlow Lite, quantization debugger",
     "QuantizationDebugOptions(denylisted_nodes=DENYLISTED_NODES)", NULL, qns_emit_tflite},
    {"ai-edge", QNS_SKIP_TENSORS, "json", "AI Edge Quantizer recipe",
     "append to the recipe: later entries override", NULL, qns_emit_ai_edge},
    {"nncf", QNS_SKIP_NODES, "python", "NNCF (ONNX and OpenVINO models)",
     "nncf.quantize(..., ignored_scope=IGNORED_SCOPE)", NULL, qns_emit_nncf},
    {"inc", QNS_SKIP_NODES, "python", "Neural Compressor 2 (ONNX models)",
     "PostTrainingQuantConfig(op_name_dict=OP_NAME_DICT)", NULL, qns_emit_inc},
    {"inc-pytorch", QNS_SKIP_MODULES, "python", "Neural Compressor 2 (PyTorch models)",
     "PostTrainingQuantConfig(op_name_dict=OP_NAME_DICT)", NULL, qns_emit_inc},
    {"inc3", QNS_SKIP_MODULES, "python", "Neural Compressor 3 (PyTorch models)",
     "keep_float(config) before prepare(model, config, ...)", NULL, qns_emit_inc3},
    {"tensorrt", QNS_SKIP_NODES, "shell", "TensorRT through Polygraphy",
     "sh FILE MODEL.onnx [more options of polygraphy run]", NULL, qns_emit_polygraphy},
    {"modelopt", QNS_SKIP_NODES, "shell", "NVIDIA ModelOpt for ONNX",
     "sh FILE --onnx_path MODEL.onnx [more options]", NULL, qns_emit_modelopt},
    {"modelopt-torch", QNS_SKIP_MODULES, "python", "NVIDIA ModelOpt for PyTorch",
     "mtq.quantize(model, keep_float(config), forward_loop)", NULL, qns_emit_modelopt_torch},
    {"aimet", QNS_SKIP_MODULES, "python", "AIMET for PyTorch",
     "sim.exclude_layers_from_quantization(layers(sim.model))", NULL, qns_emit_aimet},
    {"aimet-onnx", QNS_SKIP_TENSORS, "python", "AIMET for ONNX",
     "keep_float(sim) before sim.compute_encodings()", NULL, qns_emit_aimet_onnx},
    {"qnn", QNS_SKIP_TENSORS, "json", "Qualcomm QNN and SNPE, 16 bits instead of 8",
     "--quantization_overrides FILE", NULL, qns_emit_qnn},
    {"ppq", QNS_SKIP_NODES, "python", "PPQ", "keep_float(setting) before quantize_onnx_model()",
     NULL, qns_emit_ppq},
    {"mqbench", QNS_SKIP_MODULES, "python", "MQBench",
     "prepare_custom_config_dict={\"extra_quantizer_dict\": EXTRA_QUANTIZER_DICT}", NULL,
     qns_emit_mqbench},
    {"mct", QNS_SKIP_MODULES, "python", "Sony MCT, 16-bit activations",
     "keep_precise(bit_width_config)", NULL, qns_emit_mct},
    {"quark", QNS_SKIP_NODES, "python", "AMD Quark for ONNX", "exclude=EXCLUDE_LAYERS",
     "EXCLUDE_LAYERS", qns_emit_list},
    {"quanto", QNS_SKIP_MODULES, "python", "optimum-quanto",
     "quantize(model, ..., exclude=EXCLUDE)", NULL, qns_emit_quanto},
    {"one", QNS_SKIP_TENSORS, "json", "Samsung ONE, 16 bits instead of 8", "one-quantize --config",
     NULL, qns_emit_one},
    {"amct", QNS_SKIP_NODES, "python", "Ascend AMCT for ONNX",
     "create_quant_config(..., skip_layers=SKIP_LAYERS)", "SKIP_LAYERS", qns_emit_list},
    {0},
};
enum { N_FORMATS = QNS_ARRAY_LEN(rows) - 1 };

const qns_skip_format *qns_skip_formats(void)
{
    return rows;
}

qns_status qns_skip_format_find(const qns_skip_format **out, const char *name, qns_err *err)
{
    const char *names[N_FORMATS];
    for (size_t i = 0; i < N_FORMATS; i++) {
        names[i] = rows[i].name;
        *out = &rows[i];
        if (strcmp(name, names[i]) == 0)
            return QNS_OK;
    }
    const int64_t near = qns_nearest(name, names, N_FORMATS);
    if (near < 0)
        QNS_FAIL(err, NOTFOUND, "no format '%s'; 'qns skiplist --list-formats' lists them", name);
    QNS_FAIL(err, NOTFOUND, "no format '%s'; did you mean '%s'?", name, names[near]);
}

const char *qns_skip_space_text(qns_skip_space s)
{
    static const char *const text[] = {"layer", "node", "module", "tensor"};
    return text[s];
}

bool qns_skip_has_name(const qns_skip_format *f, const qns_skip_layer *l)
{
    return l->n_names[f->space] > 0 || (f->emit == qns_emit_fx && l->n_calls > 0);
}

/* Comments are one line each: names in them are quoted. */
static void add_header(qns_str *out, const qns_skip_format *f, const qns_skiplist *l)
{
    if (strcmp(f->kind, "json") == 0)
        return;
    if (strcmp(f->kind, "shell") == 0)
        qns_str_add(out, "#!/bin/sh\n");
    qns_str_addf(out, "# Skip list of QNS for %s: %u layer%s of ", f->what, l->n_layers,
                 l->n_layers == 1 ? "" : "s");
    qns_quote_json(out, l->model);
    qns_str_addf(out, " stay%s precise.\n# Use: %s\n", l->n_layers == 1 ? "s" : "", f->use);
    for (uint32_t i = 0; i < l->n_layers; i++)
        if (!qns_skip_has_name(f, &l->layer[i])) {
            qns_str_addf(
                out, "# Not in this list, because it is no %s: ", qns_skip_space_text(f->space));
            qns_quote_json(out, l->layer[i].name);
            qns_str_addf(out, " (%s)\n", l->layer[i].op);
        }
}

void qns_emit_items(qns_str *out, const char *before, const char *after, const char *const *name,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qns_str_add(out, before);
        qns_quote_json(out, name[i]);
        qns_str_addf(out, "%s%s\n", after, i + 1 < n ? "," : "");
    }
}

void qns_emit_list(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                   const char *const *name, size_t n)
{
    (void)l;
    qns_str_addf(out, "%s = [\n", f->var);
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n");
}

/* The names of all layers in the format's space, each once. */
static qns_status collect(const char ***out, size_t *n, const qns_skip_format *f,
                          const qns_skiplist *l, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_map seen = {0};
    size_t cap = 0;
    *n = 0;
    for (uint32_t i = 0; i < l->n_layers; i++)
        cap += l->layer[i].n_names[f->space];
    QNS_TRY_DONE(qns_new((void **)out, cap, sizeof **out, err));
    for (uint32_t i = 0; i < l->n_layers; i++)
        for (uint32_t k = 0; k < l->layer[i].n_names[f->space]; k++) {
            const char *name = l->layer[i].names[f->space][k];
            if (qns_map_get(&seen, name) != QNS_MAP_NONE)
                continue;
            QNS_TRY_DONE(qns_map_put(&seen, name, 1, err));
            (*out)[(*n)++] = name;
        }
done:
    qns_map_fini(&seen);
    return st;
}

qns_status qns_skiplist_write(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                              qns_err *err)
{
    const char **name = NULL;
    size_t n;
    if (f->space == QNS_SKIP_TENSORS && !l->checked && l->n_layers)
        QNS_FAIL(err, CONFIG, "format '%s' names tensors: give the float model with --model",
                 f->name);
    if (f->space == QNS_SKIP_NODES && l->unnamed)
        QNS_FAIL(err, CONFIG,
                 "node '%s' has no name in '%s', and format '%s' needs one; docs/skiplists.md "
                 "shows how to name nodes",
                 l->unnamed, l->model, f->name);
    const qns_status st = collect(&name, &n, f, l, err);
    if (st == QNS_OK) {
        add_header(out, f, l);
        f->emit(out, f, l, name, n);
    }
    qns_free(name);
    if (st == QNS_OK && out->failed)
        QNS_FAIL(err, NOMEM, "out of memory for the skip list");
    return st;
}
