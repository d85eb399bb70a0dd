$QNS quantize $FIXTURES/model.onnx -o q.onnx
