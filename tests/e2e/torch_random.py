# SPDX-License-Identifier: MIT
"""Random small networks, quantized by PyTorch (graph mode, engine qnnpack) and by QNS.

    usage: torch_random.py QNS [--models N] [--seed FIRST] [--keep FOLDER]

Every model is drawn from its own seed, counting up from FIRST. For each one:

  stage 1  QNS calibrates on the same samples. Scales must agree within 1e-4 relative, zero points within 1 (float
           convolutions sum in another order). Where the last bit of a float moves the histogram's search to another
           bin, PyTorch's observers are given QNS's floats: then scales and zero points must be equal bit for bit.
           Weight codes and folded biases must be equal bit for bit.
  stage 2  A Q/DQ file with PyTorch's qparams is handed over. Every output code of every layer must be equal.

A difference prints the seed; exit code 1 when there was any, 77 without PyTorch.
"""
import argparse
import copy
import os
import random
import subprocess
import sys
import tempfile
import warnings

try:
    import h5py
    import numpy as np
    import onnx
    import torch
    import torch.nn as nn
    from onnx import TensorProto, helper, numpy_helper
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

warnings.filterwarnings("ignore")


# ---- drawing ----

class Step:
    """One operator: v<number> is its output, src the numbers of its inputs."""

    def __init__(self, kind, src, shape, module=None):
        self.kind, self.src, self.shape, self.module = kind, src, shape, module
        self.moved = False  # stage 1 had to look at the same floats


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


