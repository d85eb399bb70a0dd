$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'eval>=30' -o q.yaml
