$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 3 > /dev/full
