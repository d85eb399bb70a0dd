#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz targets: corpus/npy, npz, h5, capture, yaml, onnx, log and, when a program
is given, result. Small files that reach each
branch of a reader; what is hostile about them is left to the fuzzer and to the unit tests.

The HDF5 files hold the time at which they were made; all else comes out the same each time.

usage: tests/fuzz/make_corpus.py [QNS]     (needs python3-numpy, python3-h5py, python3-onnx)
"""
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
RNG = np.random.default_rng(1)


def put(kind, name, data):
    os.makedirs(os.path.join(HERE, kind), exist_ok=True)
    with open(os.path.join(HERE, kind, name), "wb") as f:
        f.write(data)


def npy_bytes(a, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, a, version=version)
    return f.getvalue()


def make_npy():
    for t in ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", "c8", "U3"]:
        a = (RNG.random((3, 4)) * 5).astype(t)
        put("npy", t.replace("?", "b1").replace(">", "be_") + ".npy", npy_bytes(a))
    a = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    put("npy", "fortran.npy", npy_bytes(np.asfortranarray(a)))
    put("npy", "v2.npy", npy_bytes(a, (2, 0)))
    put("npy", "v3.npy", npy_bytes(a, (3, 0)))
    put("npy", "empty.npy", npy_bytes(np.zeros((0, 3), np.float32)))
    put("npy", "scalar.npy", npy_bytes(np.float32(3)))
    put("npy", "record.npy", npy_bytes(np.zeros(2, dtype=[("a", "<i4"), ("b", "<f4")])))


def make_npz():
    x = np.arange(60, dtype=np.float32).reshape(3, 20)
    for name, save in [("stored.npz", np.savez), ("deflated.npz", np.savez_compressed)]:
        f = io.BytesIO()
        save(f, x=x, labels=np.arange(3))
        put("npz", name, f.getvalue())
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w", zipfile.ZIP_BZIP2) as z:
        z.writestr(zipfile.ZipInfo("x.npy"), npy_bytes(x), zipfile.ZIP_BZIP2)
        z.writestr(zipfile.ZipInfo("note.txt"), "no array")
    put("npz", "bzip2.npz", f.getvalue())


def make_h5():
    x = np.arange(48, dtype=np.float32).reshape(4, 3, 4)
    kinds = {
        "contiguous": {},
        "chunked": {"chunks": (1, 3, 4)},
        "deflated": {"chunks": (2, 3, 2), "compression": "gzip", "shuffle": True, "fletcher32": True},
        "resizable": {"maxshape": (None, 3, 4), "chunks": (1, 3, 4)},
    }
    for libver in ["earliest", "latest"]:
        for kind, options in kinds.items():
            path = os.path.join(HERE, "h5", f"{kind}_{libver}.h5")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with h5py.File(path, "w", libver=libver) as f:
                f.create_dataset("x", data=x, **options)
                f.create_dataset("labels", data=np.arange(4, dtype=">i2"))
                f.create_dataset("a/b/flags", data=np.array([True, False]))
                f["half"] = x[:1, :1].astype(np.float16)
                f["text"] = "no number"
                f["x"].attrs["scale"] = [0.5, 1.0]


def make_capture():
    os.makedirs(os.path.join(HERE, "capture"), exist_ok=True)
    x = RNG.standard_normal((3, 4, 2)).astype(np.float32)
    with h5py.File(os.path.join(HERE, "capture", "foreign.h5"), "w") as f:
        f.create_dataset("activations/block/conv1", data=x)
        f.create_dataset("weights/conv1", data=x[0])
    with h5py.File(os.path.join(HERE, "capture", "ours.h5"), "w") as f:
        f.attrs.update(qns_capture=1, complete=1, model="m", backend="fbgemm", engine="onednn",
                       graph="0" * 32, weights="1" * 32)
        f["samples"] = np.arange(3)
        f["sample_inputs"] = np.zeros((3, 16), np.uint8)
        f["labels"] = np.arange(3)
        d = f.create_dataset("activations/conv1", data=(x * 10 + 99).astype(np.uint8),
                             chunks=(1, 4, 2), maxshape=(None, 4, 2), compression="gzip")
        d.attrs.update(name="conv1", op="conv", impl="conv.u8s8", index=1, scale=[0.1],
                       zero_point=np.array([99], np.int32), axis=-1, macs=np.uint64(64))
        d.attrs["origin"] = ["conv1", "bn1"]
        w = f.create_dataset("weights/conv1", data=(x[0] * 10).astype(np.int8))
        w.attrs.update(scale=np.full(4, 0.1), zero_point=np.zeros(4, np.int32), axis=0)
        f.create_dataset("biases/conv1", data=np.arange(4, dtype=np.int32))


DATA_YAML = """\
inputs:
  data:
    file: images.npy     # a comment
    layout: NHWC
    scale: 0.00392156862745098
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
labels: "labels.npy"
limit: 256
"""
TWO_YAML = """\
inputs:
  data: {file: x.npz, dataset: images, layout: NHWC, channel_order: BGR, dtype: uint8, std: 2}
  b: b.npy
