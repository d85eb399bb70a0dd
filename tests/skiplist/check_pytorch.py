# SPDX-License-Identifier: MIT
"""A PyTorch model, exported to ONNX; QNS's skip list keeps exactly the chosen modules float in FX and eager mode.

    usage: check_pytorch.py QNS GOLDEN_FOLDER
"""
import copy
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import onnx
    import torch
    import torch.nn as nn
    from torch.ao.quantization import QConfigMapping, get_default_qconfig
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

warnings.filterwarnings("ignore")
qns = os.path.abspath(sys.argv[1])
os.chdir(tempfile.mkdtemp())
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv2(self.conv1(x)) + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.layer1 = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(4 * 36, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.layer1(self.stem(x)), 1))


net = Net().eval()
x = torch.randn(1, 1, 8, 8)
torch.onnx.export(net, x, "folded.onnx")
torch.onnx.export(net, x, "plain.onnx", training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
torch.backends.quantized.engine = "qnnpack"


def skip_list(model, nodes, fmt):
    with open("q.yaml", "w") as f:
        f.write("rules:\n  - skip: [%s]\n" % ", ".join('"%s"' % n for n in nodes) if nodes else "rules: []\n")
    text = subprocess.run([qns, "skiplist", "q.yaml", "--model", model, "--to", fmt], check=True,
                          capture_output=True).stdout.decode()
    space = {}
    exec(compile(text, fmt, "exec"), space)
    return space


def convert(mapping):
    prepared = prepare_fx(copy.deepcopy(net), mapping, (x,))
    prepared(x)
    return convert_fx(prepared)


def weights_in_float(model):
    """Names of convolutions and linear layers that run in float; a fused one has the name of its first part."""
    return {n for n, m in model.named_modules()
            if isinstance(m, (nn.Conv2d, nn.Linear)) and not hasattr(m, "zero_point")}


def adds(model):
    """Additions in integers, and in float."""
    names = [str(n.target) for n in model.graph.nodes if n.op == "call_function"]
    return sum("quantized.add" in t or "add_relu" in t for t in names), sum("built-in function add>" in t for t in names)


everything = {"stem", "layer1.0.conv1.0", "layer1.0.conv2", "layer1.1.conv1.0", "layer1.1.conv2", "fc"}
cases = [
    [],
    ["/stem/Conv"],
    ["/layer1/layer1.1/conv2/Conv"],
    ["/layer1/layer1.0/conv1/conv1.0/Conv", "/fc/Gemm"],
]
for model in ("folded.onnx", "plain.onnx"):
    in_file = {n.name for n in onnx.load(model).graph.node}
    for nodes in cases:
        want = {n.rpartition("/")[0].replace("/layer1/layer1.", "layer1.").replace("conv1/conv1.0", "conv1.0")
                .strip("/").replace("/", ".") for n in nodes}
        assert want <= everything, want
        space = skip_list(model, nodes, "pytorch-fx")
        mapping = space["keep_float"](QConfigMapping().set_global(get_default_qconfig("qnnpack")))
        got = {n[:-2] if n.endswith(".0.0") else n for n in weights_in_float(convert(mapping))}
        assert got == want, (model, nodes, got)
        # All names are those of modules, and of nodes of the file.
        for name in space["MODULES"]:
            net.get_submodule(name)
        listed = skip_list(model, nodes, "onnxruntime")["NODES_TO_EXCLUDE"]
        assert {n for n in listed if not n.endswith("_MatMul")} <= in_file, listed
        assert set(nodes) <= set(listed)
        eager = skip_list(model, nodes, "pytorch-eager")["keep_float"](copy.deepcopy(net))
        kept = {n for n, m in eager.named_modules() if getattr(m, "qconfig", 0) is None}
        assert kept & everything == want, kept

# An addition has no module: only this one stays float.
space = skip_list("folded.onnx", ["/layer1/layer1.1/Add"], "pytorch-fx")
assert [c[:2] for c in space["CALLS"]] == [("layer1.1", "add")], space["CALLS"]
base = QConfigMapping().set_global(get_default_qconfig("qnnpack"))
assert adds(convert(copy.deepcopy(base))) == (2, 0), convert(copy.deepcopy(base)).graph
kept = convert(space["keep_float"](base))
assert adds(kept) == (1, 1), kept.graph
assert not weights_in_float(kept)
print("PyTorch keeps what the lists say")
