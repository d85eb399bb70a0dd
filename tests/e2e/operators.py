# SPDX-License-Identifier: MIT
"""The operators of docs/operators.md, one by one: its tables must say what QNS does.

    usage: operators.py QNS DOCUMENT [--print] [NAME...]

Every case is a small network: two copies of the input are added (so that there are codes to pass on), then comes the
operator. For each one:

  float    the output of QNS is what PyTorch computes, and so is that of the file which QNS writes back
  shape    the shape that QNS infers is that of PyTorch
  int8     quantized for each backend, written as Q/DQ and read again, does the operator run on codes? If so the result
           must be near the float one.

--print writes the table rows instead of comparing them with the document. Exit code 1 when there is a difference, 77
without PyTorch.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

try:
    import h5py
    import numpy as np
    import onnx
    import torch
    import torch.nn.functional as F
    from onnx import TensorProto, helper, numpy_helper
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

warnings.filterwarnings("ignore")
BACKENDS = ["fbgemm", "qnnpack", "onnxruntime"]
RNG = np.random.default_rng(1)
IMAGE, VOLUME, SIGNAL, ROWS = (1, 8, 9, 8), (1, 4, 5, 6, 4), (1, 8, 12), (1, 8)


def rand(*shape):
    return RNG.normal(size=shape).astype(np.float32)


class Case:
    """ops: (ONNX type, inputs, attributes); "t" is what comes in, "x" half of it, "prev" the output of the one
    before, an array an initializer. around: types that are there for the test only. weights: nothing but a table is
    quantized."""

    def __init__(self, section, name, op, shape, ops, torch_fn, opset=13, out=1, weights=False, around=()):
        self.section, self.name, self.op, self.shape, self.ops, self.fn = section, name, op, shape, ops, torch_fn
        self.opset, self.out, self.weights, self.around = opset, out, weights, around

    def model(self, path):
        nodes, init, last = [helper.make_node("Add", ["x", "x"], ["t"], name="sum")], [], "t"
        for i, (kind, inputs, attrs) in enumerate(self.ops):
            names = []
            for k, a in enumerate(inputs):
                if isinstance(a, str):
                    names.append({"t": "t", "prev": last, "x": "x"}.get(a, a))
                    continue
                init.append(numpy_helper.from_array(np.asarray(a), f"c{i}_{k}"))
                names.append(init[-1].name)
            last = "y" if i == len(self.ops) - 1 else f"v{i}"
            domain, _, kind = kind.rpartition(".")
            nodes.append(helper.make_node(kind, names, [last] + [f"more{k}" for k in range(1, self.out)],
                                          name=f"n{i}", domain=domain, **attrs))
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)]
        outputs = [onnx.ValueInfoProto(name="y")]
        g = helper.make_graph(nodes, "case", inputs, outputs, init)
        ids = [helper.make_opsetid("", self.opset)] + [
            helper.make_opsetid(d, 1) for d in {n.domain for n in nodes} if d]
        m = helper.make_model(g, opset_imports=ids)
        m.ir_version = 8
        with open(path, "wb") as f:
            f.write(m.SerializeToString())

    def onnx_types(self):
        return [k for k, _, _ in self.ops]


CASES = []


def case(section, name, op, shape, ops, fn, **kw):
    CASES.append(Case(section, name, op, shape, ops if isinstance(ops, list) else [ops], fn, **kw))


def t(a):
    return torch.from_numpy(np.asarray(a))


# ---- layers with weights ----

SECTION = "Layers with weights"


def weighted():
    w, b = rand(6, 8) / 3, rand(6)
    case(SECTION, "linear", "linear", ROWS, ("Gemm", ["t", w, b], {"transB": 1}), lambda x: F.linear(x, t(w), t(b)))
    case(SECTION, "linear + relu", "linear", ROWS, [("Gemm", ["t", w, b], {"transB": 1}), ("Relu", ["prev"], {})],
         lambda x: F.relu(F.linear(x, t(w), t(b))))
    case(SECTION, "linear, 3 axes", "linear", (1, 5, 8), ("MatMul", ["t", w.T.copy()], {}),
         lambda x: F.linear(x, t(w)))
    for d, shape, conv, up in ((1, SIGNAL, F.conv1d, F.conv_transpose1d), (2, IMAGE, F.conv2d, F.conv_transpose2d),
                               (3, VOLUME, F.conv3d, F.conv_transpose3d)):
        c = shape[1]
        for groups, what in ((1, ""), (c, ", depthwise")):
            k, bias = rand(2 * c, c // groups, *[3] * d) / 3, rand(2 * c)
            ops = ("Conv", ["t", k, bias], {"pads": [1] * 2 * d, "strides": [2] * d, "group": groups})
            f = lambda x, k=k, bias=bias, groups=groups, conv=conv: conv(x, t(k), t(bias), 2, 1, groups=groups)
            case(SECTION, f"conv {d}d{what}", "conv", shape, ops, f)
            if groups == 1:
                case(SECTION, f"conv {d}d + relu", "conv", shape, [ops, ("Relu", ["prev"], {})],
                     lambda x, f=f: F.relu(f(x)))
        k, bias = rand(c, 6, *[3] * d) / 3, rand(6)
        ops = ("ConvTranspose", ["t", k, bias], {"pads": [1] * 2 * d, "strides": [2] * d,
                                                 "output_padding": [1] * d})
        f = lambda x, k=k, bias=bias, up=up: up(x, t(k), t(bias), 2, 1, 1)
        case(SECTION, f"transposed conv {d}d", "conv_transpose", shape, ops, f)
        case(SECTION, f"transposed conv {d}d + relu", "conv_transpose", shape, [ops, ("Relu", ["prev"], {})],
             lambda x, f=f: F.relu(f(x)))


# ---- normalization ----

def norms():
    section = "Normalization"
    for d, shape in ((2, IMAGE), (3, VOLUME)):
        c = shape[1]
        g, b, m, v = rand(c), rand(c), rand(c), np.abs(rand(c)) + 0.5
        case(section, f"batch norm {d}d", "batchnorm", shape, ("BatchNormalization", ["t", g, b, m, v], {}),
             lambda x, p=(m, v, g, b): F.batch_norm(x, *map(t, p)))
    g, b = rand(8), rand(8)
    case(section, "layer norm", "layer_norm", (1, 5, 8), ("LayerNormalization", ["t", g, b], {}),
         lambda x: F.layer_norm(x, (8,), t(g), t(b)), opset=17)
    case(section, "group norm", "group_norm", IMAGE, ("GroupNormalization", ["t", g, b], {"num_groups": 4}),
         lambda x: F.group_norm(x, 4, t(g), t(b)), opset=21)
    case(section, "instance norm", "instance_norm", IMAGE, ("InstanceNormalization", ["t", g, b], {}),
         lambda x: F.instance_norm(x, weight=t(g), bias=t(b)))


# ---- activations ----

def activations():
    section = "Activations"
    s = np.float32
    first = ("Transpose", ["t"], {"perm": [0, 2, 3, 1]})  # an addition would take the clamp
    turned = lambda f: lambda x: f(x.permute(0, 2, 3, 1))
    case(section, "relu", "clamp", IMAGE, [first, ("Relu", ["prev"], {})], turned(F.relu), around=("Transpose",))
    case(section, "relu6", "clamp", IMAGE, [first, ("Clip", ["prev", s(0), s(6)], {})], turned(F.relu6), around=("Transpose",))
    case(section, "hardtanh, clip", "clamp", IMAGE, [first, ("Clip", ["prev", s(-1), s(1)], {})], turned(F.hardtanh), around=("Transpose",))
    case(section, "leaky relu", "leaky_relu", IMAGE, ("LeakyRelu", ["t"], {"alpha": 0.1}),
         lambda x: F.leaky_relu(x, 0.1))
    case(section, "elu", "elu", IMAGE, ("Elu", ["t"], {}), F.elu)
    case(section, "hardswish", "hardswish", IMAGE, ("HardSwish", ["t"], {}), F.hardswish, opset=14)
    case(section, "hardsigmoid", "hardsigmoid", IMAGE, ("HardSigmoid", ["t"], {"alpha": 1 / 6}), F.hardsigmoid)
    case(section, "sigmoid", "sigmoid", IMAGE, ("Sigmoid", ["t"], {}), torch.sigmoid)
    case(section, "tanh", "tanh", IMAGE, ("Tanh", ["t"], {}), torch.tanh)
    case(section, "gelu", "gelu", IMAGE, ("Gelu", ["t"], {}), F.gelu, opset=20)
    case(section, "softmax", "softmax", ROWS, ("Softmax", ["t"], {}), lambda x: F.softmax(x, -1))
    a = np.abs(rand(8, 1, 1))
    case(section, "prelu", "prelu", IMAGE, ("PRelu", ["t", a], {}), lambda x: F.prelu(x, t(a).reshape(-1)))


# ---- arithmetic ----

def arithmetic():
    section = "Arithmetic"
    s = np.float32
    case(section, "add", "add", IMAGE, ("Add", ["t", "x"], {}), lambda x: x + x / 2)
    case(section, "add + relu", "add", IMAGE, [("Add", ["t", "x"], {}), ("Relu", ["prev"], {})],
         lambda x: F.relu(x + x / 2))
    case(section, "mul", "mul", IMAGE, ("Mul", ["t", "x"], {}), lambda x: x * x / 2)
    case(section, "add_scalar", "add_scalar", IMAGE, ("Add", ["t", s(0.75)], {}), lambda x: x + 0.75)
    case(section, "mul_scalar", "mul_scalar", IMAGE, ("Mul", ["t", s(-0.75)], {}), lambda x: x * -0.75)
    case(section, "cat", "concat", IMAGE, ("Concat", ["t", "x"], {"axis": 1}), lambda x: torch.cat([x, x / 2], 1))
    case(section, "max of two", "maximum", IMAGE, ("Max", ["t", "x"], {}), lambda x: torch.maximum(x, x / 2))
    case(section, "min of two", "maximum", IMAGE, ("Min", ["t", "x"], {}), lambda x: torch.minimum(x, x / 2))
    case(section, "equal", "compare", IMAGE, [("Equal", ["t", "t"], {}), ("Cast", ["prev"], {"to": 1})],
         lambda x: (x == x).float(), around=("Cast",))


# ---- pooling and resizing ----

def pools():
    section = "Pooling and resizing"
    for d, shape, mx, avg, ad in ((1, SIGNAL, F.max_pool1d, F.avg_pool1d, None),
                                  (2, IMAGE, F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d),
                                  (3, VOLUME, F.max_pool3d, F.avg_pool3d, F.adaptive_avg_pool3d)):
        win = {"kernel_shape": [3] * d, "strides": [2] * d, "pads": [1] * 2 * d}
        case(section, f"max pool {d}d", "maxpool", shape, ("MaxPool", ["t"], win), lambda x, f=mx: f(x, 3, 2, 1))
        case(section, f"average pool {d}d", "avgpool", shape,
             ("AveragePool", ["t"], {**win, "count_include_pad": 1}), lambda x, f=avg: f(x, 3, 2, 1))
        case(section, f"global average pool {d}d", "global_avgpool", shape, ("GlobalAveragePool", ["t"], {}),
             lambda x: x.mean(list(range(2, x.ndim)), keepdim=True))
        case(section, f"global max pool {d}d", "global_maxpool", shape, ("GlobalMaxPool", ["t"], {}),
             lambda x: x.amax(list(range(2, x.ndim)), keepdim=True))
        if ad:
            size = [3] * d
            case(section, f"adaptive average pool {d}d", "adaptive_avgpool", shape,
                 ("qns.AdaptiveAveragePool", ["t"], {"output_size": size}), lambda x, f=ad, s=size: f(x, s))
    axes = {"axes": [2, 3], "keepdims": 0}
    case(section, "mean", "mean", IMAGE, ("ReduceMean", ["t"], axes), lambda x: x.mean((2, 3)))
    case(section, "max over axes", "extreme", IMAGE, ("ReduceMax", ["t"], axes), lambda x: x.amax((2, 3)))
    case(section, "min over axes", "extreme", IMAGE, ("ReduceMin", ["t"], axes), lambda x: x.amin((2, 3)))
    for d, shape, mode in ((2, IMAGE, "bilinear"), (3, VOLUME, "trilinear")):
        scales = np.array([1, 1] + [2] * d, np.float32)
        case(section, f"nearest {d}d", "resize", shape,
             ("Resize", ["t", "", scales], {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
             lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"))
        for corners in (False, True):
            how = "align_corners" if corners else "half_pixel"
            case(section, f"{mode}{', align_corners' if corners else ''}", "resize", shape,
                 ("Resize", ["t", "", scales], {"coordinate_transformation_mode": how, "mode": "linear"}),
                 lambda x, m=mode, c=corners: F.interpolate(x, scale_factor=2.0, mode=m, align_corners=c))
    scales = np.array([1, 1, 2, 2], np.float32)
    case(section, "bicubic", "resize", IMAGE, ("Resize", ["t", "", scales], {"mode": "cubic"}),
         lambda x: F.interpolate(x, scale_factor=2.0, mode="bicubic"))


# ---- moving elements ----

def moves():
    section = "Order and movement"
    i64 = lambda *v: np.array(v, np.int64)
    case(section, "sort", "topk", ROWS, ("TopK", ["t", i64(8)], {}), lambda x: x.sort(-1, descending=True)[0], out=2)
    case(section, "topk", "topk", ROWS, ("TopK", ["t", i64(3)], {}), lambda x: x.topk(3)[0], out=2)
    case(section, "clone", "identity", IMAGE, ("Identity", ["t"], {}), lambda x: x.clone())
    case(section, "reshape, view", "reshape", IMAGE, ("Reshape", ["t", i64(1, 4, -1)], {}),
         lambda x: x.reshape(1, 4, -1))
    case(section, "flatten", "reshape", IMAGE, ("Flatten", ["t"], {}), lambda x: x.flatten(1))
    case(section, "slice", "slice", IMAGE, ("Slice", ["t", i64(1, 0), i64(7, 8), i64(2, 3), i64(2, 1)], {}),
         lambda x: x[:, :, 1:7:2])
    case(section, "select", "gather", IMAGE, ("Gather", ["t", np.int64(3)], {"axis": 1}), lambda x: x.select(1, 3))
    case(section, "gather", "gather", IMAGE, ("Gather", ["t", i64(5, 0, 5)], {"axis": 1}), lambda x: x[:, [5, 0, 5]])
    case(section, "transpose", "transpose", IMAGE, ("Transpose", ["t"], {"perm": [0, 2, 3, 1]}),
         lambda x: x.permute(0, 2, 3, 1))
    case(section, "pad", "pad", IMAGE, ("Pad", ["t", i64(0, 0, 1, 2, 0, 0, 3, 4)], {}),
         lambda x: F.pad(x, (2, 4, 1, 3)))


# ---- tables ----

def tables():
    section = "Embeddings"
    w, half = rand(6, 8), np.float16
    index = [("Clip", ["t", np.float32(0), np.float32(5)], {}), ("Cast", ["prev"], {"to": 7})]
    rows = lambda x: x.clamp(0, 5).long()
    case(section, "embedding", "gather", ROWS, index + [("Gather", [w, "prev"], {})], lambda x: F.embedding(rows(x), t(w)),
         weights=True, around=("Clip", "Cast"))
    for bits, real in ((8, np.float32), (4, half)):
        low = w.min(1).astype(real)
        scale = ((w.max(1) - low) / (2 ** bits - 1)).astype(real)
        codes = np.rint((w - low[:, None]) / scale[:, None]).clip(0, 2 ** bits - 1).astype(np.uint8)
        packed = codes if bits == 8 else codes[:, ::2] | codes[:, 1::2] << 4
        table = np.concatenate([packed, np.stack([scale, low], 1).view(np.uint8)], 1)
        value = (codes * scale[:, None].astype(np.float32) + low[:, None].astype(np.float32)).astype(np.float32)
        case(section, f"embedding, {bits} bits", "embedding_bag", ROWS,
             index + [("qns.EmbeddingBag", [table, "prev"], {"bits": bits, "dim": 8})],
             lambda x, v=value: F.embedding(rows(x), t(v)), weights=True, around=("Clip", "Cast"))


for make in (weighted, norms, activations, arithmetic, pools, moves, tables):
    make()


# ---- running ----

class Wrong(Exception):
    pass


def sqnr(want, got):
    noise = ((want - got) ** 2).sum()
    return 200.0 if noise == 0 else 10 * np.log10((want ** 2).sum() / noise)


class Check:
    """One case in a folder of its own."""

    def __init__(self, qns, c, folder):
        self.qns, self.c, self.folder = qns, c, folder
        os.makedirs(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *args):
        p = subprocess.run([self.qns, *args], capture_output=True, text=True, cwd=self.folder)
        if p.returncode:
            raise Wrong(f"qns {' '.join(args)}: exit code {p.returncode}: {p.stderr.strip()}")
        return p.stdout

    def output(self, model):
        """Output y of the model on eval.npy, as float."""
        self.call("capture", model, "-d", "eval.npy", "-o", "out.h5", "--what", "outputs", "--quiet")
        with h5py.File(self.path("out.h5")) as f:
            d = f["activations/y"] if "y" in f["activations"] else f["activations/t"]
            a = d[()].astype(np.float64)
            if "scale" in d.attrs:
                a = (a - d.attrs["zero_point"]) * d.attrs["scale"]
        return a.ravel()

    def check_float(self, want, model):
        got = self.output(model)
        if got.size != want.size:
            raise Wrong(f"{model}: {got.size} numbers, PyTorch has {want.shape}")
        if not np.allclose(got, want.ravel(), rtol=1e-4, atol=1e-5):
            raise Wrong(f"{model}: {np.abs(got - want.ravel()).max()} from PyTorch")

    def on_codes(self, backend, want):
        self.call("quantize", "m.onnx", "-d", "calib.npy", "--backend", backend, "-o", "q.onnx", "--quiet")
        row = json.loads(self.call("inspect", "q.onnx", "--json"))[0]["operators"].get(self.c.op)
        got = self.output("q.onnx")
        if got.size != want.size or sqnr(want.ravel(), got) < 20:
            raise Wrong(f"{backend}: {sqnr(want.ravel(), got):.1f} dB from the float result")
        if not row:
            return "left out"
        least = 2 if self.c.op == "add" else 1  # the sum in front is one, too
        return "yes" if row["integer"] >= least and row["integer"] == row["nodes"] else "float"

    def run(self):
        """Which backends run it on codes: the cells of the table."""
        c, rng = self.c, np.random.default_rng(zlib.crc32(self.c.name.encode()))
        c.model(self.path("m.onnx"))
        calib, test = [(rng.normal(size=(n * c.shape[0], *c.shape[1:])) + 0.3).astype(np.float32) for n in (24, 4)]
        np.save(self.path("calib.npy"), calib)
        np.save(self.path("eval.npy"), test)
        want = np.stack([c.fn(2 * torch.from_numpy(test[k:k + 1])).numpy() for k in range(len(test))]).astype(float)
        shape = json.loads(self.call("inspect", "m.onnx", "--json"))[0]["outputs"][0]["shape"]
        if tuple(shape) != want.shape[1:]:
            raise Wrong(f"shape {shape}, PyTorch has {want.shape[1:]}")
        self.check_float(want, "m.onnx")
        with open(self.path("none.yaml"), "w") as f:
            f.write('default: fbgemm\nrules:\n  - skip: ["*"]\n')
        self.call("quantize", "m.onnx", "-d", "calib.npy", "-q", "none.yaml", "-o", "written.onnx", "--quiet")
        self.check_float(want, "written.onnx")
        if c.weights:
            return ["no activations"] * len(BACKENDS)
        return [self.on_codes(be, want) for be in BACKENDS]


def row_of(c, cells):
    types = ", ".join(f"`{k}`" for k in dict.fromkeys(c.onnx_types()) if k not in c.around)
    return f"| {c.name} | {types} | `{c.op}` | " + " | ".join(cells) + " |"


def run_all(qns, cases):
    """For each case its row, or an exception."""

    def one(k):
        try:
            return row_of(cases[k], Check(qns, cases[k], os.path.join(folder, str(k))).run())
        except Wrong as e:
            return e

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(3) as pool:
        return list(pool.map(one, range(len(cases))))


def print_tables(rows):
    section = None
    for c, row in rows:
        if c.section != section:
            print(f"\n### {c.section}\n\n| operator | ONNX | in QNS | {' | '.join(BACKENDS)} |\n|---|---|---|"
                  + "---|" * len(BACKENDS))
        section = c.section
        print(row)


def stated_rows(document):
    with open(document) as f:
        return [r for r in f.read().split("\n") if r.count("|") == 7 and "`" in r]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("qns")
    p.add_argument("document")
    p.add_argument("--print", action="store_true")
    p.add_argument("names", nargs="*")
    a = p.parse_intermixed_args()
    cases = [c for c in CASES if not a.names or c.name in a.names]
    results = list(zip(cases, run_all(os.path.abspath(a.qns), cases)))
    wrong = [f"{c.name}: {r}" for c, r in results if isinstance(r, Wrong)]
    rows = [(c, r) for c, r in results if not isinstance(r, Wrong)]
    if a.print:
        print_tables(rows)
    else:
        stated = stated_rows(a.document)
        wrong += [f"{a.document} lacks: {r}" for _, r in rows if r not in stated]
        known = [r for _, r in rows]
        wrong += [f"{a.document} has, and it is not so: {r}" for r in stated if not a.names and r not in known]
        print(f"{len(rows)} operators as documented, {len(wrong)} differences")
    for w in wrong:
        print(w)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