labels: {file: x.h5, dataset: y}
"""
QCONFIG_YAML = """\
backend: fbgemm
default: fbgemm
rules:
  - op: linear
    weight: {observer: minmax, per_channel: true, symmetric: true}
  - name: "layer1.*"
    activation: {observer: histogram, bins: 2048}
  - skip: ["conv1", 'layer4.2.conv3']
"""
ODD_YAML = """\
%YAML 1.1
---
? key
: - |
    block
    text
  - >-
    folded
    text
  - "escaped \\u00e4 \\x41 \\n"
  - 'single '' quote'
  - {a: [], b: {}, c: ~, d: -1e-3, e: true}
...
"""

GATE_YAML = """layers:                                  # the last rule that matches decides, for each limit
  - name: "*"                            # glob over names and origins of layers; or a list
    activation:
      sqnr_db: {min: 10, change: 1}      # at least 10 dB, at most 1 dB worse than the baseline
      clipped: {max: 0.05}
    weight:
      sqnr_db: {min: 20}
  - name: "/head/*"                      # stricter for these
    op: linear                           # and only of this kind
    activation: {sqnr_db: {min: 15}}
output:                                  # of the network
  sqnr_db: {min: 15, change: 0.5}
  top1_agreement: {min: 0.95}
  top1_drop: {max: 0.02, optional: true} # float minus int8 accuracy; needs labels
coverage:
  ops: {min: 1}                          # share of operators that were compared
  macs: {min: 1}
findings:
  fail_on: error                         # note, warning or error
  allow: [ERROR_JUMP]                    # codes that never fail
"""


def make_yaml():
    put("yaml", "gate.yaml", GATE_YAML.encode())
    put("yaml", "data.yaml", DATA_YAML.encode())
    put("yaml", "two.yaml", TWO_YAML.encode())
    put("yaml", "qconfig.yaml", QCONFIG_YAML.encode())
    put("yaml", "odd.yaml", ODD_YAML.encode())
    put("yaml", "utf16.yaml", QCONFIG_YAML.encode("utf-16"))
    put("yaml", "alias.yaml", b"a: &x [1, 2]\nb: *x\n")
    put("yaml", "tag.yaml", b"a: !!int 3\nb: !mine x\n")


def model(nodes, inputs, outputs, weights, opset, name, **kw):
    g = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs],
        [w if isinstance(w, TensorProto) else numpy_helper.from_array(*w) for w in weights])
    m = helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], producer_name="qns")
    for k, v in kw.items():
        p = m.metadata_props.add()
        p.key, p.value = k, v
    put("onnx", name + ".onnx", m.SerializeToString())


def f32(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def make_onnx():
    N, F = helper.make_node, TensorProto.FLOAT
    model([N("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
           N("BatchNormalization", ["c", "g", "be", "m", "v"], ["n"], epsilon=1e-3),
           N("Relu", ["n"], ["r"]), N("GlobalAveragePool", ["r"], ["p"]),
           N("Flatten", ["p"], ["f"]), N("Gemm", ["f", "w2", "b2"], ["y"], transB=1)],
          [("x", F, ["N", 2, 6, 6])], [("y", F, ["N", 3])],
          [(f32(4, 2, 3, 3), "w"), (f32(4), "b"), (f32(4), "g"), (f32(4), "be"), (f32(4), "m"),
           (np.abs(f32(4)), "v"), (f32(3, 4), "w2"), (f32(3), "b2")], 13, "conv_bn")
    typed = helper.make_tensor("w", F, [4, 2, 3, 3], f32(72).tolist())
    model([N("Conv", ["x", "w"], ["c"], auto_pad="SAME_UPPER", group=1, dilations=[1, 1]),
           N("Relu", ["c"], ["r"]), N("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
           N("Dropout", ["p"], ["d"], ratio=0.5), N("GlobalAveragePool", ["d"], ["q"]),
           N("Softmax", ["q"], ["y"])],
          [("x", F, [1, 2, 6, 6])], [("y", F, [1, 4, 1, 1])], [typed], 7, "opset7")
    model([N("Constant", [], ["s"], value=numpy_helper.from_array(np.array([0, -1], np.int64))),
           N("Reshape", ["x", "s"], ["r"]), N("MatMul", ["r", "w"], ["m"]), N("Add", ["m", "b"], ["a"]),
           N("Clip", ["a", "lo", "hi"], ["c"]), N("Concat", ["a", "c"], ["k"], axis=1),
           N("Identity", ["k"], ["y"])],
          [("x", F, [1, 2, 3])], [("y", F, [1, 8])],
          [(f32(6, 4), "w"), (f32(4), "b"), (np.float32(0).reshape(()), "lo"),
           (np.float32(6).reshape(()), "hi")], 13, "reshape")
    model([N("QuantizeLinear", ["x", "sx", "zx"], ["xq"]), N("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
           N("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=0),
           N("Conv", ["xd", "wd"], ["c"]), N("QuantizeLinear", ["c", "sx", "zx"], ["cq"]),
           N("DequantizeLinear", ["cq", "sx", "zx"], ["y"])],
          [("x", F, [1, 2, 4, 4])], [("y", F, [1, 3, 4, 4])],
          [(np.array(0.1, np.float32), "sx"), (np.array(3, np.uint8), "zx"),
           (RNG.integers(-127, 127, (3, 2, 1, 1)).astype(np.int8), "w"),
           (np.full(3, 0.01, np.float32), "sw"), (np.zeros(3, np.int8), "zw")], 13, "qdq",
          **{"qns.backend": "fbgemm", "qns.lineage": '{"values": {"c": "a"}, "nodes": {"n": ["a", "b"]}}'})
    far = helper.make_tensor("w", F, [4, 4], bytes(64), raw=True)
    far.ClearField("raw_data")
    far.data_location = TensorProto.EXTERNAL
    for k, v in [("location", "weights.bin"), ("offset", "0"), ("length", "64")]:
        e = far.external_data.add()
        e.key, e.value = k, v
    model([N("MatMul", ["x", "w"], ["y"])], [("x", F, [1, 4])], [("y", F, [1, 4])], [far], 13, "external")
    model([N("Loop", ["n", "c"], ["y"])], [("n", TensorProto.INT64, [1]), ("c", TensorProto.BOOL, [1])],
          [("y", F, [1])], [], 13, "unsupported")


def make_log():
    lines = ['{"log":"qns search","identity":"%s"}' % ("0" * 32),
             '{"phase":"int8","seconds":0.25,"float":[],"sqnr_db":12.5,"agreement":0.75}',
             '{"phase":"float","seconds":0,"float":["a","b","c"],"sqnr_db":"inf","drop":0,"eval":-1e-3}']
    put("log", "whole.jsonl", ("\n".join(lines) + "\n").encode())
    put("log", "torn.jsonl", ("\n".join(lines))[:-20].encode())


def make_results(qns):
    """One of each kind, of one or two layers of the fixture network."""
    fixture = os.path.join(HERE, "..", "..", "..", "fixtures", "fashion")
    script = """set -e
    d="-d eval.yaml --limit 6 --quiet" ; l="--layers /head/* --layers *MaxPool"
    $0 quantize model.onnx -d calib.yaml --limit 4 -o q.onnx --quiet
    $0 quantize model.onnx -d calib.yaml --limit 4 --skip /head/Gemm -o s.onnx --quiet
    for m in model q s; do $0 capture $m.onnx $d -o $m.h5; done
    printf 'output: {sqnr_db: {min: 0}}\\n' > g.yaml
    set -f
    $0 compare model.h5 q.h5 $l --detail 1 -o comparison.json --quiet
    $0 compare model.h5 q.h5 s.h5 $l --fail-on never -o regression.json --quiet
    $0 shadow model.onnx q.onnx $d $l --detail 0 -o shadow.json
    $0 sensitivity model.onnx $d --layers /head/Gemm -o sensitivity.json
    $0 search model.onnx $d --calib calib.yaml --target 'output-sqnr>=30' --strategy greedy --budget 6 -o m.yaml \\
        --json > search.json || true
    $0 selftest model.onnx q.onnx $d --rules g.yaml --layers /head/Gemm --runs 4 -o selftest.json || true"""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(fixture, folder, dirs_exist_ok=True)
        subprocess.run(["bash", "-c", script, os.path.abspath(qns)], cwd=folder, check=True)
        for kind in ["comparison", "regression", "shadow", "sensitivity", "search", "selftest"]:
            with open(os.path.join(folder, kind + ".json"), "rb") as f:
                put("result", kind + ".json", f.read())


if __name__ == "__main__":
    make_npy()
    make_npz()
    make_h5()
    make_capture()
    make_yaml()
    make_onnx()
    make_log()
    if len(sys.argv) > 1:
        make_results(sys.argv[1])
