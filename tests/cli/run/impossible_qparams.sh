# Scales of 0, infinity and NaN, and a negative one, in a Q/DQ file: each is refused by name, with a code for bad data.
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 4 -o q.onnx --quiet || exit 1
for bad in 0 inf nan -0.5; do
    /usr/bin/python3 - $bad <<'PY' || exit 77
import sys
import numpy as np
try:
    import onnx
    from onnx import numpy_helper
except ImportError:
    sys.exit(77)
m = onnx.load("q.onnx")
name = next(n.input[1] for n in m.graph.node if n.op_type == "QuantizeLinear")
for t in m.graph.initializer:
    if t.name == name:
        t.CopyFrom(numpy_helper.from_array(np.array(float(sys.argv[1]), np.float32), name))
onnx.save(m, "bad.onnx")
PY
    $QNS run bad.onnx -d $FIXTURES/eval.yaml --limit 2 > /dev/null 2> message
    code=$?
    cat message
    [ $code = 3 ] && grep -q "bad.onnx.*scale\[0\] is .*; it must be finite and above 0" message || { echo "$bad: exit $code"; exit 1; }
done
