$QNS bench shadow $FIXTURES/model.onnx -d $FIXTURES/eval.yaml
