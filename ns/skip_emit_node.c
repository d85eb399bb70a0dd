/* SPDX-License-Identifier: MIT */
/* Skip lists of tools that know the nodes or the tensors of a model file. */
#include "ns/skip_emit.h"
#include "ns/skip_quote.h"

#include <string.h>

/* An exact name wins over its reading as a pattern, but as a pattern it could match others, too. */
void qns_emit_qns(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, n ? "rules:\n  - skip:\n" : "rules: []\n");
    for (size_t i = 0; i < n; i++) {
        qns_str t = {0};
        if (qns_has_glob_chars(name[i]))
            qns_escape_glob(&t, name[i]);
        else
            qns_str_add(&t, name[i]);
        out->failed |= t.failed;
        qns_str_add(out, "      - ");
        qns_quote_json(out, qns_str_get(&t));
        qns_str_add(out, "\n");
        qns_str_fini(&t);
    }
}

/* Its preprocessing makes a MatMul of a Gemm, under another name. */
void qns_emit_ort(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    bool any = false;
    qns_str_add(out, "NODES_TO_EXCLUDE = [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n");
    for (uint32_t i = 0; i < l->n_layers; i++)
        if (strcmp(l->layer[i].op, "linear") == 0) {
            if (!any)
                qns_str_add(out, "# A Gemm may have become a MatMul of this name.\n"
                                 "NODES_TO_EXCLUDE += [\n");
            any = true;
            for (uint32_t k = 0; k < l->layer[i].n_names[QNS_SKIP_NODES]; k++) {
                qns_str_add(out, "    ");
                qns_quote_json(out, l->layer[i].names[QNS_SKIP_NODES][k]);
                qns_str_add(out, " + \"_MatMul\",\n");
            }
        }
    if (any)
        qns_str_add(out, "]\n");
}

void qns_emit_ort_json(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                       const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "{\n  \"nodes_to_exclude\": [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "  ]\n}\n");
}

void qns_emit_optimum(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                      const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "{\n  \"quantization\": {\n    \"nodes_to_exclude\": [\n");
    qns_emit_items(out, "      ", "", name, n);
    qns_str_add(out, "    ]\n  }\n}\n");
}

void qns_emit_ort16(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                    const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "from onnxruntime.quantization import QuantType\n\n"
                     "TENSOR_QUANT_OVERRIDES = {\n");
    qns_emit_items(out, "    ", ": [{\"quant_type\": QuantType.QUInt16}]", name, n);
    qns_str_add(out, "}\n");
}

/* Converters from TensorFlow keep its ":0" in the names of tensors; TFLite does not. */
static void tensorflow_name(qns_str *out, const char *name)
{
    const char *colon = strrchr(name, ':');
    const bool number = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    qns_str_add_n(out, name, number ? (size_t)(colon - name) : strlen(name));
}

void qns_emit_tflite(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                     const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "DENYLISTED_NODES = [\n");
    for (size_t i = 0; i < n; i++) {
        qns_str t = {0};
        tensorflow_name(&t, name[i]);
        out->failed |= t.failed;
        qns_str_add(out, "    ");
        qns_quote_json(out, qns_str_get(&t));
        qns_str_add(out, i + 1 < n ? ",\n" : "\n");
        qns_str_fini(&t);
    }
    qns_str_add(out, "]\n");
}

/* The expression is searched in the names of all outputs of an operator, each followed by ';'. */
void qns_emit_ai_edge(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                      const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "[\n");
    for (size_t i = 0; i < n; i++) {
        qns_str plain = {0}, t = {0};
        tensorflow_name(&plain, name[i]);
        qns_str_add(&t, "(^|;)");
        qns_escape_regex(&t, qns_str_get(&plain));
        qns_str_add(&t, "(;|$)");
        out->failed |= t.failed || plain.failed;
        qns_str_add(out, "  {\"regex\": ");
        qns_quote_json(out, qns_str_get(&t));
        qns_str_addf(out, ", \"operation\": \"*\", \"algorithm_key\": \"no_quantize\"}%s\n",
                     i + 1 < n ? "," : "");
        qns_str_fini(&plain);
        qns_str_fini(&t);
    }
    qns_str_add(out, "]\n");
}

void qns_emit_nncf(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                   const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "import nncf\n\nIGNORED_SCOPE = nncf.IgnoredScope(names=[\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "])\n");
}

void qns_emit_inc(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "FLOAT = {\"activation\": {\"dtype\": [\"fp32\"]}, "
                     "\"weight\": {\"dtype\": [\"fp32\"]}}\n"
                     "OP_NAME_DICT = {\n");
    qns_emit_items(out, "    ", ": FLOAT", name, n);
    qns_str_add(out, "}\n");
}

void qns_emit_inc3(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                   const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "MODULES = [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n\n\ndef keep_float(config):\n"
                     "    for name in MODULES:\n"
                     "        config.set_local(name, type(config)(w_dtype=\"fp32\", "
                     "act_dtype=\"fp32\"))\n"
                     "    return config\n");
}

/* The precision stands behind the last colon: names may have colons, too. */
void qns_emit_polygraphy(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                         const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "model=${1:?the model.onnx is missing}\nshift\n"
                     "exec polygraphy run \"$model\" --trt --int8 \"$@\"");
    if (n)
        qns_str_add(out, " \\\n  --precision-constraints obey \\\n  --layer-precisions");
    for (size_t i = 0; i < n; i++) {
        qns_str_add(out, " \\\n    ");
        qns_quote_shell(out, name[i]);
        qns_str_add(out, ":float32");
    }
    qns_str_add(out, "\n");
}

void qns_emit_modelopt(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                       const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "# Names are regular expressions.\n"
                     "exec python3 -m modelopt.onnx.quantization \"$@\"");
    if (n)
        qns_str_add(out, " \\\n  --nodes_to_exclude");
    for (size_t i = 0; i < n; i++) {
        qns_str t = {0};
        qns_str_add(&t, "^");
        qns_escape_regex(&t, name[i]);
        qns_str_add(&t, "$");
        out->failed |= t.failed;
        qns_str_add(out, " \\\n    ");
        qns_quote_shell(out, qns_str_get(&t));
        qns_str_fini(&t);
    }
    qns_str_add(out, "\n");
}

void qns_emit_ppq(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "OPERATIONS = [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n\n\ndef keep_float(setting):\n"
                     "    from ppq import TargetPlatform\n"
                     "    for name in OPERATIONS:\n"
                     "        setting.dispatching_table.append(operation=name, "
                     "platform=TargetPlatform.FP32)\n"
                     "    return setting\n");
}

void qns_emit_aimet_onnx(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                         const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "TENSORS = [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n\n\ndef keep_float(sim):\n"
                     "    for name in TENSORS:\n"
                     "        if name in sim.qc_quantize_op_dict:\n"
                     "            sim.qc_quantize_op_dict[name].enabled = False\n"
                     "    return sim\n");
}

void qns_emit_qnn(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "{\n  \"activation_encodings\": {\n");
    qns_emit_items(out, "    ", ": [{\"bitwidth\": 16, \"dtype\": \"int\"}]", name, n);
    qns_str_add(out, "  },\n  \"param_encodings\": {}\n}\n");
}

void qns_emit_one(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "{\n  \"default_quantization_dtype\": \"uint8\",\n"
                     "  \"default_granularity\": \"channel\",\n  \"layers\": [\n");
    qns_emit_items(out, "    {\"name\": ", ", \"dtype\": \"int16\", \"granularity\": \"channel\"}",
                   name, n);
    qns_str_add(out, "  ]\n}\n");
}
