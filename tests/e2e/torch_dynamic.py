# SPDX-License-Identifier: MIT
"""Random networks of linear and recurrent layers, quantized dynamically by PyTorch (quantize_dynamic, engine qnnpack)
and by QNS (qns quantize --dynamic --backend qnnpack).

    usage: torch_dynamic.py QNS [--models N] [--seed FIRST] [--keep FOLDER]

Networks of linear layers must agree bit for bit. Recurrent ones contain exp and tanh of another library, which can move
an activation by one code now and then: at least 99 of 100 numbers must agree within 1e-5 of the largest, all within 2 %.
A difference prints the seed; exit code 1 when there was any, 77 without PyTorch.
"""
import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    import onnx  # noqa: F401  torch.onnx.export needs it
    import torch
    import torch.nn as nn
    from torch.ao.quantization import quantize_dynamic
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

warnings.filterwarnings("ignore")
SAMPLES = 4


@contextlib.contextmanager
def quiet():
    """PyTorch's C++ warns on every call that qnnpack ignores reduce_range."""
    kept = os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Linears(nn.Module):
    def __init__(self, r):
        super().__init__()
        sizes = [r.choice([1, 3, 8, 17, 33, 64, 100]) for _ in range(r.randint(2, 4))]
        self.shape = (*([r.randint(2, 9)] if r.random() < 0.5 else []), sizes[0])
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers.append(nn.Linear(a, b, bias=r.random() < 0.8))
            if r.random() < 0.6:
                layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return self.body(x)


class Recurrent(nn.Module):
    def __init__(self, r):
        super().__init__()
        kind = r.choice([nn.LSTM, nn.GRU])
        size, hidden = r.choice([1, 5, 16, 28]), r.choice([3, 8, 20])
        both, layers = r.random() < 0.4, r.randint(1, 2)  # PyTorch's dynamic layers always have a bias
        self.shape = (r.randint(2, 12), size)
        self.rnn = kind(size, hidden, layers, bidirectional=both)
        self.head = nn.Linear(hidden * (2 if both else 1), 7)

    def forward(self, x):
        return self.head(self.rnn(x.transpose(0, 1))[0])


def difference(exact, want, got):
    """What is wrong, or None."""
    if want.shape != got.shape:
        return f"shape {got.shape}, should be {want.shape}"
    if exact:
        bad = np.flatnonzero(want.view(np.int32).ravel() != got.view(np.int32).ravel())
        if len(bad):
            i = bad[0]
            return f"{len(bad)} of {want.size} differ, first [{i}]: {got.ravel()[i]!r}, should be {want.ravel()[i]!r}"
        return None
    apart = np.abs(want - got) / np.abs(want).max()
    if np.mean(apart > 1e-5) > 0.01 or apart.max() > 0.02:
        return f"{np.mean(apart > 1e-5):.1%} of the numbers differ, the worst by {apart.max():.2g} of the largest"
    return None


def check(qns, seed, folder):
    r = random.Random(seed)
    torch.manual_seed(seed)
    exact = r.random() < 0.5
    model = (Linears if exact else Recurrent)(r).eval()
    x = torch.randn(SAMPLES, *model.shape) * 10 ** r.uniform(-2, 2)
    path = os.path.join(folder, "float.onnx")
    torch.onnx.export(model, x[:1], path, opset_version=13, input_names=["x"], output_names=["y"])
    dynamic = quantize_dynamic(model)
    with torch.no_grad(), quiet():
        want = np.concatenate([dynamic(x[i:i + 1]).numpy() for i in range(SAMPLES)],
                              axis=0 if exact else 1)
    np.save(os.path.join(folder, "x.npy"), x.numpy())
    quant, out = os.path.join(folder, "quant.onnx"), os.path.join(folder, "y.npy")
    for command in (["quantize", path, "--dynamic", "--backend", "qnnpack", "-o", quant, "--quiet"],
                    ["run", quant, "-d", os.path.join(folder, "x.npy"), "-o", out, "--quiet"]):
        done = subprocess.run([qns, *command], capture_output=True, text=True)
        if done.returncode or done.stderr:
            return f"qns {command[0]}: exit {done.returncode}: {done.stderr.strip()}"
    got = np.load(out)
    if not exact:  # [sample, time, 1, feature], PyTorch's is [time, sample, feature]
        got = np.ascontiguousarray(got.reshape(SAMPLES, -1, want.shape[2]).transpose(1, 0, 2))
    return difference(exact, want, got.reshape(want.shape))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("qns")
    args.add_argument("--models", type=int, default=20)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--keep")
    args = args.parse_args()
    torch.backends.quantized.engine = "qnnpack"
    torch.set_num_threads(1)
    bad = 0
    for seed in range(args.seed, args.seed + args.models):
        with tempfile.TemporaryDirectory() as folder:
            folder = args.keep or folder
            os.makedirs(folder, exist_ok=True)
            wrong = check(args.qns, seed, folder)
        if wrong:
            bad += 1
            print(f"seed {seed}: {wrong}")
    print(f"{args.models} models, {bad} differ")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
