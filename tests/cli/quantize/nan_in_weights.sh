# A weight that is no number is told by name.
/usr/bin/python3 - $FIXTURES/model.onnx <<'PY' || exit 77
import sys
import numpy as np
try:
    import onnx
    from onnx import numpy_helper
except ImportError:
    sys.exit(77)
m = onnx.load(sys.argv[1])
for t in m.graph.initializer:
    x = numpy_helper.to_array(t).copy()
    if x.ndim == 4:
        x.flat[3] = np.nan
        t.CopyFrom(numpy_helper.from_array(x, t.name))
        break
onnx.save(m, "nan.onnx")
PY
$QNS quantize nan.onnx -d $FIXTURES/calib.yaml -o q.onnx
