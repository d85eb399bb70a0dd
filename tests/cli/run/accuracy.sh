$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml
