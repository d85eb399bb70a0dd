set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 20 -o q.onnx --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 7 -o q.h5 --quiet
/usr/bin/python3 - <<'PY'
import h5py
f = h5py.File("q.h5", "r")
assert f.attrs["complete"] == 1
d = [d for d in f["activations"].values() if d.attrs["op"] == "conv"][0]
assert d.dtype == "uint8" and d.shape[0] == 7, d
assert d.attrs["scale"] > 0 and "zero_point" in d.attrs
w = [w for w in f["weights"].values() if w.ndim == 4][0]
assert w.dtype == "int8" and len(w.attrs["scale"]) == w.shape[0]
assert list(f["samples"]) == list(range(7))
PY
h5dump -H q.h5 | grep -q 'DATASET "logits"'
