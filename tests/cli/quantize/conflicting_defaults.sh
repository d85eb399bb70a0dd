printf 'default: fbgemm\npytorch: {global: x86}\n' > q.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx
