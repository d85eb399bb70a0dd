$QNS run nothing.onnx -d $FIXTURES/eval.yaml
