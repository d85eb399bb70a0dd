$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'output-sqnr>=30' --cost mac -o q.yaml
