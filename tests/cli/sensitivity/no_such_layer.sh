$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 --layers /head/Gem
