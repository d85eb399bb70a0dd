$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS shadow q.onnx $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5
