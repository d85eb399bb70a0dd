$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'output-sqrn>=30' -o q.yaml
