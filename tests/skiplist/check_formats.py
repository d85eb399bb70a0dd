# SPDX-License-Identifier: MIT
"""Every format with a model whose names try to break out: equal to its golden file, and read back by what reads it.

    usage: check_formats.py QNS GOLDEN_FOLDER [--write]
"""
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
import types

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

qns, golden = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
write = "--write" in sys.argv
os.chdir(tempfile.mkdtemp())

CONV = "/it's \"a\\b\" $(exit 3)`x`/Conv"
RELU = "/re[0]*?.+^$|(){}/Relu\n\"] + [1"
GEMM = "/h\u00e9ad \u03b1\u202e\u2028:float16,/Gemm"
CONV_OUT, RELU_OUT, GEMM_OUT = "c'\"\\\n", "model/r[0].+(x)/Relu:0", "\u03c9;"
WEIGHT = {CONV: "conv's[1].\"w\".weight", GEMM: "h\u00e9ad.weight"}


def make_model():
    w = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), WEIGHT[CONV])
    v = numpy_helper.from_array(np.ones((3, 8), np.float32), WEIGHT[GEMM])
    nodes = [
        helper.make_node("Conv", ["x", WEIGHT[CONV]], [CONV_OUT], name=CONV),
        helper.make_node("Relu", [CONV_OUT], [RELU_OUT], name=RELU),
        helper.make_node("Flatten", [RELU_OUT], ["flat"], name="/Flatten"),
        helper.make_node("Gemm", ["flat", WEIGHT[GEMM]], [GEMM_OUT], name=GEMM, transB=1),
    ]
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
                          [helper.make_tensor_value_info(GEMM_OUT, TensorProto.FLOAT, [1, 3])], [w, v])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)])
    m.ir_version = 8
    onnx.save(m, "model.onnx")
    with open("q.yaml", "w") as f:
        f.write("rules:\n  - op: conv\n    quantize: false\n  - op: linear\n    quantize: false\n")


def run_python(text):
    """The file as a module, with stand-ins for what it imports."""
    nncf = types.ModuleType("nncf")
    nncf.IgnoredScope = lambda names: {"names": names}
    ort = types.ModuleType("onnxruntime.quantization")
    ort.QuantType = types.SimpleNamespace(QUInt16="QUInt16")
    sys.modules.update({"nncf": nncf, "onnxruntime": types.ModuleType("onnxruntime"),
                        "onnxruntime.quantization": ort})
    space = {}
    exec(compile(text, "skiplist", "exec"), space)
    return space


