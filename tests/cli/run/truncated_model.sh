head -c 50000 $FIXTURES/model.onnx > cut.onnx
$QNS run cut.onnx -d $FIXTURES/eval.yaml
