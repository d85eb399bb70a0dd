#!/bin/sh
# SPDX-License-Identifier: MIT
# Float top-1 of the shared models equals the figure measured with ONNX Runtime (models/ORIGIN.md), sample for
# sample.
#
#     usage: test_accuracy.sh QNS SOURCE_FOLDER MODEL HITS
set -eu
qns=$1 source=$2 model=$3 hits=$4
shared=$source/../shared
[ -d "$shared/models" ] || { echo "SKIP: no shared models beside the checkout"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if [ "$model" = mnist_cnn ]; then
    # IDX files: a header of 16 or 8 bytes, then the numbers.
    /usr/bin/python3 - "$shared/data/mnist" "$tmp" <<'PY'
import sys
import numpy as np
d, out = sys.argv[1:]
np.save(out + "/x.npy", np.fromfile(d + "/t10k-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28))
np.save(out + "/y.npy", np.fromfile(d + "/t10k-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64))
PY
    "$qns" run "$shared/models/$model.onnx" -d "$tmp/x.npy" --labels "$tmp/y.npy" --json >"$tmp/out"
else
    "$qns" run "$shared/models/$model.onnx" -d "$source/tests/e2e/models/$model.eval.yaml" --json >"$tmp/out"
fi
cat "$tmp/out"
/usr/bin/python3 - "$tmp/out" "$hits" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
got = round(r["top1"] * r["samples"])
assert got == int(sys.argv[2]), f"{got} of {r['samples']} right, ONNX Runtime has {sys.argv[2]}"
PY
