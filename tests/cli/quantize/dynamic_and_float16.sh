$QNS quantize $FIXTURES/model.onnx --dynamic --float16 -o q.onnx
