$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
/usr/bin/python3 - $FIXTURES/model.onnx <<'PY'
import onnx, sys
from onnx import numpy_helper
m = onnx.load(sys.argv[1])
w = next(t for t in m.graph.initializer if len(t.dims) == 4)
w.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(w) * 1.5, w.name))
onnx.save(m, "other.onnx")
PY
$QNS shadow other.onnx q.onnx -d $FIXTURES/eval.yaml --limit 5