class Draw:
    def __init__(self, seed):
        self.r = random.Random(seed)
        torch.manual_seed(seed)
        r = self.r
        self.shape = (r.choice([1, 2, 3, 4, 6, 8, 12]), r.randint(5, 18), r.randint(5, 18))
        self.steps = [Step("input", [], self.shape)]

    def add(self, kind, src, shape, module=None):
        self.steps.append(Step(kind, src, shape, module))
        return len(self.steps) - 1

    def norm(self, at):
        c = self.steps[at].shape[0]
        bn = nn.BatchNorm2d(c)
        with torch.no_grad():
            bn.weight.uniform_(-1.5, 1.5)
            bn.bias.normal_()
            bn.running_mean.normal_()
            bn.running_var.uniform_(0.2, 2)
        return self.add("bn", [at], self.steps[at].shape, bn)

    def relu(self, at):
        """Not behind another one: QNS drops the second, PyTorch lets it observe the same numbers again."""
        if self.steps[at].kind == "relu":
            return at
        return self.add("relu", [at], self.steps[at].shape, nn.ReLU())

    def conv(self, at, same=None):
        """same: keep the shape and give that many channels."""
        r, (c, h, w) = self.r, self.steps[at].shape
        depthwise = same is None and c > 1 and r.random() < 0.3
        out = same or (c if depthwise else r.choice([1, 3, 4, 5, 7, 8, 12, 16, 17, 24, 33]))
        groups = c if depthwise else r.choice([g for g in divisors(c) if out % g == 0] + [1, 1])
        kernel, stride, pad, dil = [], [], [], []
        for size in (h, w):
            k = r.choice([1, 3, 5]) if same else r.choice([1, 2, 3, 3, 3, 5])
            d = 1 if k == 1 or r.random() < 0.85 else 2
            if (k - 1) * d + 1 > size:
                k, d = 1, 1
            kernel.append(k)
            dil.append(d)
            stride.append(1 if same else r.choice([1, 1, 2, 3]))
            pad.append((k - 1) * d // 2 if same else r.randint(0, (k - 1) * d // 2 + (k > 1)))
        conv = nn.Conv2d(c, out, tuple(kernel), tuple(stride), tuple(pad), tuple(dil), groups, bias=r.random() < 0.7)
        size = [(n + 2 * p - (k - 1) * d - 1) // s + 1 for n, p, k, d, s in zip((h, w), pad, kernel, dil, stride)]
        at = self.add("conv", [at], (out, size[0], size[1]), conv)
        if r.random() < 0.5:
            at = self.norm(at)
        return self.relu(at) if r.random() < 0.5 else at

    def residual(self, at):
        other = self.conv(at, same=self.steps[at].shape[0])
        at = self.add("add", [at, other] if self.r.random() < 0.5 else [other, at], self.steps[at].shape)
        return self.relu(at) if self.r.random() < 0.5 else at

    def branch(self, at):
        r, (c, h, w) = self.r, self.steps[at].shape
        parts = [self.conv(at, same=r.choice([1, 3, 4, 8, 9, 16])) for _ in range(r.randint(1, 2))]
        if r.random() < 0.5:
            parts.insert(r.randint(0, len(parts)), at)
        return self.add("cat", parts, (sum(self.steps[p].shape[0] for p in parts), h, w))

    def pool(self, at):
        r, (c, h, w) = self.r, self.steps[at].shape
        if min(h, w) < 3:
            return self.relu(at)
        k, s = r.choice([2, 3]), r.choice([1, 2])
        is_max = r.random() < 0.6
        p = r.randint(0, k // 2)
        shape = (c, (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1)
        return self.add("maxpool" if is_max else "avgpool", [at], shape,
                        (nn.MaxPool2d if is_max else nn.AvgPool2d)(k, s, p))

    def build(self):
        r, at = self.r, 0
        at = self.pool(at) if r.random() < 0.1 else self.conv(at)
        for _ in range(r.randint(1, 5)):
            at = r.choice([self.conv, self.conv, self.residual, self.branch, self.pool, self.relu])(at)
        if r.random() < 0.8:
            c, h, w = self.steps[at].shape
            if r.random() < 0.6:
                at = self.add("gap", [at], (c, 1, 1), nn.AdaptiveAvgPool2d(1))
                h = w = 1
            at = self.add("flatten", [at], (c * h * w,))
            for _ in range(r.randint(1, 2)):
                n_in, n_out = self.steps[at].shape[0], r.choice([1, 2, 5, 10, 16, 33])
                at = self.add("linear", [at], (n_out,), nn.Linear(n_in, n_out, bias=r.random() < 0.8))
                at = self.relu(at) if r.random() < 0.4 else at
        return self.steps


class Net(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.steps = [(s.kind, s.src) for s in steps]
        for i, s in enumerate(steps):
            if s.module is not None:
                self.add_module(f"v{i}", s.module)

    def forward(self, x):
        v = [x]
        for i, (kind, src) in enumerate(self.steps[1:], 1):
            args = [v[k] for k in src]
            if kind == "add":
                v.append(args[0] + args[1])
            elif kind == "cat":
                v.append(torch.cat(args, 1))
            elif kind == "flatten":
                v.append(torch.flatten(args[0], 1))
            else:
                v.append(getattr(self, f"v{i}")(args[0]))
        return v[-1]


def readers(steps, i):
    return [k for k, s in enumerate(steps) if i in s.src]


def fused(steps):
    """Number of each step that computes something -> number of the last step that is part of it."""
    ends, taken = {}, set()
    for i, s in enumerate(steps):
        if i in taken:
            continue
        end = i
        for kind in ("bn", "relu"):
            nxt = readers(steps, end)
            fits = s.kind == "conv" or (s.kind in ("linear", "add") and kind == "relu")
            if fits and len(nxt) == 1 and steps[nxt[0]].kind == kind:
                end = nxt[0]
                taken.add(end)
        ends[i] = end
    return ends


# ---- PyTorch ----

def name_nodes(model, steps):
    """Which node of a graph is which step: modules by name, the others by kind and order."""
    of, order = {}, {"add": [], "cat": [], "flatten": []}
    for n in model.graph.nodes:
        if n.op == "call_module" and n.target[0] == "v":
            of[n.name] = int(n.target.split(".")[0][1:])
        for kind in order:
            if n.op == "call_function" and n.target.__name__.replace("_relu", "") == kind:
                order[kind].append(n.name)
    for kind, names in order.items():
        for name, i in zip(names, [i for i, s in enumerate(steps) if s.kind == kind], strict=True):
            of[name] = i
    return of


class Torch:
    """The network quantized there: for the last step of every fused group its codes, scale and zero point."""

    def __init__(self, steps, calib, test):
        net, self.calib = Net(steps).eval(), calib
        prepared = prepare_fx(copy.deepcopy(net), get_default_qconfig_mapping("qnnpack"), (calib[:1],))
        with torch.no_grad():
            for x in calib:
                prepared(x[None])
            self.model = convert_fx(prepared)
            self.of, self.modules = name_nodes(self.model, steps), dict(self.model.named_modules())
            self.values = [self.run(x[None]) for x in test]

    def observe(self, steps, floats):
        """Scale and zero point of every step when all observers see these floats: number of the step -> [sample]."""
        prepared = prepare_fx(Net(steps).eval(), get_default_qconfig_mapping("qnnpack"), (self.calib[:1],))
        of, ends, seen = name_nodes(prepared, steps), fused(steps), {}

        class Feed(torch.fx.Interpreter):
            sample = 0

            def run_node(self, n):
                out, i = super().run_node(n), of.get(n.name)
                if n.op == "call_module" and "activation_post_process" in n.target and n.args[0].name in of:
                    seen[of[n.args[0].name]] = self.fetch_attr(n.target)
                return floats[ends.get(i, i)][self.sample] if ends.get(i, i) in floats and i else out
        feed = Feed(prepared)
        for feed.sample in range(len(self.calib)):
            feed.run(self.calib[feed.sample][None])
        return {i: o.calculate_qparams() for i, o in seen.items()}

    def bias_overflows(self, steps):
        """A dead layer (scale 1.2e-7) makes biases behind it that no int32 holds: what PyTorch makes of them is not
        defined, and QNS limits them."""
        first = {end: i for i, end in fused(steps).items()}
        for i in first.values():
            if steps[i].kind in ("conv", "linear") and self.weight(i)[1] is not None:
                w, b = self.weight(i)
                if (b.abs().max() / (w.q_scale() * self.values[0][first[steps[i].src[0]]].q_scale())) >= 2 ** 31:
                    return True
        return False

    def run(self, x):
        values, of = {}, self.of

        class Spy(torch.fx.Interpreter):
            def run_node(self, n):
                out = super().run_node(n)
                if n.name in of and torch.is_tensor(out):
                    values[of[n.name]] = out
                elif n.op == "call_function" and n.target is torch.quantize_per_tensor and 0 not in values:
                    values[0] = out
                return out
        Spy(self.model).run(x)
        return values

    def weight(self, i):
        m = self.modules[f"v{i}"]
        return m.weight(), m.bias()


# ---- ONNX ----

class File:
    def __init__(self, shape):
        self.shape, self.nodes, self.init = shape, [], []

    def const(self, name, array):
        self.init.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind, src, out, **attr):
        self.nodes.append(helper.make_node(kind, src, [out], name=out, **attr))
        return out

    def save(self, path, out, shape):
        value = helper.make_tensor_value_info
        g = helper.make_graph(self.nodes, "net", [value("v0", TensorProto.FLOAT, [1, *self.shape])],
                              [value(out, TensorProto.FLOAT, [1, *shape])], self.init)
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def emit(f, i, s, src, out, weight=None, bias=None):
    """The float operator of one step; weight and bias: names of values that replace the module's own."""
    m = s.module
    if s.kind in ("conv", "linear"):
        w = weight or f.const(f"w{i}", m.weight.detach().numpy())
        b = [bias] if bias else [f.const(f"b{i}", m.bias.detach().numpy())] if m.bias is not None and not weight else []
        if s.kind == "linear":
            return f.node("Gemm", src + [w] + b, out, transB=1)
        return f.node("Conv", src + [w] + b, out, kernel_shape=m.kernel_size, strides=m.stride,
                      pads=m.padding * 2, dilations=m.dilation, group=m.groups)
    if s.kind == "bn":
        args = [f.const(f"{k}{i}", t.detach().numpy()) for k, t in
                (("gamma", m.weight), ("beta", m.bias), ("mean", m.running_mean), ("var", m.running_var))]
        return f.node("BatchNormalization", src + args, out, epsilon=m.eps)
    if s.kind in ("maxpool", "avgpool"):
        more = {} if s.kind == "maxpool" else {"count_include_pad": 1}
        return f.node("MaxPool" if s.kind == "maxpool" else "AveragePool", src, out, kernel_shape=[m.kernel_size] * 2,
                      strides=[m.stride] * 2, pads=[m.padding] * 4, **more)
    kind = {"relu": "Relu", "add": "Add", "cat": "Concat", "gap": "GlobalAveragePool", "flatten": "Flatten"}[s.kind]
    return f.node(kind, src, out, **({"axis": 1} if s.kind in ("cat", "flatten") else {}))


def write_float(path, steps):
    f = File(steps[0].shape)
    for i, s in enumerate(steps[1:], 1):
        emit(f, i, s, [f"v{k}" for k in s.src], f"v{i}")
    f.save(path, f"v{len(steps) - 1}", steps[-1].shape)


def pair(f, i, t):
    """v<i> behind its quantize and dequantize nodes."""
    qp = [f.const(f"v{i}_scale", np.float32(t.q_scale())), f.const(f"v{i}_zero", np.uint8(t.q_zero_point()))]
    return f.node("DequantizeLinear", [f.node("QuantizeLinear", [f"v{i}"] + qp, f"v{i}_q")] + qp, f"v{i}_dq")


def write_qdq(path, steps, there, codes_in_file):
    """PyTorch's qparams and weights; codes_in_file: biases as int32 codes, else as floats."""
    f, values, now = File(steps[0].shape), there.values[0], {}
    first = {end: i for i, end in fused(steps).items()}
    now[0] = pair(f, 0, values[0])
    for i, end in fused(steps).items():
        s = steps[i]
        if i == 0:
            continue
        src, w, b = [now[k] for k in s.src], None, None
        name = f"v{i}_inner" if end != i and steps[end].kind == "relu" else f"v{end}"
        if s.kind in ("conv", "linear"):
            wq, bias = there.weight(i)
            ws = f.const(f"w{i}_scale", np.float32(wq.q_scale()))
            w = f.node("DequantizeLinear", [f.const(f"w{i}_codes", wq.int_repr().numpy()), ws,
                                            f.const(f"w{i}_zero", np.int8(0))], f"w{i}")
            if bias is not None and codes_in_file:
                step = float(np.float32(wq.q_scale() * values[first[s.src[0]]].q_scale()))
                q = torch.quantize_per_tensor(bias, step, 0, torch.qint32).int_repr().numpy()
                b = f.node("DequantizeLinear", [f.const(f"b{i}_codes", q), f.const(f"b{i}_scale", np.float32(step)),
                                                f.const(f"b{i}_zero", np.int32(0))], f"b{i}")
            elif bias is not None:
                b = f.const(f"b{i}", bias.detach().numpy())
        emit(f, i, s, src, name, w, b)
        if name != f"v{end}":
            f.node("Relu", [name], f"v{end}")
        now[end] = pair(f, end, values[i])
    f.save(path, now[len(steps) - 1], steps[-1].shape)


# ---- QNS ----

def call(*args):
    p = subprocess.run(args, capture_output=True, text=True)
    if p.returncode:
        raise RuntimeError(f"{' '.join(args)}: exit code {p.returncode}: {p.stderr.strip()}")


def constants(path):
    """Initializers of a model that QNS wrote, and for each quantize node: name of its float input -> (scale, zero)."""
    g = onnx.load(path).graph
    c = {t.name: numpy_helper.to_array(t) for t in g.initializer}
    qp = {n.input[0]: (c[n.input[1]], c[n.input[2]]) for n in g.node if n.op_type == "QuantizeLinear"}
    return g, c, qp


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_weights(qns, folder, steps, there, bad):
    """fbgemm's file holds folded biases as floats; the weights are the same with both backends."""
    call(qns, "quantize", "float.onnx", "-d", "calib.npy", "-q", "float_bias.yaml", "-o", "weights.onnx", "--quiet")
    g, c, _ = constants("weights.onnx")
    by_output = {o: n for n in g.node for o in n.output}
    for n in [n for n in g.node if n.op_type in ("Conv", "Gemm")]:
        i = int(n.name[1:])
        wq, bias = there.weight(i)
        w = by_output[n.input[1]]
        got = c[w.input[0]]
        want = wq.int_repr().numpy()
        if not same(got if got.shape == want.shape else got.T, want):
            bad(1, f"v{i}: {int((np.asarray(got) != want).sum())} of {want.size} weight codes differ")
        if not same(np.float32(c[w.input[1]]).reshape(()), np.float32(wq.q_scale())):
            bad(1, f"v{i}: weight scale {c[w.input[1]]!r}, PyTorch has {wq.q_scale()!r}")
        has = len(n.input) > 2
        if bias is not None and (has or bias.abs().max() > 0):
            got = c[n.input[2]] if has else np.zeros(0, np.float32)
            if not same(got, bias.detach().numpy()):
                bad(1, f"v{i}: folded biases differ")


def stage1(qns, folder, steps, there, bad):
    call(qns, "quantize", "float.onnx", "-d", "calib.npy", "--backend", "qnnpack", "-o", "own.onnx", "--quiet")
    _, _, qp = constants("own.onnx")
    replayed = None
    for i, end in fused(steps).items():
        t = there.values[0][i]
        name = f"v{end}" if f"v{end}" in qp else f"v{end}_op"
        if name not in qp:
            bad(1, f"v{end} ({steps[i].kind}) is not quantized")
            continue
        scale, zero = float(qp[name][0]), int(qp[name][1])
        if abs(scale - t.q_scale()) <= 1e-4 * t.q_scale() and abs(zero - t.q_zero_point()) <= 1:
            continue
        if replayed is None:
            call(qns, "capture", "float.onnx", "-d", "calib.npy", "-o", "float.h5", "--quiet")
            with h5py.File("float.h5") as f:
                replayed = there.observe(steps, {int(n[1:]): torch.from_numpy(a[()])[:, None] if a.ndim != len(
                    steps[int(n[1:])].shape) + 2 else torch.from_numpy(a[()]) for n, a in f["activations"].items()})
        s, z = replayed.get(i, replayed.get(end))
        steps[i].moved = True
        if not same(np.float32(scale), np.float32(float(s))) or zero != int(z):
            bad(1, f"v{end} ({steps[i].kind}): {scale}, {zero}; PyTorch has {t.q_scale()}, {t.q_zero_point()} on its own"
                f" floats and {float(s)}, {int(z)} on these")
    check_weights(qns, folder, steps, there, bad)


def stage2(qns, folder, steps, there, bad, codes_in_file):
    write_qdq("handed.onnx", steps, there, codes_in_file)
    call(qns, "capture", "handed.onnx", "-d", "test.npy", "--backend", "qnnpack", "--what", "outputs,inputs", "-o",
         "codes.h5", "--quiet")
    compared = 0
    with h5py.File("codes.h5") as f:
        for i, end in fused(steps).items():
            found = [n for n in (f"v{end}", f"v{end}_q", f"v{end}_dq")
                     if f"activations/{n}" in f and f[f"activations/{n}"].dtype == np.uint8]
            if not found:
                bad(2, f"v{end} ({steps[i].kind}) has no codes in the capture: {list(f['activations'])}")
                continue
            got = f[f"activations/{found[0]}"][()]
            for k, values in enumerate(there.values):
                want = values[i].int_repr().numpy()
                differ = got[k].reshape(want.shape) != want
                compared += want.size
                if differ.any():
                    at = np.argwhere(differ)[0]
                    bad(2, f"v{end} ({steps[i].kind}), sample {k}: {int(differ.sum())} of {want.size} codes differ, "
                        f"first at {at.tolist()}: {got[k].reshape(want.shape)[tuple(at)]}, "
                        f"PyTorch has {want[tuple(at)]}")
                    break
    return compared


def one(qns, seed, folder):
    steps = Draw(seed).build()
    if not any(s.kind in ("conv", "linear", "add") for s in steps):
        return None  # nothing but pools, which QNS leaves in float without an integer neighbour (prepare.h)
    rng = np.random.default_rng(seed)
    shift = rng.normal(size=2)
    calib, test = [(rng.normal(size=(n, *steps[0].shape)) * np.exp(shift[0]) + shift[1]).astype(np.float32)
                   for n in (8, 3)]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    np.save("calib.npy", calib)
    np.save("test.npy", test)
    with open("float_bias.yaml", "w") as f:
        f.write("backend: fbgemm\ndefault: qnnpack\n")
    write_float("float.onnx", steps)
    try:
        there = Torch(steps, torch.from_numpy(calib), torch.from_numpy(test))
    except RuntimeError as e:
        if "qnnp_status_success" not in str(e):
            raise
        return None  # qnnpack's add has limits (spec section 5.2); PyTorch stops there
    if there.bias_overflows(steps):
        return None
    problems = []

    def bad(stage, text):
        problems.append(stage)
        print(f"seed {seed}, stage {stage}: {text}")
    compared = 0
    try:
        stage1(qns, folder, steps, there, bad)
        compared = stage2(qns, folder, steps, there, bad, seed % 2 == 0)
    except RuntimeError as e:
        bad(2, str(e))
    return problems, compared, len(fused(steps)), any(s.moved for s in steps)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("qns")
    p.add_argument("--models", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep")
    a = p.parse_args()
    qns = os.path.abspath(a.qns)
    torch.backends.quantized.engine = "qnnpack"
    torch.set_num_threads(1)
    wrong, codes, layers, done, refused, moved, seed = {1: 0, 2: 0}, 0, 0, 0, 0, 0, a.seed - 1
    with tempfile.TemporaryDirectory() as tmp:
        while done < a.models:
            seed += 1
            result = one(qns, seed, os.path.join(a.keep or tmp, str(seed)))
            if result is None:
                refused += 1
                continue
            problems, n, m, k = result
            codes, layers, done, moved = codes + n, layers + m, done + 1, moved + k
            for stage in wrong:
                wrong[stage] += stage in problems
        os.chdir("/")
    print(f"{a.models} models ({refused} more that PyTorch cannot run, whose biases do not fit, or that only pool), {layers} layers, {codes} codes compared; "
          f"{moved} models whose search moved with the last bit of a float; models with differences: {wrong[1]} in stage 1, {wrong[2]} in stage 2")
    return 1 if wrong[1] or wrong[2] else 0


if __name__ == "__main__":
    sys.exit(main())
