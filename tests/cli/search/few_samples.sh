$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 3 --target 'output-sqnr>=30' -o q.yaml
