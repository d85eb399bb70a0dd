$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5 --layers /stem/stem.9/Conv -o f.h5
