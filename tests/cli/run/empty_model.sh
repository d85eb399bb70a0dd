: > empty.onnx
$QNS run empty.onnx -d $FIXTURES/eval.yaml