def run_shell(text, program):
    """What the program gets."""
    os.makedirs("bin", exist_ok=True)
    with open("bin/" + program, "w") as f:
        f.write("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    os.chmod("bin/" + program, 0o755)
    with open("list.sh", "w") as f:
        f.write(text)
    env = dict(os.environ, PATH=os.path.abspath("bin") + ":" + os.environ["PATH"])
    out = subprocess.run(["sh", "list.sh", "model.onnx", "--more"], env=env, check=True, capture_output=True)
    return out.stdout.decode().split("\0")[:-1]


make_model()
graph = onnx.load("model.onnx").graph
every_node = [n.name for n in graph.node]
nodes = [CONV, RELU, GEMM]
assert all(n in every_node for n in nodes)
tensors = [CONV_OUT, RELU_OUT, GEMM_OUT]
tf_tensors = [CONV_OUT, RELU_OUT[:-2], GEMM_OUT]
modules = [w[:-len(".weight")] for w in WEIGHT.values()]
relu_module = RELU[1:RELU.rindex("/")]
modules.insert(1, relu_module)


def only(patterns, matches, wanted, others):
    """Each pattern matches its own name and nothing else."""
    assert len(patterns) == len(wanted), patterns
    for p, w in zip(patterns, wanted):
        assert [n for n in others if matches(p, n)] == [w], (p, w)


class Recorder:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *a, **k: self.calls.append((name, a, k))


def check(name, text):
    if name in ("tensorrt", "modelopt"):
        args = run_shell(text, "polygraphy" if name == "tensorrt" else "python3")
        if name == "tensorrt":
            assert args[args.index("--layer-precisions") + 1:] == [n + ":float32" for n in nodes], args
        else:
            only(args[args.index("--nodes_to_exclude") + 1:], lambda p, n: re.match(p, n), nodes, every_node)
        return
    if name == "ai-edge":
        rules = json.loads(text)
        only([r["regex"] for r in rules], lambda p, n: re.search(p, n + ";"), tf_tensors, tf_tensors + ["flat"])
        return
    if name == "qns":
        with open("back.yaml", "w") as f:
            f.write(text)
        back = subprocess.run([qns, "skiplist", "back.yaml", "--model", "model.onnx", "--to", "onnxruntime-json"],
                              check=True, capture_output=True)
        assert json.loads(back.stdout)["nodes_to_exclude"] == nodes
        return
    if name in ("onnxruntime-json", "optimum", "qnn", "one"):
        j = json.loads(text)
        got = {"onnxruntime-json": lambda: j["nodes_to_exclude"],
               "optimum": lambda: j["quantization"]["nodes_to_exclude"],
               "qnn": lambda: list(j["activation_encodings"]),
               "one": lambda: [l["name"] for l in j["layers"]]}[name]()
        assert got == (nodes if name in ("onnxruntime-json", "optimum") else tensors), got
        return
    s = run_python(text)
    r = Recorder()
    if name == "onnxruntime":
        assert s["NODES_TO_EXCLUDE"] == nodes + [GEMM + "_MatMul"]
    elif name == "onnxruntime-16bit":
        assert list(s["TENSOR_QUANT_OVERRIDES"]) == tensors
    elif name == "tflite":
        assert s["DENYLISTED_NODES"] == tf_tensors
    elif name == "nncf":
        assert s["IGNORED_SCOPE"] == {"names": nodes}
    elif name in ("inc", "inc-pytorch"):
        assert list(s["OP_NAME_DICT"]) == (nodes if name == "inc" else modules)
        assert all(v["weight"]["dtype"] == ["fp32"] for v in s["OP_NAME_DICT"].values())
    elif name in ("pytorch-fx", "pt2e-x86"):
        assert s["keep_float"](r) is r
        assert [c[1] for c in r.calls] == [(m, None) for m in modules], r.calls
    elif name == "pt2e-xnnpack":
        s["keep_float"](r)
        keep = r.calls[0][1][0]
        for path, quantize in [(m, False) for m in modules] + [("other", True), (modules[0] + "x", True)]:
            node = types.SimpleNamespace(meta={"nn_module_stack": {"k": ("L['self']." + path, None)}})
            assert keep(node) is quantize, path
    elif name in ("modelopt-torch", "quanto"):
        tail = ".input_quantizer" if name == "modelopt-torch" else ""
        only(s.get("DISABLED") or s["EXCLUDE"], lambda p, n: fnmatch.fnmatchcase(n + tail, p), modules,
             modules + ["re0a", "other"])
    elif name in ("pytorch-eager", "aimet", "inc3"):
        assert s["MODULES"] == modules
    elif name == "aimet-onnx":
        assert s["TENSORS"] == tensors
    elif name == "ppq":
        assert s["OPERATIONS"] == nodes
    elif name == "mqbench":
        assert s["EXTRA_QUANTIZER_DICT"] == {"exclude_module_name": modules}
    elif name == "mct":
        assert s["NODES"] == [m.replace(".", "_") for m in modules]
    elif name in ("quark", "amct"):
        assert (s.get("EXCLUDE_LAYERS") or s["SKIP_LAYERS"]) == nodes
    else:
        raise AssertionError("no check for format " + name)


formats = subprocess.run([qns, "skiplist", "--list-formats"], check=True, capture_output=True).stdout.decode()
formats = [line.split()[0] for line in formats.splitlines()]
assert len(formats) > 20
bad = []
for name in formats:
    cmd = [qns, "skiplist", "q.yaml", "--model", "model.onnx", "--to", name]
    text = subprocess.run(cmd, check=True, capture_output=True).stdout.decode()
    path = os.path.join(golden, name + ".txt")
    if write:
        with open(path, "w") as f:
            f.write(text)
    with open(path) as f:
        if f.read() != text:
            bad.append(name + " is not what its golden file says:\n" + text)
    try:
        check(name, text)
    except Exception as e:  # all formats are looked at
        bad.append("%s: %s: %s\n%s" % (name, type(e).__name__, e, text))
    # Nothing selected is a file that is as valid.
    with open("none.yaml", "w") as f:
        f.write("rules: []\n")
    cmd[2] = "none.yaml"
    run = subprocess.run(cmd, check=True, capture_output=True)
    assert b"empty" in run.stderr, run.stderr
    empty = run.stdout.decode()
    if empty.startswith(("{", "[")):
        json.loads(empty)
    elif empty.startswith("#!"):
        subprocess.run(["sh", "-n"], input=empty.encode(), check=True)
    elif name != "qns":
        run_python(empty)
for b in bad:
    print(b)
print(len(formats), "formats,", len(bad), "bad")
sys.exit(1 if bad else 0)
