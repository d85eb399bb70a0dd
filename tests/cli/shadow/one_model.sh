$QNS shadow $FIXTURES/model.onnx -d $FIXTURES/eval.yaml
