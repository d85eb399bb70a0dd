printf 'default: fbgemm\nrules:\n  - name: "*"\n    activation: {observer: histogran}\n' > q.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx
