#!/bin/sh
# SPDX-License-Identifier: MIT
# A model quantized by another tool becomes an integer graph (no convolution or matrix product in float) and gives
# the top-1 measured with ONNX Runtime (models/ORIGIN.md) within one sample in 300. Ties: the first of the highest
# scores counts, there as here.
#
#     usage: test_prequantized.sh QNS SOURCE_FOLDER MODEL HITS
set -eu
qns=$1 source=$2 model=$3 hits=$4
shared=$source/../shared
[ -d "$shared/models" ] || { echo "SKIP: no shared models beside the checkout"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
data=$source/tests/e2e/models/$model.eval.yaml
"$qns" run "$shared/models/$model.onnx" -d "$data" --json >"$tmp/out"
cat "$tmp/out"
"$qns" capture "$shared/models/$model.onnx" -d "$data" --limit=1 -o "$tmp/one.h5" --quiet
/usr/bin/python3 - "$tmp/out" "$tmp/one.h5" "$hits" <<'PY'
import json, sys
import h5py
r = json.load(open(sys.argv[1]))
got, want = round(r["top1"] * r["samples"]), int(sys.argv[3])
assert abs(got - want) <= max(1, r["samples"] // 300), f"{got} of {r['samples']} right, ONNX Runtime has {want}"
impls = [d.attrs["impl"] for d in h5py.File(sys.argv[2])["activations"].values() if "impl" in d.attrs]
impls = [i.decode() if isinstance(i, bytes) else i for i in impls]
floats = [i for i in impls if i.startswith(("conv.f32", "linear.f32", "matmul.f32", "add.f32", "global_avgpool.f32"))]
integers = [i for i in impls if i.endswith(".onnx")]
assert integers and not floats, f"{len(integers)} integer operators, but in float: {floats}"
print(f"{got} of {r['samples']} right; {len(integers)} integer operators")
PY
