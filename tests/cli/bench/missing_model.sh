$QNS bench layers missing.onnx
