$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'output-sqnr>=30' --by leave-one-on -o q.yaml
