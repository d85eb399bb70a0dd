#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times QNS beside ONNX Runtime and PyTorch: the same networks, in turns, each engine in a process of its own.

    usage: peers.py FOLDER [--qns build/release/qns] [--network NAME]... [--threads 1,2] [--rounds 30] [--json FILE]

FOLDER holds NETWORK.onnx (networks.py) and NETWORK.int8.onnx (qns quantize). In every round each engine runs twice, and
the second run counts; then it is the next one's turn (A B C A B C). A ratio is made from the two times of one round, so
that what slows the machine down for a while slows both. Prints medians and the range that holds 8 of 10 rounds."""
import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # the one that Debian's PyTorch belongs to


class Engine:
    def __init__(self, label, command, env=None):
        self.label, self.ms = label, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        ready = self.process.stdout.readline().split(" ", 1)
        if ready[0].strip() != "ready":
            sys.exit(f"peers.py: {label} did not start: {' '.join(command)}")
        self.about = ready[1].strip() if len(ready) > 1 else ""

    def run(self, n):
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"peers.py: {self.label} ended early")
        return [float(x) for x in line.split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def spread(x):
    x = sorted(x)
    n = len(x)
    return {"median": (x[(n - 1) // 2] + x[n // 2]) / 2, "lo": x[(n - 1) // 10], "hi": x[n - 1 - (n - 1) // 10]}


def engines_for(a, network, kind, threads, modules):
    model = os.path.join(a.folder, network + (".int8.onnx" if kind == "int8" else ".onnx"))
    t = str(threads)
    # What QNS itself would choose on a machine that is not busy; here others wait their turn, which looks busy.
    yield Engine("QNS", [a.qns, "bench", "serve", model, "-j", t], {"GOMP_SPINCOUNT": "5000"})
    if modules:
        yield Engine("ONNX Runtime", ["node", os.path.join(HERE, "ort_peer.js"), modules, model, t])
    for way in [] if a.no_torch else ["int8"] if kind == "int8" else ["eager", "jit"]:
        yield Engine("PyTorch " + way, [PYTHON, os.path.join(HERE, "torch_peer.py"), network, way, t])


def measure(a, network, kind, threads, modules):
    engines = list(engines_for(a, network, kind, threads, modules))
    for e in engines:
        e.run(3)
    for _ in range(a.rounds):
        for e in engines:
            time.sleep(0.002)  # threads of the one before stop spinning
            e.ms.append(e.run(2)[1])
    rows = []
    for e in engines:
        ratio = [q / o for q, o in zip(engines[0].ms, e.ms)]
        rows.append({"network": network, "kind": kind, "threads": threads, "engine": e.label, "about": e.about,
                     "ms": spread(e.ms), "qns_over_it": spread(ratio), "rounds": a.rounds})
        e.close()
    return rows


def show(r):
    m, q = r["ms"], r["qns_over_it"]
    ratio = "" if r["engine"] == "QNS" else f"{q['median']:8.3f}  {q['lo']:.3f} .. {q['hi']:.3f}"
    print(f"{r['network']:<13.13} {r['kind']:<5} {r['threads']:>2}  {r['engine']:<14.14} {m['median']:8.2f}"
          f" {m['lo']:7.2f} .. {m['hi']:7.2f}{ratio}", flush=True)


def node_modules(folder):
    """The folder of onnxruntime-node, installed there first if it is missing; None when that cannot be done."""
    modules = os.path.join(folder, "node_modules")
    if not os.path.isdir(os.path.join(modules, "onnxruntime-node")):
        os.makedirs(folder, exist_ok=True)
        # No install scripts: the package brings its CPU library along.
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
                               "onnxruntime-node@1"], cwd=folder)
        if done.returncode != 0:
            print("peers.py: npm cannot install onnxruntime-node; going on without ONNX Runtime", file=sys.stderr)
            return None
    return os.path.abspath(modules)


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("folder")
    args.add_argument("--qns", default="build/release/qns")
    args.add_argument("--network", action="append")
    args.add_argument("--kind", choices=("fp32", "int8"), action="append")
    args.add_argument("--threads", default="1,2")
    args.add_argument("--rounds", type=int, default=30)
    args.add_argument("--json")
    args.add_argument("--node", default="build/bench/node", help="where onnxruntime-node is, or is installed")
    args.add_argument("--no-torch", action="store_true")
    a = args.parse_args()
    modules = node_modules(a.node)
    rows = []
    print(f"{'network':<13} {'kind':<5} {'j':>2}  {'engine':<14} {'ms':>8} {'8 of 10 rounds':>18} {'QNS / it':>8}  8 of 10")
    for network in a.network or ["resnet50", "resnet18", "mobilenet_v2"]:
        for kind in a.kind or ["fp32", "int8"]:
            for threads in [int(t) for t in a.threads.split(",")]:
                for r in measure(a, network, kind, threads, modules):
                    rows.append(r)
                    show(r)
                if a.json:  # after every step: what was measured stays when the rest is stopped
                    with open(a.json, "w") as f:
                        json.dump(rows, f, indent=1)
    print("engines: " + ", ".join(sorted({r["about"] for r in rows if r["about"]})))


if __name__ == "__main__":
    main()
