$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'output-sqnr>=30' --budget 5x -o q.yaml
