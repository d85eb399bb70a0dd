$QNS run $FIXTURES/model.onnx -d nothing.npy
