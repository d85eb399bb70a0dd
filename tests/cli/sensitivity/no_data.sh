$QNS sensitivity $FIXTURES/model.onnx
