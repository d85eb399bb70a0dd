printf "quantize_at: [inputt]\n" > q.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx
