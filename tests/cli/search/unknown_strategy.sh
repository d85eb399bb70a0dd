$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'output-sqnr>=30' --strategy bisekt -o q.yaml
