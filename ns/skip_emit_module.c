/* SPDX-License-Identifier: MIT */
/* Skip lists of tools that know the modules of a PyTorch model. */
#include "ns/skip_emit.h"
#include "ns/skip_quote.h"

static void add_modules(qns_str *out, const char *const *name, size_t n)
{
    qns_str_add(out, "MODULES = [\n");
    qns_emit_items(out, "    ", "", name, n);
    qns_str_add(out, "]\n");
}

/* Functions have no name of their own: they are found by the module that calls them. */
static bool add_calls(qns_str *out, const qns_skiplist *l)
{
    bool any = false;
    for (uint32_t i = 0; i < l->n_layers; i++)
        for (uint32_t k = 0; k < l->layer[i].n_calls; k++) {
            const qns_skip_call *c = &l->layer[i].call[k];
            if (!any)
                qns_str_add(out,
                            "\n# module that calls, function, which of its calls\nCALLS = [\n");
            any = true;
            qns_str_add(out, "    (");
            qns_quote_json(out, c->module);
            qns_str_addf(out, ", \"%s\", %u),\n", c->function, c->index);
        }
    if (any)
        qns_str_add(out, "]\nFUNCTIONS = {\n"
                         "    \"add\": (torch.add, operator.add, operator.iadd),\n"
                         "    \"mul\": (torch.mul, operator.mul, operator.imul),\n"
                         "    \"cat\": (torch.cat,),\n"
                         "    \"matmul\": (torch.matmul, operator.matmul),\n"
                         "}\n");
    return any;
}

void qns_emit_fx(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                 const char *const *name, size_t n)
{
    (void)f;
    bool calls = false;
    for (uint32_t i = 0; i < l->n_layers; i++)
        calls |= l->layer[i].n_calls > 0;
    if (calls)
        qns_str_add(out, "import operator\n\nimport torch\n\n");
    add_modules(out, name, n);
    calls = add_calls(out, l);
    qns_str_add(out, "\n\ndef keep_float(mapping):\n"
                     "    for name in MODULES:\n"
                     "        mapping.set_module_name(name, None)\n");
    if (calls)
        qns_str_add(out, "    for module, function, index in CALLS:\n"
                         "        for f in FUNCTIONS[function]:\n"
                         "            mapping.set_module_name_object_type_order("
                         "module, f, index, None)\n");
    qns_str_add(out, "    return mapping\n");
}

void qns_emit_eager(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                    const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    add_modules(out, name, n);
    qns_str_add(out, "\n\ndef keep_float(model):\n"
                     "    for name in MODULES:\n"
                     "        model.get_submodule(name).qconfig = None\n"
                     "    return model\n");
}

void qns_emit_pt2e_x86(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                       const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    add_modules(out, name, n);
    qns_str_add(out, "\n\ndef keep_float(quantizer):\n"
                     "    for name in MODULES:\n"
                     "        quantizer.set_module_name_qconfig(name, None)\n"
                     "    return quantizer\n");
}

/* This quantizer refuses None; its filter sees nodes, which know their modules. */
void qns_emit_pt2e_xnnpack(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                           const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    add_modules(out, name, n);
    qns_str_add(out, "\n\ndef modules_of(node):\n"
                     "    for path, _ in node.meta.get(\"nn_module_stack\", {}).values():\n"
                     "        yield path.replace(\"L['self'].\", \"\", 1)\n"
                     "\n\ndef keep_float(quantizer):\n"
                     "    skip = set(MODULES)\n"
                     "    quantizer.set_filter_function("
                     "lambda node: skip.isdisjoint(modules_of(node)))\n"
                     "    return quantizer\n");
}

void qns_emit_aimet(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                    const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    add_modules(out, name, n);
    qns_str_add(out, "\n\ndef layers(model):\n"
                     "    return [model.get_submodule(name) for name in MODULES]\n");
}

/* Text that is made of every name, quoted. */
static void add_made(qns_str *out, const char *name, void escape(qns_str *, const char *),
                     const char *tail)
{
    qns_str t = {0};
    escape(&t, name);
    qns_str_add(&t, tail);
    out->failed |= t.failed;
    qns_quote_json(out, qns_str_get(&t));
    qns_str_fini(&t);
}

void qns_emit_modelopt_torch(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                             const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "# Wildcards: all quantizers of a module.\nDISABLED = [\n");
    for (size_t i = 0; i < n; i++) {
        qns_str_add(out, "    ");
        add_made(out, name[i], qns_escape_fnmatch, ".*");
        qns_str_add(out, i + 1 < n ? ",\n" : "\n");
    }
    qns_str_add(out, "]\n\n\ndef keep_float(config):\n"
                     "    for pattern in DISABLED:\n"
                     "        config[\"quant_cfg\"][pattern] = {\"enable\": False}\n"
                     "    return config\n");
}

void qns_emit_quanto(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                     const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "EXCLUDE = [\n");
    for (size_t i = 0; i < n; i++) {
        qns_str_add(out, "    ");
        add_made(out, name[i], qns_escape_fnmatch, "");
        qns_str_add(out, i + 1 < n ? ",\n" : "\n");
    }
    qns_str_add(out, "]\n");
}

void qns_emit_mqbench(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                      const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "EXTRA_QUANTIZER_DICT = {\n    \"exclude_module_name\": [\n");
    qns_emit_items(out, "        ", "", name, n);
    qns_str_add(out, "    ]\n}\n");
}

/* Its graph names modules with underscores. */
static void with_underscores(qns_str *out, const char *s)
{
    for (; *s; s++)
        qns_str_add_n(out, *s == '.' ? "_" : s, 1);
}

void qns_emit_mct(qns_str *out, const qns_skip_format *f, const qns_skiplist *l,
                  const char *const *name, size_t n)
{
    (void)f;
    (void)l;
    qns_str_add(out, "NODES = [\n");
    for (size_t i = 0; i < n; i++) {
        qns_str_add(out, "    ");
        add_made(out, name[i], with_underscores, "");
        qns_str_add(out, i + 1 < n ? ",\n" : "\n");
    }
    qns_str_add(out, "]\n\n\ndef keep_precise(bit_width_config):\n"
                     "    from model_compression_toolkit.core.common.network_editors import "
                     "NodeNameFilter\n"
                     "    if NODES:\n"
                     "        bit_width_config.set_manual_activation_bit_width(\n"
                     "            [NodeNameFilter(name) for name in NODES], 16)\n"
                     "    return bit_width_config\n");
}
