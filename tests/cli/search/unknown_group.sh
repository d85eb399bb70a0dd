$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'output-sqnr>=30' --group /stem/stem.0/Conf -o q.yaml
