#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Top-1 of every labelled model beside the checkout: float, and both backends with per-tensor and per-channel weights
and with the minmax and the histogram observer; then dynamic and float16, and the observers that PyTorch lacks. Prints
Markdown tables of right answers out of all, in brackets the 95 % interval (Wilson) of the percentage.

    usage: tools/bench/accuracy.py [QNS [MODEL...]]
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SHARED = os.path.join(ROOT, "..", "shared")
MODELS = ["squeezenet1.1", "mobilenet_v1_0.75_224", "resnet20_cifar10", "resnet8_cifar10", "dscnn_kws12", "mnist_cnn",
          "fashion_cnn", "fashion_lstm", "kwt1_kws12", "stories260k_t128"]
OWN = ["percentile", "entropy", "mse"]
FORMS = [(b, per_channel) for b in ("fbgemm", "qnnpack") for per_channel in (True, False)]


def wilson(k, n):
    z, p = 1.959963984540054, k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100 * (middle - half) / (1 + z * z / n), 100 * (middle + half) / (1 + z * z / n)


def cell(right):
    k, n = right
    return "{} ({:.1f} .. {:.1f})".format(k, *wilson(k, n))


class Bench:
    def __init__(self, qns, folder):
        self.qns, self.folder = qns, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *args):
        done = subprocess.run([self.qns, *args], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"qns {' '.join(args)}: {done.stderr}")
        return done.stdout

    def data(self, model):
        """Arguments for calibration and evaluation."""
        if model == "mnist_cnn":
            d = os.path.join(SHARED, "data", "mnist")
            x = np.fromfile(os.path.join(d, "t10k-images-idx3-ubyte"), np.uint8)[16:].reshape(-1, 28, 28)
            y = np.fromfile(os.path.join(d, "t10k-labels-idx1-ubyte"), np.uint8)[8:].astype(np.int64)
            np.save(self.path("x.npy"), x)
            np.save(self.path("y.npy"), y)
            return [os.path.join(d, "calib_images.npy")], [self.path("x.npy"), "--labels", self.path("y.npy")]
        if model == "stories260k_t128":
            for part in ("calib", "eval"):
                tokens = np.load(os.path.join(SHARED, "data", "tinystories", part + "_tokens.npy"))
                np.save(self.path(part + ".npy"), tokens[:, :128])
                self.next = tokens[:, 1:]
            return [self.path("calib.npy")], [self.path("eval.npy")]
        yaml = os.path.join(ROOT, "tests", "e2e", "models", model)
        return [yaml + ".calib.yaml"], [yaml + ".eval.yaml"]

    def right(self, model, path, evaluation):
        if model == "stories260k_t128":  # the next token after each of the 128
            self.call("run", path, "-d", *evaluation, "-o", self.path("logits.npy"), "--quiet")
            best = np.load(self.path("logits.npy")).reshape(*self.next.shape, -1).argmax(-1)
            return int((best == self.next).sum()), self.next.size
        r = json.loads(self.call("run", path, "-d", *evaluation, "--json"))
        return round(r["top1"] * r["samples"]), r["samples"]

    def static(self, model, calib, evaluation, backend, per_channel, observer):
        config, out = self.path("q.yaml"), self.path("q.onnx")
        with open(config, "w") as f:
            f.write(f"backend: {backend}\ndefault: {backend}\nactivation: {{observer: {observer}}}\n"
                    f"weight: {{per_channel: {str(per_channel).lower()}}}\n")
        self.call("quantize", os.path.join(SHARED, "models", model + ".onnx"), "-d", *calib, "-q", config, "-o", out,
                  "--quiet")
        return self.right(model, out, evaluation)

    def dynamic(self, model, evaluation, form):
        out = self.path("q.onnx")
        self.call("quantize", os.path.join(SHARED, "models", model + ".onnx"), form, "-o", out, "--quiet")
        return self.right(model, out, evaluation)


def main():
    qns = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release", "qns")
    models = sys.argv[2:] or MODELS
    print("| model | float | backend, weights | minmax | histogram |\n|---|---|---|---|---|")
    extra = []
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(qns, folder)
        for m in models:
            calib, evaluation = b.data(m)
            start = b.right(m, os.path.join(SHARED, "models", m + ".onnx"), evaluation)
            for backend, per_channel in FORMS:
                cells = [cell(b.static(m, calib, evaluation, backend, per_channel, o)) for o in ("minmax", "histogram")]
                first = f"{m}, {start[1]} | {cell(start)}" if (backend, per_channel) == FORMS[0] else " | "
                print(f"| {first} | {backend}, per {'channel' if per_channel else 'tensor'} | {cells[0]} | {cells[1]} |",
                      flush=True)
            extra.append((m, start, [b.dynamic(m, evaluation, f) for f in ("--dynamic", "--float16")],
                          [b.static(m, calib, evaluation, "fbgemm", True, o) for o in OWN]))
    print("\n| model | float | dynamic | float16 |\n|---|---|---|---|")
    for m, start, forms, _ in extra:
        print(f"| {m}, {start[1]} | {cell(start)} | " + " | ".join(map(cell, forms)) + " |")
    print("\n| model, fbgemm, per channel | float | " + " | ".join(OWN) + " |\n|---|---|---|---|---|")
    for m, start, _, own in extra:
        print(f"| {m}, {start[1]} | {cell(start)} | " + " | ".join(map(cell, own)) + " |")


if __name__ == "__main__":
    main()
