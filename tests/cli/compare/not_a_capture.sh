$QNS compare $FIXTURES/model.onnx $FIXTURES/model.onnx
