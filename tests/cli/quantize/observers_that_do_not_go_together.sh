printf 'default: fbgemm\nrules:\n  - op: conv\n    activation: {observer: placeholder, dtype: float16}\n' > q.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx
