# As other programs read it, and after it was read and written by QNS.
set -e
/usr/bin/python3 -c 'import onnx' 2>/dev/null || { echo "skipped: needs python3-onnx"; exit 77; }
/usr/bin/python3 - <<'PY'
import onnx, os
m = onnx.load(os.environ["FIXTURES"] + "/model.onnx")
for v in [*m.graph.input, *m.graph.output]:
    v.type.tensor_type.shape.dim[0].dim_param = "batch size"
onnx.save(m, "batch.onnx")
PY
$QNS quantize batch.onnx -d $FIXTURES/calib.yaml --limit 4 -o q.onnx --quiet
$QNS run q.onnx -d $FIXTURES/eval.yaml --limit 5 --dim 'batch size=1' -o y.npy --quiet
/usr/bin/python3 - <<'PY'
import onnx
m = onnx.load("q.onnx")
onnx.checker.check_model(m)
for v in [*m.graph.input, *m.graph.output]:
    assert v.type.tensor_type.shape.dim[0].dim_param == "batch size", v
PY
