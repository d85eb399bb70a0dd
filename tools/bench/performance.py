#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/performance.md from the results of performance.sh.

    usage: performance.py RESULTS DOCUMENT

Every number of the document's tables comes from a file in RESULTS. A file that is missing is a row that says so."""
import glob
import json
import os
import sys

NETWORKS = [("resnet50", "ResNet-50"), ("resnet18", "ResNet-18"), ("mobilenet_v2", "MobileNetV2")]


class Results:
    def __init__(self, folder):
        self.folder = folder

    def load(self, name):
        try:
            with open(os.path.join(self.folder, name)) as f:
                return json.load(f)
        except FileNotFoundError:
            return None

    def peers(self):
        rows = []
        for path in sorted(glob.glob(os.path.join(self.folder, "peers_*.json"))):
            rows += self.load(os.path.basename(path))
        return rows


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in r) + " |" for r in rows])


def spread(s, digits=2):
    return f"{s['median']:.{digits}f} ({s['lo']:.{digits}f} .. {s['hi']:.{digits}f})"


def find(rows, **want):
    return next((r for r in rows if all(r[k] == v for k, v in want.items())), None)


def latency_rows(peers):
    for net, title in NETWORKS:
        for kind in ("fp32", "int8"):
            for t in (1, 2):
                for r in peers:
                    if (r["network"], r["kind"], r["threads"]) != (net, kind, t):
                        continue
                    ratio = "" if r["engine"] == "QNS" else spread(r["qns_over_it"], 3)
                    yield [title, kind, t, r["engine"], spread(r["ms"]), ratio]


def verdict(value, target, at_most):
    if value is None:
        return "not measured"
    if value <= target if at_most else value >= target:
        return "met"
    return f"missed by {100 * abs(value / target - 1):.0f} %"


class Targets:
    """Rows of the table of targets: what, measured, target, verdict."""

    def __init__(self):
        self.rows = []

    def add(self, what, value, target, unit="", at_most=True, digits=2):
        sign = "≤" if at_most else "≥"
        shown = "-" if value is None else f"{value:.{digits}f}{unit}"
        self.rows.append([what, shown, f"{sign} {target:g}{unit}", verdict(value, target, at_most)])


def of_finding(j, key, threads=None):
    if j is None:
        return None
    r = next((r for r in j["results"] if threads in (None, r["threads"])), None)
    return r and r["findings"].get(key)


def share_of_peak(j):
    """Share of peak of the 1x1 and 3x3 convolutions together: the time that peak would take over theirs."""
    if j is None:
        return None
    layers = [l for l in j["results"][0]["layers"]
              if l["op"] == "conv" and l["attributes"].startswith(("kernel 1x1", "kernel 3x3"))]
    return sum(l["ms"] * l["peak_share"] for l in layers) / sum(l["ms"] for l in layers)


def times(j, quantized, threads):
    r = None if j is None else next(
        (r for r in j["results"] if r["quantized"] == quantized and r["threads"] == threads), None)
    return r and r["ms"]["median"]


def target_rows(res, peers):
    t = Targets()

    def over_ort(net, kind, threads):
        r = find(peers, network=net, kind=kind, threads=threads, engine="ONNX Runtime")
        return r and r["qns_over_it"]["median"]

    for net, title in NETWORKS:
        for threads in (1, 2):
            limit = 0.90 if net == "mobilenet_v2" else 0.95
            t.add(f"{title} int8 over ONNX Runtime, {threads} thread{'s' * (threads > 1)}",
                  over_ort(net, "int8", threads), limit, " ×")
    for net, title in NETWORKS:
        for threads in (1, 2):
            t.add(f"{title} fp32 over ONNX Runtime, {threads} thread{'s' * (threads > 1)}",
                  over_ort(net, "fp32", threads), 1.05, " ×")
    for name, mask, limit in (("layers.json", "VNNI", 88), ("layers_avx2.json", "AVX2", 85)):
        all_of = share_of_peak(res.load(name))
        t.add(f"1x1 and 3x3 layers of ResNet-50 together, of the {mask} peak", all_of and 100 * all_of, limit, " %",
              False, 1)
    backends = res.load("backends.json")
    for threads in (1, 2):
        r = [] if backends is None else [x for x in backends["results"] if x["threads"] == threads]
        t.add(f"qnnpack backend over fbgemm, {threads} thread{'s' * (threads > 1)}",
              r[1]["ms"]["median"] / r[0]["ms"]["median"] if len(r) == 2 else None, 1.1, " ×")
    model = res.load("model_resnet50.json")
    one, two = times(model, True, 1), times(model, True, 2)
    t.add("2 threads over 1, ResNet-50 int8", one and two and one / two, 1.85, " ×", False)
    vnni = res.load("threads_vnni.json")
    one, two = times(vnni, True, 1), times(vnni, True, 2)
    t.add("2 threads over 1, ResNet-50 int8, by VNNI", one and two and one / two, 1.85, " ×", False)
    for threads in (1, 2):
        t.add(f"shadow run over float + 2 int8 runs, {threads} thread{'s' * (threads > 1)}",
              of_finding(res.load(f"shadow_{threads}.json"), "shadow_over_parts"), 1.15, " ×")
    for kind, key in (("fp32", "capture_over_plain"), ("int8", "capture_over_plain_2")):
        t.add(f"capture of all activations, ResNet-50 {kind}, 32 images, over the plain run",
              of_finding(res.load("capture.json"), key), 1.25, " ×")
    compare = res.load("compare.json")
    gb = of_finding(compare, "compare_rate_per_thread")
    t.add("compare of two captures, a thread", gb and gb / 1e9, 3, " GB/s", False)
    gb = of_finding(compare, "sums_rate")
    t.add("sums of all metrics from memory, one thread", gb and gb / 1e9, 25, " GB/s", False, 1)
    dram = of_finding(compare, "memory_read_rate")
    t.add("sums of all metrics from memory, of the rate of reading it", gb and dram and 100 * gb / dram, 100, " %",
          False, 0)
    s = of_finding(compare, "weights_seconds")
    t.add("weight comparison, 25 M weights", s and 1e3 * s, 50, " ms", True, 1)
    for name, key, limit in (("MinMax", "minmax_over_run", 1.03), ("Histogram", "histogram_over_run", 1.35)):
        for threads in (1, 2):
            t.add(f"{name} calibration over the float run, {threads} thread{'s' * (threads > 1)}",
                  of_finding(res.load(f"calibrate_{threads}.json"), key), limit, " ×")
    for name in ("capture", "compare", "shadow", "calibrate"):
        j = res.load(f"memory_{name}.json")
        t.add(f"peak memory of {name}, ResNet-50", j and j["results"][0]["peak_memory"] / 2**20, 500, " MiB", True, 0)
    return t.rows


