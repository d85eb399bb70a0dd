# -o OUT.h5 holds the outputs of float and int8 models under one name.
set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 20 -o q.onnx --quiet
$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 9 -o f.h5 --quiet
$QNS run q.onnx -d $FIXTURES/eval.yaml --limit 9 -o q.h5 --quiet
/usr/bin/python3 - <<'PY'
import h5py
f, q = h5py.File("f.h5"), h5py.File("q.h5")
assert list(f["activations"]) == list(q["activations"]) == ["logits"]
assert f["activations/logits"].shape == (9, 10)
PY
