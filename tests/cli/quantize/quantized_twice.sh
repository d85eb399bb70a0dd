$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 5 -o q.onnx --quiet
$QNS quantize q.onnx -d $FIXTURES/calib.yaml -o r.onnx
