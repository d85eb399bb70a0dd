echo many | $QNS bench serve $FIXTURES/model.onnx -j 1