def kernel_rows(j):
    for r in j["results"]:
        work, unit = (r["ops"], "GOP/s") if r["ops"] else (r["bytes"], "GB/s")
        share = "-" if r["peak_share"] is None else f"{100 * r['peak_share']:.0f} %"
        yield [f"`{r['kernel']}`", r["problem"], r["isa"], f"{work / r['seconds']['median'] / 1e9:.1f} {unit}", share]


def peak_rows(res):
    j = res.load("model_resnet50.json")
    for r in (j["results"] if j else [])[: 2]:
        p = r["peak"]
        yield [p["threads"], f"{p['f32'] / 1e9:.0f}", f"{p['int8'] / 1e9:.0f}",
               f"{p['int8_tiles'] / 1e9:.0f}" if "int8_tiles" in p else "-"]


TEXT = """# Performance

Written by `tools/bench/performance.sh`; every number below was printed by the command named above its table. What counts
are ratios on one machine in one run: things that are compared take turns, medians are told, and in brackets the range
that holds 8 of 10 runs.

Machine: {machine}.{load}

Networks: `tools/bench/networks.py` (torchvision's shapes, random weights, computed batch-norm statistics), 224 x 224,
batch 1; int8 by `qns quantize`. Only the AVX2 kernels depend on the values, a little.

## What the machine can do

`qns bench model`; loops of nothing but the instruction (`kernels/peak`). f32 is fused multiply-add, int8 `vpdpbusd` where
there is VNNI, tiles are AMX. GOP/s, all threads together:

{peaks}

{memory}

## Targets

{targets}

{notes}

## Latency beside other engines

`tools/bench/peers/peers.py`: each engine in a process of its own, one turn after the other; the ratio is that of the two
times of one round, QNS over the other, so below 1 QNS is faster. ONNX Runtime: npm's onnxruntime-node, the same files,
all graph optimizations, its threads spin while a run lasts. PyTorch: Debian's, channels-last; built without fbgemm, so
int8 is its onednn engine. ms an image:

{latency}

## Kernels

`qns bench kernels`: one thread, data in the second-level cache. Arithmetic in percent of the peak of the same instruction
set, measured right before and after, the rest in percent of reading from that cache. Set "all" has a row where it has a
variant of its own.

{kernels}

## How to repeat it

```console
tools/bench/performance.sh
```

measures all of this and writes this file. Single questions:

```console
qns bench model model.onnx quant.onnx -j 1,2
qns bench layers quant.onnx -j 1
qns bench kernels 'gemm*'
qns bench shadow model.onnx quant.onnx -d eval.yaml --limit 16
```
"""


def load_text(folder):
    """Says it when other programs were running."""
    try:
        with open(os.path.join(folder, "load.txt")) as f:
            most = max(float(x) for x in f.read().split())
    except (FileNotFoundError, ValueError):
        return ""
    if most <= 2.5:
        return ""
    return f" It had other work (load average up to {most:.1f}), which widens the ranges and slows two threads down."


def main():
    res = Results(sys.argv[1])
    peers = res.peers()
    model, kernels, compare = res.load("model_resnet50.json"), res.load("kernels.json"), res.load("compare.json")
    m = (model or kernels)["machine"]
    rate = of_finding(compare, "memory_read_rate")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "performance_notes.md")) as f:
        notes = f.read().strip()
    text = TEXT.format(
        machine=f"{m['cpu']}, {m['cores']} cores, {m['isa']}; QNS {m['qns']}",
        load=load_text(sys.argv[1]),
        peaks=table(["threads", "f32", "int8", "int8 tiles"], peak_rows(res)),
        memory=f"One thread reads {rate / 1e9:.1f} GB/s from memory (`qns bench compare`)." if rate else "",
        targets=table(["", "measured", "target", ""], target_rows(res, peers)),
        notes=notes,
        latency=table(["network", "", "threads", "engine", "ms", "QNS over it"], latency_rows(peers)),
        kernels=table(["kernel", "problem", "set", "speed", "of peak"], kernel_rows(kernels)) if kernels else "",
    )
    with open(sys.argv[2], "w") as f:
        f.write(text)
    print(f"{sys.argv[2]} written")


if __name__ == "__main__":
    main()
