$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'eval>=2' --eval-cmd 'echo "{model}"' -o q.yaml
