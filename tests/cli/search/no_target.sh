$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml -o q.yaml
