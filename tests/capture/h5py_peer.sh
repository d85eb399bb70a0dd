#!/bin/sh
# usage: h5py_peer.sh PROGRAM
# h5py reads our capture by name, and a capture made with h5py compares with ours.
set -eu
PY=/usr/bin/python3
"$PY" -c 'import h5py, numpy' 2>/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" write "$dir"
"$PY" - "$dir" <<'PY'
import sys, h5py, numpy as np
d = sys.argv[1]
with h5py.File(d + "/f.h5") as f, h5py.File(d + "/q.h5") as q:
    assert f.attrs["qns_capture"] == 1 and f.attrs["complete"] == 1
    assert f.attrs["model"] == "f.onnx", f.attrs["model"]
    x = f["activations/layer2.relu_out"]
    c = q["activations/layer2.relu_out"]
    assert x.shape == (12, 4, 6, 6) and x.dtype == np.float32
    assert c.dtype == np.uint8
    assert list(x.attrs["origin"]) == ["conv2", "/layer2/relu_out"], x.attrs["origin"]
    assert x.attrs["name"] == "/layer2/relu_out" and x.attrs["index"] == 2
    real = (c[:].astype(np.float64) - c.attrs["zero_point"][0]) * c.attrs["scale"][0]
    assert np.abs(real - x[:]).max() <= c.attrs["scale"][0] * 0.501
    w = q["weights/layer2.weight"]
    assert w.attrs["axis"] == 0 and len(w.attrs["scale"]) == 8 and w.dtype == np.int8
    assert list(f["samples"]) == list(range(12)) and f["labels"][11] == 1
    # A foreign capture: what another framework would write.
    with h5py.File(d + "/foreign.h5", "w") as out:
        for k in range(5):
            v = q["activations/layer%d.relu_out" % k]
            s, z = v.attrs["scale"][0], v.attrs["zero_point"][0]
            out["activations/layer%d/relu_out" % k] = (v[:].astype(np.float32) - z) * s
            out["weights/layer%d/weight" % k] = f["weights/layer%d.weight" % k][:].astype(np.float16)
PY
"$1" compare "$dir/f.h5" "$dir/foreign.h5" > "$dir/out"
cat "$dir/out"
test "$(grep -c ' name float nan 1$' "$dir/out")" = 5
