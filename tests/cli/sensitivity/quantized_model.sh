$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 4 -o q.onnx --quiet
$QNS sensitivity q.onnx -d $FIXTURES/eval.yaml --limit 4
