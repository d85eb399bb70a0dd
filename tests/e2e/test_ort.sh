#!/bin/sh
# SPDX-License-Identifier: MIT
# The quantized fixture runs in ONNX Runtime, and its top-1 agrees with ours on at least 99 % of the samples; so do its
# dynamic and its float16 form, which compute with other scales there.
#
#     usage: test_ort.sh QNS FIXTURES BUILD_FOLDER
set -eu
qns=$1 fixtures=$2 build=$3
here=$(cd "$(dirname "$0")" && pwd)
modules=$build/node/node_modules
if [ ! -d "$modules/onnxruntime-node" ]; then
    command -v npm >/dev/null || { echo "SKIP: npm is not installed"; exit 77; }
    mkdir -p "$build/node"
    # No install scripts: the package brings its CPU library along.
    (cd "$build/node" && npm install --ignore-scripts --no-audit --no-fund --silent onnxruntime-node@1) ||
        { echo "SKIP: npm cannot install onnxruntime-node (no registry?)"; exit 77; }
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$qns" quantize "$fixtures/model.onnx" -d "$fixtures/calib.yaml" -o "$tmp/quant.onnx" --quiet
"$qns" run "$tmp/quant.onnx" -d "$fixtures/eval.yaml" -o "$tmp/ours.npy" --quiet
/usr/bin/python3 - "$fixtures/eval_images.npy" "$tmp/inputs.npy" <<'PY'
import sys
import numpy as np
x = np.load(sys.argv[1]).astype(np.float32)
np.save(sys.argv[2], (((x * np.float32(0.00392156862745098)) - np.float32(0.286)) / np.float32(0.353))[:, None])
PY
/usr/bin/python3 -c "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)" "$tmp/quant.onnx"
node "$here/ort_agree.js" "$modules" "$tmp/quant.onnx" "$tmp/inputs.npy" "$tmp/ours.npy" 0.99
for form in dynamic float16; do
    "$qns" quantize "$fixtures/model.onnx" --$form -o "$tmp/$form.onnx" --quiet
    "$qns" run "$tmp/$form.onnx" -d "$fixtures/eval.yaml" -o "$tmp/$form.npy" --quiet
    /usr/bin/python3 -c "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)" "$tmp/$form.onnx"
    node "$here/ort_agree.js" "$modules" "$tmp/$form.onnx" "$tmp/inputs.npy" "$tmp/$form.npy" 0.99
done
lstm=$here/../../../shared/models/fashion_lstm.onnx data=$here/../../../shared/data/fashion_mnist/eval_images.npy
[ -f "$lstm" ] || exit 0
/usr/bin/python3 - "$data" "$tmp/rows.npy" <<'PY'
import sys
import numpy as np
np.save(sys.argv[2], (np.load(sys.argv[1])[:300].astype(np.float32) * np.float32(1 / 255))[:, None])
PY
for form in dynamic float16; do
    "$qns" quantize "$lstm" --$form -o "$tmp/lstm.onnx" --quiet
    "$qns" run "$tmp/lstm.onnx" -d "$tmp/rows.npy" -o "$tmp/lstm.npy" --quiet
    /usr/bin/python3 -c "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)" "$tmp/lstm.onnx"
    node "$here/ort_agree.js" "$modules" "$tmp/lstm.onnx" "$tmp/rows.npy" "$tmp/lstm.npy" 0.98
done
